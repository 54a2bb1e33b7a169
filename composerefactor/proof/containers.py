"""Running containers, and how one differs from what its service requests.

A container has the settings of its image and those of its service, so both are needed to decide
what differs. No reason contains the value of a variable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from composerefactor.compose.masking import GENERAL
from composerefactor.errors import EngineError
from composerefactor.programs import find_program
from composerefactor.proof.engine import Engine, Result

Inspected: TypeAlias = Mapping[str, Any]
Service: TypeAlias = Mapping[str, Any]

_OWN_LABELS = ("com.docker.compose.", "desktop.docker.io/")


def recreation_reasons(
    container: Inspected, image: Inspected | None, service: Service, model: Mapping[str, Any]
) -> list[str]:
    """Return the reasons for which *container* differs from what *service* requests.

    Args:
        container: The container, as ``docker inspect`` describes it.
        image: The image of the container, as ``docker inspect`` describes it; None if unknown.
        service: The service in the resolved configuration.
        model: The resolved configuration.
    """
    config = container.get("Config") or {}
    host = container.get("HostConfig") or {}
    defaults = (image or {}).get("Config") or {}
    reasons = [
        *_image_reasons(config, service),
        *_environment_reasons(config, defaults, service, known=image is not None),
        *_process(config, defaults, service, known=image is not None),
        *_label_reasons(config, defaults, service, known=image is not None),
        *_port_reasons(host, service),
        *attachment_reasons(container, service, model),
        *_removed_mounts(container, service),
        *(reason for rule in _SETTINGS for reason in rule(config, host, service)),
    ]
    return list(dict.fromkeys(reasons))


def _image_reasons(config: Inspected, service: Service) -> Iterator[str]:
    was, now = config.get("Image"), service.get("image")
    if now and was != now:
        yield f"image {GENERAL.text(str(was))} -> {GENERAL.text(str(now))}"


def _environment_reasons(
    config: Inspected, defaults: Inspected, service: Service, *, known: bool
) -> Iterator[str]:
    was = _pairs(config.get("Env"))
    now = dict(service.get("environment") or {})
    of_image = _pairs(defaults.get("Env"))
    changed = [
        name for name, value in now.items() if name in was and _value_text(value) != was[name]
    ]
    added = [name for name in now if name not in was and now[name] is not None]
    removed = [
        name for name in was if known and name not in now and of_image.get(name) != was[name]
    ]
    for what, names in (("changed", changed), ("added", added), ("removed", removed)):
        if names:
            yield f"environment: {', '.join(sorted(names))} {what}"


def _process(
    config: Inspected, defaults: Inspected, service: Service, *, known: bool
) -> Iterator[str]:
    for key, name in (("command", "Cmd"), ("entrypoint", "Entrypoint")):
        requested = service.get(key)
        # An entrypoint of the service drops the command of the image.
        dropped = key == "command" and service.get("entrypoint") is not None
        expected = requested if requested is not None else (None if dropped else defaults.get(name))
        if (requested is not None or known) and (config.get(name) or []) != (expected or []):
            yield f"different {key}"
    for key, name in (("user", "User"), ("working_dir", "WorkingDir")):
        expected = service.get(key) or defaults.get(name) or ""
        if (key in service or known) and (config.get(name) or "") != expected:
            yield f"different {key}: {config.get(name) or 'none'} -> {expected or 'none'}"
    requested = (service.get("healthcheck") or {}).get("test")
    if requested is not None and requested != (config.get("Healthcheck") or {}).get("Test"):
        yield "different health check"
    elif known and requested is None and config.get("Healthcheck") != defaults.get("Healthcheck"):
        yield (
            "the health check was removed"
            if not service.get("healthcheck")
            else ("different health check")
        )


def _label_reasons(
    config: Inspected, defaults: Inspected, service: Service, *, known: bool
) -> Iterator[str]:
    was = {n: v for n, v in (config.get("Labels") or {}).items() if not n.startswith(_OWN_LABELS)}
    now = {name: _value_text(value) for name, value in (service.get("labels") or {}).items()}
    of_image = defaults.get("Labels") or {}
    names = [name for name, value in now.items() if was.get(name) != value]
    names += [n for n, v in was.items() if known and n not in now and of_image.get(n) != v]
    if names:
        yield f"labels: {', '.join(sorted(names))}"


def _port_reasons(host: Inspected, service: Service) -> Iterator[str]:
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
    for what, ports in (("added", now - was), ("removed", was - now)):
        for target, address, published in sorted(ports):
            yield f"port {f'{address}:' if address else ''}{published or 'any'}->{target} {what}"


def attachment_reasons(
    container: Inspected, service: Service, model: Mapping[str, Any]
) -> list[str]:
    """Return the reasons for which ``up`` recreates *container* although its hash is equal.

    Docker Compose compares volumes and networks with those of the container itself (observed:
    v5.6.1). The arguments are as for :func:`recreation_reasons`.
    """
    return [
        *_missing_mounts(container, service, model),
        *_missing_networks(container, service, model),
    ]


def _mounts(container: Inspected) -> dict[Any, tuple[Any, str]]:
    """Return the type and the source of each mount by target."""
    return {
        mount.get("Destination"): (mount.get("Type"), _source(mount))
        for mount in container.get("Mounts") or ()
    }


def _missing_mounts(
    container: Inspected, service: Service, model: Mapping[str, Any]
) -> Iterator[str]:
    was = _mounts(container)
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


def _removed_mounts(container: Inspected, service: Service) -> Iterator[str]:
    targets = {mount.get("target") for mount in service.get("volumes") or ()}
    for target, (kind, source) in _mounts(container).items():
        if kind == "bind" and target not in targets and not _is_config_or_secret(target, service):
            yield f"{source} is no longer mounted at {target}"


def _is_config_or_secret(target: str, service: Service) -> bool:
    """Return whether Compose mounts a config or a secret at *target*."""
    names = [*(service.get("configs") or ()), *(service.get("secrets") or ())]
    targets = {str(item.get("target") or f"/{item.get('source')}") for item in names}
    return target in targets or target.startswith("/run/secrets/")


def _network_mode_reasons(_: Inspected, host: Inspected, service: Service) -> Iterator[str]:
    mode, expected = str(host.get("NetworkMode") or ""), _own_network_mode(service)
    if expected and expected != mode:
        yield f"network_mode {mode} -> {expected}"


def _own_network_mode(service: Service) -> str:
    """Return the network mode; ``""`` for none, and for the network of another container."""
    mode = str(service.get("network_mode") or "")
    return "" if mode.startswith(("service:", "container:")) else mode


def _missing_networks(
    container: Inspected, service: Service, model: Mapping[str, Any]
) -> Iterator[str]:
    attached = set((container.get("NetworkSettings") or {}).get("Networks") or ())
    for key in () if _own_network_mode(service) else service.get("networks") or ():
        name = ((model.get("networks") or {}).get(key) or {}).get("name") or key
        if name not in attached:
            yield f"not attached to network {name}"


def _restart_reasons(_: Inspected, host: Inspected, service: Service) -> Iterator[str]:
    policy = host.get("RestartPolicy") or {}
    was, retries = policy.get("Name") or "no", policy.get("MaximumRetryCount")
    was = f"{was}:{retries}" if retries else was
    now = str(service.get("restart") or "no")
    if now != was and "restart_policy" not in (service.get("deploy") or {}):
        yield f"restart policy {was} -> {now}"


def _switch_reasons(_: Inspected, host: Inspected, service: Service) -> Iterator[str]:
    for key, name in (("privileged", "Privileged"), ("read_only", "ReadonlyRootfs")):
        was, now = bool(host.get(name)), bool(service.get(key))
        if was != now:
            yield f"{key} {str(was).lower()} -> {str(now).lower()}"


def _capability_reasons(_: Inspected, host: Inspected, service: Service) -> Iterator[str]:
    for key, name in (("cap_add", "CapAdd"), ("cap_drop", "CapDrop")):
        was, now = (
            {_capability(c) for c in side.get(k) or ()}
            for side, k in ((host, name), (service, key))
        )
        if was != now:
            yield f"different {key}"


def _memory_reasons(_: Inspected, host: Inspected, service: Service) -> Iterator[str]:
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    now = str(limits.get("memory") or service.get("mem_limit") or 0)
    was = str(host.get("Memory") or 0)
    if now.isdecimal() and now != was:
        yield f"memory limit {_memory_size(was)} -> {_memory_size(now)}"


def _hostname_reasons(config: Inspected, _: Inspected, service: Service) -> Iterator[str]:
    if service.get("hostname") and service["hostname"] != config.get("Hostname"):
        yield f"host name {config.get('Hostname')} -> {service['hostname']}"


_SETTINGS: tuple[Callable[[Inspected, Inspected, Service], Iterator[str]], ...] = (
    _restart_reasons,
    _switch_reasons,
    _capability_reasons,
    _memory_reasons,
    _hostname_reasons,
    _network_mode_reasons,
)


def _pairs(values: list[str] | None) -> dict[str, str]:
    return {n: v for n, _, v in (text.partition("=") for text in values or ())}


def _value_text(value: Any) -> str:
    return "" if value is None else str(value)


def _source(mount: Mapping[str, Any]) -> str:
    return str(mount.get("Name") or mount.get("Source") or "")


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def _memory_size(size: str) -> str:
    return "none" if size == "0" else f"{int(size) // 1024 // 1024}M"


_KEPT_VARIABLES = ("HOME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR")
_TIMEOUT = 60.0
_PREFIX = "com.docker.compose."


@dataclass(frozen=True, slots=True)
class Container:
    """A container that Docker Compose has created.

    Attributes:
        inspected: The container, as ``docker inspect`` describes it.
    """

    inspected: dict[str, Any] = field(repr=False)

    def label(self, name: str) -> str:
        """Return the value of one of Compose's own labels; ``""`` if it is missing."""
        labels = (self.inspected.get("Config") or {}).get("Labels") or {}
        return str(labels.get(f"{_PREFIX}{name}") or "")

    @property
    def name(self) -> str:
        """The name, without the leading slash of the daemon's output."""
        return str(self.inspected.get("Name") or "").lstrip("/")

    @property
    def service(self) -> str:
        """The service that it belongs to."""
        return self.label("service")

    @property
    def state(self) -> str:
        """Its status: ``running``, ``exited`` ..."""
        return str((self.inspected.get("State") or {}).get("Status") or "unknown")

    @property
    def files(self) -> tuple[str, ...]:
        """The Compose files of the command that created it."""
        return tuple(part for part in self.label("project.config_files").split(",") if part)


class Docker:
    """The user's docker client; only for reading.

    Raises:
        EngineError: There is no docker client, or (from the methods) it fails, for example because
            no daemon is running.
    """

    def __init__(self) -> None:
        program = find_program("docker")
        if program is None:
            raise EngineError(
                "no docker client found, which is needed to inspect the running project"
            )
        named = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
        self._environ = {
            name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ
        } | named
        self._client = Engine((program,), "", "docker")
        self._images: dict[str, dict[str, Any] | None] = {}

    def containers(self, project: str) -> list[Container]:
        """Return the containers of *project*, running or not, except those of ``compose run``."""
        labels = (f"label={_PREFIX}project={project}", f"label={_PREFIX}oneoff=False")
        filters = [word for text in labels for word in ("--filter", text)]
        ids = self._output(["ps", "--all", "--quiet", "--no-trunc", *filters]).split()
        if not ids:
            return []
        inspected = json.loads(self._output(["inspect", "--type", "container", *ids]))
        return sorted(map(Container, inspected), key=lambda container: container.name)

    def image(self, reference: str) -> dict[str, Any] | None:
        """Return an image as ``docker inspect`` describes it; None if it is not on the machine."""
        if reference not in self._images:
            result = self._run(["image", "inspect", reference])
            inspected = json.loads(result.stdout) if result.ok else []
            self._images[reference] = inspected[0] if inspected else None
        return self._images[reference]

    def _output(self, arguments: Sequence[str]) -> str:
        result = self._run(arguments)
        if not result.ok:
            raise EngineError(
                f"docker failed: {GENERAL.text(result.error)}",
                remedy="start the Docker daemon, or select another one with DOCKER_HOST",
            )
        return result.stdout.decode("utf-8", "replace")

    def _run(self, arguments: Sequence[str]) -> Result:
        return self._client.run(arguments, Path.cwd(), self._environ, _TIMEOUT)
