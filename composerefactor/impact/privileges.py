"""What a container may do to its host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composerefactor.impact.change import Change, Risk, ServicePair, change, listed
from composerefactor.impact.rules import (
    CAPABILITY_GAINED,
    CAPABILITY_KEPT,
    CONFINEMENT_LOST,
    DEVICE_GAINED,
    HOST_NAMESPACE,
    HOST_PATH_EXPOSED,
    PRIVILEGED,
    RIGHTS_REDUCED,
    RUNS_AS_ROOT,
    WRITABLE_ROOT,
)

_NAMESPACES = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")
_MILD = frozenset(
    {
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
        *("NET_BIND_SERVICE", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP", "NET_RAW"),
        *("IPC_LOCK", "SYS_NICE", "SYS_RESOURCE"),
    }
)
"""Those that Docker gives by default, and three that lock memory and raise priorities."""

_POWERFUL_PATHS = ("/", "/etc", "/root", "/boot", "/dev", "/proc", "/sys", "/var", "/var/run")
_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock")
_ROOT = frozenset({"root", "0", "0:0", "root:root"})


def all_rights(pair: ServicePair) -> Iterator[Change]:
    """Yield that the container became privileged, or is no more."""
    old, new = bool(pair.old.get("privileged")), bool(pair.new.get("privileged"))
    if new and not old:
        yield change(PRIVILEGED, pair.at("privileged"), "runs privileged: all rights on the host")
    elif old and not new and pair.new:
        yield change(RIGHTS_REDUCED, pair.at("privileged"), "is no longer privileged", was=True)


def host_namespaces(pair: ServicePair) -> Iterator[Change]:
    """Yield the namespaces that the container shares with the host now."""
    for key in _NAMESPACES:
        old, new = pair.old.get(key), pair.new.get(key)
        if new == "host" and old != "host":
            words = f"shares the host's {key.removesuffix('_mode')} namespace ({key}: host)"
            if key == "network_mode":
                words += ": every port that it listens on is open"
            yield change(HOST_NAMESPACE, pair.at(key), words)
        elif old == "host" and new != "host" and pair.new:
            words = f"no longer shares the host's {key.removesuffix('_mode')} namespace"
            yield change(RIGHTS_REDUCED, pair.at(key), words, was=new is None)


def capabilities(pair: ServicePair) -> Iterator[Change]:
    """Yield capabilities that were added, or that are dropped no more."""
    gained = [name for name in _caps(pair.new, "cap_add") if name not in _caps(pair.old, "cap_add")]
    if gained:
        risk = Risk.MEDIUM if _MILD.issuperset(gained) else Risk.HIGH
        words = f"gains {_nouned(gained)} {listed(gained)}"
        yield change(CAPABILITY_GAINED, pair.at("cap_add"), words, risk=risk, marks=(gained[0],))
    dropped = _caps(pair.new, "cap_drop")
    kept = [name for name in _caps(pair.old, "cap_drop") if name not in dropped]
    if kept and pair.new and "ALL" not in dropped:
        words = f"no longer drops {_nouned(kept)} {listed(kept)}"
        yield change(CAPABILITY_KEPT, pair.at("cap_drop"), words, was=not dropped)
    lost = [n for n in _caps(pair.old, "cap_add") if n not in _caps(pair.new, "cap_add")]
    if lost and pair.new:
        words = f"no longer gets {_nouned(lost)} {listed(lost)}"
        yield change(RIGHTS_REDUCED, pair.at("cap_add"), words, was=not _caps(pair.new, "cap_add"))


def confinement(pair: ServicePair) -> Iterator[Change]:
    """Yield security options that were lost or switched off."""
    old, new = _options(pair.old), _options(pair.new)
    place = pair.at("security_opt")
    for option in sorted(new - old):
        if option.endswith(("=unconfined", "=disable")):
            words = f"is no longer confined ({option})"
            yield change(CONFINEMENT_LOST, place, words, marks=(option.partition("=")[0],))
    if not pair.new:
        return
    for option in sorted(old - new):
        name = option.partition("=")[0]
        if option == "no-new-privileges=false" or option.endswith(("=unconfined", "=disable")):
            continue
        if not any(other.partition("=")[0] == name for other in new) or option.endswith("=true"):
            words = f"loses the security option {name}"
            risk = Risk.MEDIUM if name == "no-new-privileges" else None
            yield change(CONFINEMENT_LOST, place, words, risk=risk, was=not new)


def running_user(pair: ServicePair) -> Iterator[Change]:
    """Yield that the container runs as root, or as whoever the image says."""
    old, new = str(pair.old.get("user") or ""), str(pair.new.get("user") or "")
    if new in _ROOT and (old not in _ROOT):
        yield change(RUNS_AS_ROOT, pair.at("user"), "runs as root")
    elif old and old not in _ROOT and not new and pair.new:
        words = f"runs as the image's own user, no longer as {old}"
        yield change(RUNS_AS_ROOT, pair.at("user"), words, was=True)


def root_file_system(pair: ServicePair) -> Iterator[Change]:
    """Yield that the root file system became writable, or read-only."""
    old, new = bool(pair.old.get("read_only")), bool(pair.new.get("read_only"))
    if old and not new and pair.new:
        words = "its root file system is writable now"
        yield change(WRITABLE_ROOT, pair.at("read_only"), words, was="read_only" not in pair.new)
    elif new and not old and pair.old:
        words = "its root file system is read-only now"
        yield change(RIGHTS_REDUCED, pair.at("read_only"), words)


def devices(pair: ServicePair) -> Iterator[Change]:
    """Yield devices of the host that the container gets."""
    for key in ("devices", "device_cgroup_rules"):
        old, new = (list(map(_device, side.get(key) or ())) for side in (pair.old, pair.new))
        gained = [name for name in new if name not in old]
        if gained:
            words = f"gets {listed(gained)} of the host"
            yield change(DEVICE_GAINED, pair.at(key), words, marks=(gained[0].split(":")[0],))
    if pair.new.get("use_api_socket") and not pair.old.get("use_api_socket"):
        words = "controls the Docker daemon (use_api_socket)"
        yield change(HOST_PATH_EXPOSED, pair.at("use_api_socket"), words)


def powerful_mounts(pair: ServicePair) -> Iterator[Change]:
    """Yield mounts of the host that let the container control it."""
    known = {_source(mount) for mount in _binds(pair.old)}
    for mount in _binds(pair.new):
        source = _source(mount)
        if source in known:
            continue
        words = ""
        if source.endswith(_SOCKETS):
            words = f"controls the container engine of the host: {source} is mounted"
        elif source in _POWERFUL_PATHS:
            access = "reads" if mount.get("read_only") else "can change"
            words = f"{access} {source} of the host"
        if words:
            risk = None if source.endswith(_SOCKETS) or not mount.get("read_only") else Risk.MEDIUM
            yield change(
                HOST_PATH_EXPOSED,
                pair.at("volumes"),
                words,
                risk=risk,
                marks=(source,) if source != "/" else (),
            )


def _binds(service: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [m for m in service.get("volumes") or () if isinstance(m, dict) and _is_bind(m)]


def _is_bind(mount: Mapping[str, Any]) -> bool:
    return mount.get("type") == "bind"


def _source(mount: Mapping[str, Any]) -> str:
    source = str(mount.get("source") or "")
    return source.rstrip("/") or "/"


def _caps(service: Mapping[str, Any], key: str) -> list[str]:
    return [str(name).upper().removeprefix("CAP_") for name in service.get(key) or ()]


def _options(service: Mapping[str, Any]) -> set[str]:
    found = set()
    for option in map(str, service.get("security_opt") or ()):
        text = option.replace(":", "=", 1) if "=" not in option else option
        found.add(f"{text}=true" if text == "no-new-privileges" else text)
    return found


def _device(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value.get('source')}:{value.get('target')}"
    return str(value)


def _nouned(names: list[str]) -> str:
    return "capability" if len(names) == 1 else "capabilities"
