"""In what a running container is not what a service asks for. No value of a variable is told.

A container has what its image brings and what the service says, so that both are needed to tell
what would be another one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from composerefactor.compose.secrets import mask_text
from composerefactor.errors import EngineError
from composerefactor.proof.engine import Engine, Result

Inspected: TypeAlias = Mapping[str, Any]
Service: TypeAlias = Mapping[str, Any]

_OWN = ("com.docker.compose.", "desktop.docker.io/")


def reasons(
    container: Inspected, image: Inspected | None, service: Service, model: Mapping[str, Any]
) -> list[str]:
    """Return in words how *container* differs from *service* of *model*; *image* is its image."""
    config = container.get("Config") or {}
    host = container.get("HostConfig") or {}
    defaults = (image or {}).get("Config") or {}
    found = [
        *_image(config, service),
        *_environment(config, defaults, service, known=image is not None),
        *_words(config, defaults, service, known=image is not None),
        *_labels(config, defaults, service, known=image is not None),
        *_ports(host, service),
        *_mounts(container, service, model),
        *_networks(container, service, model),
        *(words for rule in _SETTINGS for words in rule(config, host, service)),
    ]
    return list(dict.fromkeys(found))


def _image(config: Inspected, service: Service) -> Iterator[str]:
    was, now = config.get("Image"), service.get("image")
    if now and was != now:
        yield f"image {mask_text(str(was))} -> {mask_text(str(now))}"


def _environment(
    config: Inspected, defaults: Inspected, service: Service, *, known: bool
) -> Iterator[str]:
    was = _pairs(config.get("Env"))
    now = dict(service.get("environment") or {})
    brought = _pairs(defaults.get("Env"))
    changed = [name for name, value in now.items() if name in was and _text(value) != was[name]]
    new = [name for name in now if name not in was and now[name] is not None]
    gone = [name for name in was if known and name not in now and brought.get(name) != was[name]]
    for what, names in (("changed", changed), ("new", new), ("gone", gone)):
        if names:
            yield f"environment: {', '.join(sorted(names))} {what}"


def _words(
    config: Inspected, defaults: Inspected, service: Service, *, known: bool
) -> Iterator[str]:
    for key, name in (("command", "Cmd"), ("entrypoint", "Entrypoint")):
        asked = service.get(key)
        # An entrypoint of the service drops the command of the image.
        dropped = key == "command" and service.get("entrypoint") is not None
        expected = asked if asked is not None else (None if dropped else defaults.get(name))
        if (asked is not None or known) and (config.get(name) or []) != (expected or []):
            yield f"another {key}"
    for key, name in (("user", "User"), ("working_dir", "WorkingDir")):
        expected = service.get(key) or defaults.get(name) or ""
        if (key in service or known) and (config.get(name) or "") != expected:
            yield f"another {key}: {config.get(name) or 'none'} -> {expected or 'none'}"
    asked = (service.get("healthcheck") or {}).get("test")
    if asked is not None and asked != (config.get("Healthcheck") or {}).get("Test"):
        yield "another health check"
    elif known and asked is None and config.get("Healthcheck") != defaults.get("Healthcheck"):
        yield (
            "the health check is gone"
            if not service.get("healthcheck")
            else ("another health check")
        )


def _labels(
    config: Inspected, defaults: Inspected, service: Service, *, known: bool
) -> Iterator[str]:
    was = {n: v for n, v in (config.get("Labels") or {}).items() if not n.startswith(_OWN)}
    now = {name: _text(value) for name, value in (service.get("labels") or {}).items()}
    brought = defaults.get("Labels") or {}
    names = [name for name, value in now.items() if was.get(name) != value]
    names += [n for n, v in was.items() if known and n not in now and brought.get(n) != v]
    if names:
        yield f"labels: {', '.join(sorted(names))}"


def _ports(host: Inspected, service: Service) -> Iterator[str]:
    was = {
        (target, binding.get("HostIp") or "", binding.get("HostPort") or "")
        for target, bindings in (host.get("PortBindings") or {}).items()
        for binding in bindings or ()
    }
    now = {
        (
            f"{port.get('target')}/{port.get('protocol') or 'tcp'}",
            port.get("host_ip") or "",
            str(port.get("published") or ""),
        )
        for port in service.get("ports") or ()
    }
    for what, found in (("new", now - was), ("gone", was - now)):
        for target, address, published in sorted(found):
            yield f"port {f'{address}:' if address else ''}{published or 'any'}->{target} {what}"


def _mounts(container: Inspected, service: Service, model: Mapping[str, Any]) -> Iterator[str]:
    was = {
        mount.get("Destination"): (mount.get("Type"), _source(mount))
        for mount in container.get("Mounts") or ()
    }
    for mount in service.get("volumes") or ():
        target, kind = mount.get("target"), mount.get("type")
        source = mount.get("source")
        if kind == "volume" and source:
            source = ((model.get("volumes") or {}).get(source) or {}).get("name") or source
        if kind not in {"volume", "bind"} or not source:
            continue
        if target not in was:
            yield f"nothing is mounted at {target} yet"
        elif was[target] != (kind, source):
            yield f"at {target}: {kind} {source} instead of {was[target][0]} {was[target][1]}"
    wanted = {mount.get("target") for mount in service.get("volumes") or ()}
    for target, (kind, source) in was.items():
        if kind == "bind" and target not in wanted and not _brought(target, service):
            yield f"{source} is no longer mounted at {target}"


def _brought(target: str, service: Service) -> bool:
    """Return whether Compose itself mounts something there, for a config or a secret."""
    names = [*(service.get("configs") or ()), *(service.get("secrets") or ())]
    targets = {str(item.get("target") or f"/{item.get('source')}") for item in names}
    return target in targets or target.startswith("/run/secrets/")


def _networks(container: Inspected, service: Service, model: Mapping[str, Any]) -> Iterator[str]:
    attached = set((container.get("NetworkSettings") or {}).get("Networks") or ())
    mode = str((container.get("HostConfig") or {}).get("NetworkMode") or "")
    expected_mode = service.get("network_mode")
    if expected_mode and not str(expected_mode).startswith(("service:", "container:")):
        if expected_mode != mode:
            yield f"network_mode {mode} -> {expected_mode}"
        return
    for key in service.get("networks") or ():
        name = ((model.get("networks") or {}).get(key) or {}).get("name") or key
        if name not in attached:
            yield f"not attached to network {name}"


def _restart(_: Inspected, host: Inspected, service: Service) -> Iterator[str]:
    policy = host.get("RestartPolicy") or {}
    was, retries = policy.get("Name") or "no", policy.get("MaximumRetryCount")
    was = f"{was}:{retries}" if retries else was
    now = str(service.get("restart") or "no")
    if now != was and "restart_policy" not in (service.get("deploy") or {}):
        yield f"restart policy {was} -> {now}"


def _switches(_: Inspected, host: Inspected, service: Service) -> Iterator[str]:
    for key, name in (("privileged", "Privileged"), ("read_only", "ReadonlyRootfs")):
        was, now = bool(host.get(name)), bool(service.get(key))
        if was != now:
            yield f"{key} {str(was).lower()} -> {str(now).lower()}"


def _lists(_: Inspected, host: Inspected, service: Service) -> Iterator[str]:
    for key, name in (("cap_add", "CapAdd"), ("cap_drop", "CapDrop")):
        was, now = (
            {_capability(c) for c in side.get(k) or ()}
            for side, k in ((host, name), (service, key))
        )
        if was != now:
            yield f"another {key}"


def _memory(_: Inspected, host: Inspected, service: Service) -> Iterator[str]:
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    now = str(limits.get("memory") or service.get("mem_limit") or 0)
    was = str(host.get("Memory") or 0)
    if now.isdecimal() and now != was:
        yield f"memory limit {_limit(was)} -> {_limit(now)}"


def _hostname(config: Inspected, _: Inspected, service: Service) -> Iterator[str]:
    if service.get("hostname") and service["hostname"] != config.get("Hostname"):
        yield f"host name {config.get('Hostname')} -> {service['hostname']}"


_SETTINGS: tuple[Callable[[Inspected, Inspected, Service], Iterator[str]], ...] = (
    _restart,
    _switches,
    _lists,
    _memory,
    _hostname,
)


def _pairs(values: list[str] | None) -> dict[str, str]:
    return {n: v for n, _, v in (text.partition("=") for text in values or ())}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _source(mount: Mapping[str, Any]) -> str:
    return str(mount.get("Name") or mount.get("Source") or "")


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def _limit(size: str) -> str:
    return "none" if size == "0" else f"{int(size) // 1024 // 1024}M"


_KEPT = ("HOME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR")
_SECONDS = 60.0
_PREFIX = "com.docker.compose."


@dataclass(frozen=True, slots=True)
class Container:
    """A container that Docker Compose made, as ``docker inspect`` has it in *inspected*."""

    inspected: dict[str, Any] = field(repr=False)

    def label(self, name: str) -> str:
        """Return one of Compose's own labels, ``""`` where it is missing."""
        labels = (self.inspected.get("Config") or {}).get("Labels") or {}
        return str(labels.get(f"{_PREFIX}{name}") or "")

    @property
    def name(self) -> str:
        """The name without the slash that the daemon puts before it."""
        return str(self.inspected.get("Name") or "").lstrip("/")

    @property
    def service(self) -> str:
        """The service that it was made for."""
        return self.label("service")

    @property
    def state(self) -> str:
        """What it does: ``running``, ``exited`` ..."""
        return str((self.inspected.get("State") or {}).get("Status") or "unknown")

    @property
    def files(self) -> tuple[str, ...]:
        """The Compose files of the command that made it."""
        return tuple(part for part in self.label("project.config_files").split(",") if part)


class Docker:
    """The user's docker client. Raises EngineError where there is none or no daemon answers."""

    def __init__(self) -> None:
        program = shutil.which("docker")
        if program is None:
            raise EngineError("there is no docker client to ask for the running project")
        named = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
        self._environ = {name: os.environ[name] for name in _KEPT if name in os.environ} | named
        self._client = Engine((program,), "", "docker")
        self._images: dict[str, dict[str, Any] | None] = {}

    def containers(self, project: str) -> list[Container]:
        """Return the containers of *project*, running or not, without those of ``compose run``."""
        wanted = (f"label={_PREFIX}project={project}", f"label={_PREFIX}oneoff=False")
        filters = [word for text in wanted for word in ("--filter", text)]
        ids = self._ask(["ps", "--all", "--quiet", "--no-trunc", *filters]).split()
        if not ids:
            return []
        found = json.loads(self._ask(["inspect", "--type", "container", *ids]))
        return sorted(map(Container, found), key=lambda each: each.name)

    def image(self, reference: str) -> dict[str, Any] | None:
        """Return what is known of an image on the machine, None where there is none."""
        if reference not in self._images:
            result = self._run(["image", "inspect", reference])
            found = json.loads(result.stdout) if result.ok else []
            self._images[reference] = found[0] if found else None
        return self._images[reference]

    def _ask(self, arguments: Sequence[str]) -> str:
        result = self._run(arguments)
        if not result.ok:
            raise EngineError(
                f"docker says: {mask_text(result.error)}",
                remedy="start the daemon, or choose another one with DOCKER_HOST",
            )
        return result.stdout.decode("utf-8", "replace")

    def _run(self, arguments: Sequence[str]) -> Result:
        return self._client.run(arguments, Path.cwd(), self._environ, _SECONDS)
