"""Impacts on the attack surface: published ports, networks, and the rights of containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from composerefactor.analysis.diff import kinds
from composerefactor.analysis.diff.impact import (
    Impact,
    ServicePair,
    State,
    UpEffect,
    impact,
    listed,
)
from composerefactor.analysis.diff.kinds import Risk
from composerefactor.analysis.diff.storage import SharedResource, shared_resources
from composerefactor.compose.ports import EVERYWHERE, is_local_address
from composerefactor.compose.short_forms import is_engine_socket


class _Published(Struct, frozen=True, order=True):
    """A published port.

    Attributes:
        target: The port in the container.
        protocol: ``tcp`` or ``udp``.
        host: The port on the host, ``""`` if Docker chooses it.
        address: The address on the host, ``""`` for all.
    """

    target: str
    protocol: str
    host: str
    address: str

    @property
    def reach(self) -> int:
        """From where it is reachable: 0 the host, 1 the network of one address, 2 everywhere."""
        if self.address in EVERYWHERE:
            return 2
        return 0 if is_local_address(self.address) else 1

    @property
    def name(self) -> str:
        """The port, for messages."""
        end = "" if self.protocol == "tcp" else f"/{self.protocol}"
        return f"port {self.host}{end}" if self.host else f"container port {self.target}{end}"

    @property
    def scope(self) -> str:
        """From where it is reachable, for messages."""
        if self.reach == 0:
            return "to the host only"
        return "to the world" if self.reach else f"on {self.address}"


def published_ports(pair: ServicePair) -> Iterator[Impact]:
    """Yield the ports that were opened, closed or moved."""
    old, new = _ports(pair.old), _ports(pair.new)
    removed, added = sorted(old - new), sorted(new - old)
    place = pair.at("ports")
    for port in added:
        criteria = (_same_port, _same_target, _may_be_same)
        candidates = (one for is_same in criteria for one in removed if is_same(one, port))
        before = next(candidates, None)
        if before is None:
            widest = max((one.reach for one in old if _same_port(one, port)), default=-1)
            if widest < port.reach:
                yield _opened(port, place)
            continue
        removed.remove(before)
        yield _moved(before, port, place)
    for port in removed:
        if any(_same_port(port, one) and one.reach >= port.reach for one in new):
            continue
        message = f"{port.name} is closed; it was open {port.scope}"
        yield impact(
            kinds.PORT_CLOSED, place, message, was=not new, marks=_marks(port) if not new else ()
        )


def _opened(port: _Published, place: tuple[str, ...]) -> Impact:
    rule = (kinds.PORT_OPENED_LOCALLY, kinds.PORT_OPENED_ON_ADDRESS, kinds.PORT_OPENED_TO_WORLD)[
        port.reach
    ]
    inside = f"container port {port.target}" if port.host else "on a port that Docker chooses"
    message = f"{port.name} is open {port.scope} ({inside})"
    return impact(rule, place, message, marks=_marks(port))


def _moved(before: _Published, port: _Published, place: tuple[str, ...]) -> Impact:
    if port.reach > before.reach:
        opened = _opened(port, place)
        message = f"{opened.message}; it was {before.name}, open {before.scope}"
        return impact(opened.rule, place, message, marks=_marks(port))
    if port.reach < before.reach:
        message = f"{port.name} is open {port.scope}, no longer {before.scope}"
        return impact(kinds.PORT_NARROWED, place, message, marks=_marks(port))
    if port.host == before.host and port.target != before.target:
        message = f"{port.name} leads to container port {port.target} instead of {before.target}"
        return impact(kinds.PORT_MOVED, place, message, marks=_marks(port))
    was, now = (f"{each.address or '*'}:{each.host or 'any'}" for each in (before, port))
    if before.address == port.address:
        was, now = (each.host or "any" for each in (before, port))
    message = f"container port {port.target} is published as {now} instead of {was}"
    return impact(kinds.PORT_MOVED, place, message, marks=_marks(port))


def _same_port(one: _Published, other: _Published) -> bool:
    return (one.host, one.protocol) == (other.host, other.protocol) and bool(one.host)


def _same_target(one: _Published, other: _Published) -> bool:
    return (one.target, one.protocol) == (other.target, other.protocol)


def _may_be_same(one: _Published, other: _Published) -> bool:
    """Return whether one of them contains an unset variable that may stand for the other."""
    unknown = "$" in one.host + one.target or "$" in other.host + other.target
    return unknown and one.protocol == other.protocol and one.reach >= other.reach


def _marks(port: _Published) -> tuple[str, ...]:
    return tuple(part for part in (port.host, port.target) if part)


def _ports(service: Mapping[str, Any]) -> set[_Published]:
    return {
        _Published(
            str(port.get("target", "")),
            str(port.get("protocol") or "tcp"),
            str(port.get("published") or ""),
            str(port.get("host_ip") or ""),
        )
        for port in service.get("ports") or ()
        if isinstance(port, dict)
    }


def attachments(pair: ServicePair) -> Iterator[Impact]:
    """Yield networks that the service leaves or joins, and the services that this affects."""
    was, now = _attached(pair.before, pair.old), _attached(pair.after, pair.new)
    # A key with another name is a change of the network, which is reported once there.
    keys = set(pair.old.get("networks") or {}) & set(pair.new.get("networks") or {})
    same = {
        state.resource_name("networks", key) for state in (pair.before, pair.after) for key in keys
    }
    left = [name for name in was if name not in now and name not in same]
    joined = [name for name in now if name not in was and name not in same]
    place = pair.at("networks")
    changes = bool(left or joined)
    before, after = (_peers(s, pair) if changes else {} for s in (pair.before, pair.after))
    lost = [name for name in before if name not in after and name in pair.after.services]
    gained = [name for name in after if name not in before and name in pair.before.services]
    if lost and left:
        message = f"leaves network {listed(left)}: it and {listed(lost)} "
        message += "can no longer reach each other"
        yield impact(kinds.NETWORK_LEFT, place, message, was="networks" not in pair.new)
    if gained and joined:
        message = f"joins network {listed(joined)}: it and {listed(gained)} can reach each other"
        yield impact(kinds.NETWORK_JOINED, place, message, marks=())
    if (left or joined) and not (lost and left) and not (gained and joined):
        parts = [f"leaves network {listed(left)}"] if left else []
        parts += [f"joins network {listed(joined)}"] if joined else []
        yield impact(
            kinds.SERVICE_NETWORKS, place, " and ".join(parts), was="networks" not in pair.new
        )
    yield from _aliases(pair, was, now)


def network_definitions(before: State, after: State) -> Iterator[Impact]:
    """Yield networks that are recreated, renamed, opened, or became external."""
    for network in shared_resources(before, after, "networks"):
        yield from network.renamed("the same network")
        yield from _redefined(after, network)
    new = {after.resource_name("networks", key) for key in after.section("networks")}
    for key in before.section("networks").keys() & after.section("networks").keys():
        was_name, now_name = (s.resource_name("networks", key) for s in (before, after))
        if was_name != now_name and was_name not in new:
            external = bool(after.section("networks")[key].get("external"))
            message = f"network {key} was renamed from {was_name} to {now_name}"
            message += ", which must already exist (external)" if external else ""
            message += _users(after, now_name, "attached again")
            yield impact(kinds.NETWORK_RENAMED, ("networks", key), message, effect=UpEffect.NETWORK)


def _redefined(after: State, network: SharedResource) -> Iterator[Impact]:
    name, path = network.name, network.path
    if network.external == (False, True):
        message = f"network {name} must already exist (external)"
        yield impact(kinds.NETWORK_EXTERNAL, path, message, effect=UpEffect.NOTHING)
    elif network.external == (True, False):
        message = f"network {name} now belongs to this project"
        yield impact(kinds.NETWORK_EXTERNAL, path, message, effect=UpEffect.NOTHING)
    elif network.external == (False, False):
        keys = network.differing(driver="bridge")
        if network.was.get("internal") and not network.now.get("internal"):
            message = f"network {name} is no longer internal: its containers can reach the outside"
            yield impact(
                kinds.NETWORK_OPENED, (*path, "internal"), message, effect=UpEffect.NETWORK
            )
            keys.remove("internal")
        if keys:
            message = f"network {name} is recreated: {listed(keys)} changed"
            message += _users(after, name, "stopped and attached again")
            yield impact(kinds.NETWORK_RECREATED, path, message, effect=UpEffect.NETWORK)


def _aliases(
    pair: ServicePair, was: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> Iterator[Impact]:
    def names(attached: Mapping[str, Mapping[str, Any]]) -> list[str]:
        return [alias for settings in attached.values() for alias in settings.get("aliases") or ()]

    lost = [alias for alias in names(was) if alias not in names(now)]
    if lost:
        message = f"is no longer reachable as {listed(dict.fromkeys(lost))}"
        yield impact(kinds.ALIAS_LOST, pair.at("networks"), message, was=not names(now))
    for key in ("container_name", "hostname"):
        old, new = pair.old.get(key), pair.new.get(key)
        if old and old not in {new, pair.name}:
            noun = "container" if key == "container_name" else "host"
            message = (
                f"the {noun} was renamed from {old} to {new}"
                if new
                else f"the {noun} is no longer named {old}"
            )
            yield impact(kinds.ALIAS_LOST, pair.at(key), message, risk=Risk.MEDIUM, was=not new)


def _attached(state: State, service: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the settings of each network of *service*, by the real name of the network."""
    networks = service.get("networks") or {}
    return {state.resource_name("networks", key): networks[key] or {} for key in networks}


def _peers(state: State, pair: ServicePair) -> dict[str, None]:
    """Return the services that share a network with the service of *pair*."""
    name = pair.name if state is pair.after else pair.old_name or pair.name
    own = _attached(state, state.services.get(name, {}))
    members = {other: None for network in own for other in state.members.get(network, ())}
    members.pop(name, None)
    return members


def _users(state: State, network: str, participle: str) -> str:
    users = state.members.get(network, ())
    return f"; {listed(users)} {'is' if len(users) == 1 else 'are'} {participle}" if users else ""


_NAMESPACES = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")
_DEFAULT_CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("NET_BIND_SERVICE", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP", "NET_RAW"),
)
"""The capabilities that Docker grants by default (its documentation)."""

_MILD = frozenset({*_DEFAULT_CAPABILITIES, "IPC_LOCK", "SYS_NICE", "SYS_RESOURCE"})
"""Those, and three for memory locks and priorities."""

_POWERFUL_PATHS = ("/", "/etc", "/root", "/boot", "/dev", "/proc", "/sys", "/var", "/var/run")
_ROOT = frozenset({"root", "0", "0:0", "root:root"})


def privileged_mode(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if the container becomes privileged, or no longer is."""
    old, new = bool(pair.old.get("privileged")), bool(pair.new.get("privileged"))
    if new and not old:
        message = "runs privileged, with full access to the host"
        yield impact(kinds.PRIVILEGED, pair.at("privileged"), message)
    elif old and not new and pair.new:
        yield impact(
            kinds.RIGHTS_REDUCED, pair.at("privileged"), "is no longer privileged", was=True
        )


def host_namespaces(pair: ServicePair) -> Iterator[Impact]:
    """Yield the namespaces that the container starts or stops sharing with the host."""
    for key in _NAMESPACES:
        old, new = pair.old.get(key), pair.new.get(key)
        if new == "host" and old != "host":
            message = f"shares the host's {key.removesuffix('_mode')} namespace ({key}: host)"
            if key == "network_mode":
                message += ": every port on which it listens is open"
            yield impact(kinds.HOST_NAMESPACE, pair.at(key), message)
        elif old == "host" and new != "host" and pair.new:
            message = f"no longer shares the host's {key.removesuffix('_mode')} namespace"
            yield impact(kinds.RIGHTS_REDUCED, pair.at(key), message, was=new is None)


def capabilities(pair: ServicePair) -> Iterator[Impact]:
    """Yield the capabilities that the container gains or loses.

    It has those that Docker grants by default or, with ``cap_drop: ALL``, only those of
    ``cap_add``.
    """
    if not pair.new:
        return
    dropped, added = _caps(pair.new, "cap_drop"), _caps(pair.new, "cap_add")
    was_added = _caps(pair.old, "cap_add")
    had = _granted(_caps(pair.old, "cap_drop"), was_added)
    has = _granted(dropped, added)
    gained = [name for name in has if name not in had]
    given = [name for name in gained if name in added]
    if given:
        risk = Risk.MEDIUM if _MILD.issuperset(given) else Risk.HIGH
        message = f"gains the {_capability_noun(given)} {listed(given)}"
        yield impact(
            kinds.CAPABILITY_GAINED, pair.at("cap_add"), message, risk=risk, marks=(given[0],)
        )
    kept = [name for name in _caps(pair.old, "cap_drop") if name not in dropped]
    if kept and "ALL" not in dropped:
        message = f"no longer drops the {_capability_noun(kept)} {listed(kept)}"
        yield impact(kinds.CAPABILITY_KEPT, pair.at("cap_drop"), message, was=not dropped)
    lost = [name for name in had if name not in has]
    taken = [name for name in lost if name in was_added]
    if lost == taken and lost:
        message = f"no longer gets the {_capability_noun(lost)} {listed(lost)}"
        yield impact(kinds.RIGHTS_REDUCED, pair.at("cap_add"), message, was=not added)
    elif lost:
        message = f"loses the {_capability_noun(lost)} {listed(lost)}"
        if "ALL" in dropped:
            message = "loses all capabilities" + (f" but {listed(added)}" if added else "")
        covers = (pair.at("cap_add"),) if added else ()
        yield impact(kinds.CAPABILITY_LOST, pair.at("cap_drop"), message, covers=covers)


def _granted(dropped: list[str], added: list[str]) -> list[str]:
    """Return the capabilities of a container that drops *dropped* and adds *added*."""
    by_default = [] if "ALL" in dropped else [n for n in _DEFAULT_CAPABILITIES if n not in dropped]
    return list(dict.fromkeys([*by_default, *added]))


def confinement(pair: ServicePair) -> Iterator[Impact]:
    """Yield security options that were removed or disabled."""
    old, new = _options(pair.old), _options(pair.new)
    place = pair.at("security_opt")
    for option in sorted(new - old):
        if option.endswith(("=unconfined", "=disable")):
            message = f"is no longer confined ({option})"
            yield impact(kinds.CONFINEMENT_LOST, place, message, marks=(option.partition("=")[0],))
    if not pair.new:
        return
    for option in sorted(old - new):
        name = option.partition("=")[0]
        if option == "no-new-privileges=false" or option.endswith(("=unconfined", "=disable")):
            continue
        if not any(other.partition("=")[0] == name for other in new) or option.endswith("=true"):
            message = f"loses the security option {name}"
            risk = Risk.MEDIUM if name == "no-new-privileges" else None
            yield impact(kinds.CONFINEMENT_LOST, place, message, risk=risk, was=not new)


def running_user(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if the container now runs as root, or as the default user of the image."""
    old, new = str(pair.old.get("user") or ""), str(pair.new.get("user") or "")
    if new in _ROOT and (old not in _ROOT):
        yield impact(kinds.RUNS_AS_ROOT, pair.at("user"), "runs as root")
    elif old and old not in _ROOT and not new and pair.new:
        message = f"runs as the default user of the image, no longer as {old}"
        yield impact(kinds.RUNS_AS_ROOT, pair.at("user"), message, was=True)


def root_file_system(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if the root file system becomes writable or read-only."""
    old, new = bool(pair.old.get("read_only")), bool(pair.new.get("read_only"))
    if old and not new and pair.new:
        message = "its root file system is now writable"
        yield impact(
            kinds.WRITABLE_ROOT, pair.at("read_only"), message, was="read_only" not in pair.new
        )
    elif new and not old and pair.old:
        message = "its root file system is now read-only"
        yield impact(kinds.READ_ONLY_ROOT, pair.at("read_only"), message)


def devices(pair: ServicePair) -> Iterator[Impact]:
    """Yield devices of the host to which the container gets access."""
    for key in ("devices", "device_cgroup_rules"):
        old, new = (list(map(_device, side.get(key) or ())) for side in (pair.old, pair.new))
        gained = [name for name in new if name not in old]
        if gained:
            message = f"gets access to {listed(gained)} of the host"
            yield impact(
                kinds.DEVICE_GAINED, pair.at(key), message, marks=(gained[0].split(":")[0],)
            )
    if pair.new.get("use_api_socket") and not pair.old.get("use_api_socket"):
        message = "controls the Docker daemon (use_api_socket)"
        yield impact(kinds.HOST_PATH_EXPOSED, pair.at("use_api_socket"), message)


def powerful_mounts(pair: ServicePair) -> Iterator[Impact]:
    """Yield mounts that let the container control the host."""
    known = {_source(mount) for mount in _binds(pair.old)}
    for mount in _binds(pair.new):
        source = _source(mount)
        if source in known:
            continue
        message = ""
        if is_engine_socket(source):
            message = f"controls the container engine of the host: {source} is mounted"
        elif source in _POWERFUL_PATHS:
            access = "can read" if mount.get("read_only") else "can change"
            message = f"{access} {source} of the host"
        if message:
            risk = None if is_engine_socket(source) or not mount.get("read_only") else Risk.MEDIUM
            yield impact(
                kinds.HOST_PATH_EXPOSED,
                pair.at("volumes"),
                message,
                risk=risk,
                marks=(source,) if source != "/" else (),
            )


def _binds(service: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    mounts = service.get("volumes") or ()
    return [each for each in mounts if isinstance(each, dict) and each.get("type") == "bind"]


def _source(mount: Mapping[str, Any]) -> str:
    source = str(mount.get("source") or "")
    return source.rstrip("/") or "/"


def _caps(service: Mapping[str, Any], key: str) -> list[str]:
    return [str(name).upper().removeprefix("CAP_") for name in service.get(key) or ()]


def _options(service: Mapping[str, Any]) -> set[str]:
    options = set()
    for option in map(str, service.get("security_opt") or ()):
        text = option.replace(":", "=", 1) if "=" not in option else option
        options.add(f"{text}=true" if text == "no-new-privileges" else text)
    return options


def _device(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value.get('source')}:{value.get('target')}"
    return str(value)


def _capability_noun(names: list[str]) -> str:
    return "capability" if len(names) == 1 else "capabilities"
