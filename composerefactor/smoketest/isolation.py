"""An override file that lets a second copy of a stack run beside the first without touching it.

A project name of its own is not enough: fixed container names and published ports collide; volumes
and networks with a fixed name, external ones and data in bind mounts would be shared with what runs
already; a proxy that finds containers by their labels would send its traffic to the copy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from composerefactor.catalog.catalog import Catalog
from composerefactor.catalog.placement import placement
from composerefactor.compose.expand import expand
from composerefactor.compose.merged import merged_get
from composerefactor.compose.project import Project
from composerefactor.smoketest.checks import Mount, known_server, mounts, published
from composerefactor.topology.networks import networks_of
from composerefactor.topology.stack import Service, Stack

_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock")
_PROXY_VARIABLES = ("VIRTUAL_HOST", "LETSENCRYPT_HOST")
_PROFILE = "left-out-of-the-smoke-test"


class _Tagged:
    """A value that is written with a YAML tag."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value


def left_out(stack: Stack) -> dict[str, str]:
    """Return the services that cannot run twice on one host, with the reason."""
    found: dict[str, str] = {}
    for name, service in stack.services.items():
        if any(mount.text.source in _SOCKETS for mount in mounts(stack, service)):
            found[name] = "it controls the Docker daemon, so it would act on other containers"
        elif _mode(service) == "host":
            found[name] = "it uses the ports of the host"
        elif _mode(service).startswith("container:"):
            found[name] = "it uses the network of a container of another project"
    while more := {
        name: f"it shares the network of {_mode(service).removeprefix('service:')}"
        for name, service in stack.services.items()
        if name not in found and _mode(service).removeprefix("service:") in found
    }:
        found.update(more)
    return found


def isolation(project: Project, stack: Stack, catalog: Catalog) -> str:
    """Return the text of the override file, YAML with ``!reset`` and ``!override``.

    It needs Docker Compose v2.24.6, the first to let a file change services that another includes.
    """
    skipped = left_out(stack)
    volumes: dict[str, Any] = {name: _Tagged("!override", {}) for name in stack.declared("volumes")}
    services = {}
    for service in stack.services.values():
        if service.name in skipped:
            services[service.name] = {"profiles": _Tagged("!override", [_PROFILE])}
            continue
        own = _own_mounts(project, stack, service, catalog)
        for number, mount in enumerate(own, start=1):
            volumes[_volume(mount, number)] = {}
        services[service.name] = _service(stack, service, own, skipped)
    document = {
        "services": {name: body for name, body in services.items() if body},
        "volumes": volumes,
        "networks": {name: _Tagged("!override", {}) for name in stack.declared("networks")},
    }
    return "".join(_lines({key: value for key, value in document.items() if value}, 0))


def _service(
    stack: Stack, service: Service, own: list[Mount], skipped: Mapping[str, str]
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    container = service.text("container_name")
    if service.value("container_name") is not None:
        body["container_name"] = _Tagged("!reset", None)
    if service.value("labels") is not None:
        body["labels"] = _Tagged("!reset", {})
    if bindings := published(stack, service):
        items = [
            {
                "target": int(target) if target.isdecimal() else target,
                "host_ip": "127.0.0.1",
                "protocol": port.text.protocol,
            }
            for port in bindings
            for target in [expand(port.text.target, stack.variables)]
        ]
        body["ports"] = _Tagged("!override", items)
    if own:
        body["volumes"] = [
            {"type": "volume", "source": _volume(mount, number), "target": mount.text.target}
            for number, mount in enumerate(own, start=1)
        ]
    if shown := [name for name in _PROXY_VARIABLES if name in service.settings]:
        body["environment"] = dict.fromkeys(shown, "")
    needed = [name for name, _ in service.names("depends_on") if name in skipped]
    if needed:
        how = {"condition": "service_started", "required": False}
        body["depends_on"] = dict.fromkeys(needed, how)
    if networks := _networks(stack, service, container):
        body["networks"] = networks
    return body


def _networks(stack: Stack, service: Service, container: str | None) -> dict[str, Any]:
    """Return what changes on the networks: no fixed addresses; a container's name is an alias."""
    if _mode(service):
        return {}
    found: dict[str, Any] = {}
    for name in networks_of(stack, service.name) or ():
        changes: dict[str, Any] = {}
        if container and container != service.name:
            changes["aliases"] = [expand(container, stack.variables)]
        for key in ("ipv4_address", "ipv6_address", "link_local_ips"):
            if _has(service, name, key):
                changes[key] = _Tagged("!reset", None)
        if changes:
            found[name] = changes
    return found


def _has(service: Service, network: str, key: str) -> bool:
    return any(
        name == network and merged_get(found.node, key) is not None
        for name, found in service.names("networks")
    )


def _own_mounts(project: Project, stack: Stack, service: Service, catalog: Catalog) -> list[Mount]:
    """Return the bind mounts in which a data store keeps its data: the copy gets volumes there."""
    entry = known_server(project, stack, service, catalog)
    is_store = placement(stack, service).counts_as == "data stores"
    if not is_store and (entry is None or not entry.data):
        return []
    found = []
    for mount in mounts(stack, service):
        is_file = "." in mount.text.target.rpartition("/")[2]
        if mount.text.kind == "bind" and not mount.text.read_only and not is_file:
            is_init = "initdb" in mount.text.target or "entrypoint" in mount.text.target
            if not is_init:
                found.append(mount)
    return found


def _volume(mount: Mount, number: int) -> str:
    return f"smoke-test-{mount.service}-{number}".lower()


def _mode(service: Service) -> str:
    return service.text("network_mode") or ""


def _lines(value: dict[str, Any], depth: int) -> list[str]:
    """Return *value* as lines of YAML: mappings as blocks, what is below a tag or list as JSON."""
    lines = []
    for key, inner in value.items():
        head = f"{'  ' * depth}{json.dumps(key)}:"
        if isinstance(inner, dict) and inner:
            lines += [f"{head}\n", *_lines(inner, depth + 1)]
        elif isinstance(inner, _Tagged):
            lines.append(f"{head} {inner.tag} {json.dumps(inner.value)}\n")
        else:
            lines.append(f"{head} {json.dumps(inner)}\n")
    return lines
