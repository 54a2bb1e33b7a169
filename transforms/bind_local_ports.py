"""Publish the ports of databases on 127.0.0.1 only.

A port that is published without an address is open on every network of the machine, and bypasses
the rules of most firewalls. Other containers do not need it: they use the service's name. With
`127.0.0.1` programs on the machine itself still reach it. Ports with an address are left alone,
unless it is 0.0.0.0, and so is a port at which the server tells its clients to reach it from
elsewhere (`KAFKA_ADVERTISED_LISTENERS`). The change is only a guess where clients may be elsewhere:
0.0.0.0 is written out, devices use the port (MQTT), another file of the project connects to it
through `host.docker.internal`, the file sets nothing but ports, or a file for production starts no
service that uses the server. Two services of one start command that publish the same port are
reported: the second cannot start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.hosts import HOST
from composerefactor.compose.interpolation import expand, expressions
from composerefactor.compose.paths import is_outside
from composerefactor.compose.ports import (
    EVERYWHERE,
    FOR_DEVICES,
    FOR_OUTSIDE,
    is_local_address,
    port_conflicts,
)
from composerefactor.compose.project import Project
from composerefactor.compose.services import StartModel, start_models
from composerefactor.compose.short_forms import Port, ports
from composerefactor.discovery.readers import STACK_DEPLOY
from composerefactor.edit.operations import AddKey, Edit, Replace
from composerefactor.errors import Location, UsageError, enumerated
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.environments import environment_of
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.yaml.nodes import Path, ScalarNode, path_of

_KEY_ORDER = ("name", "mode", "target", "published", "host_ip")
_REASON = "For programs on this machine only; other containers use the name of the service."
"""The comment at the first port of a file."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    categories: tuple[str, ...] = option(
        ("database", "cache", "queue", "search", "vector-db"),
        help="The categories of services whose ports are bound; `tools` are admin pages.",
        example="database,cache,tools",
    )
    address: str = option("127.0.0.1", help="The address to which the ports are bound.")


class _OpenPort(Struct, eq=False):
    """A port that is published on all addresses; *users* are the services that publish it."""

    file: ComposeFile
    port: Port
    users: list[tuple[StartModel, str]] = []

    @property
    def location(self) -> Location:
        return self.file.source.location(self.port.node.start)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for _, name in self.users))


@fixer(
    Options,
    after=("add-missing-services",),
    unsafe=True,
    purpose="security",
    cause="the port of a data store is open to the network, past the firewall of the host",
)
def bind_local_ports(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for the open ports of each service, and a refusal for each port conflict."""
    catalog = catalog_of(project)
    unknown = set(options.categories) - catalog.categories.keys()
    if unknown:
        raise UsageError(
            f"bind-local-ports.categories: unknown category {min(unknown)!r}",
            remedy="use one of " + ", ".join(catalog.categories),
        )
    models = start_models(project)
    groups: dict[tuple[str, tuple[str, ...], str], list[_OpenPort]] = {}
    open_ports = _open_ports(models)
    addresses = {address for port in open_ports if (address := _through_host(port))}
    callers = project.files_with(addresses)
    for port in open_ports:
        if not any(_is_selected(model, name, options) for model, name in port.users):
            continue
        reason = _reason_to_skip(project, models, port, options)
        if reason is not None:
            yield Refusal(
                f"{enumerated(port.services)}: {reason}", port.location, "bind it by hand"
            )
        elif not is_outside(port.file.path):
            doubt = _doubt(project, port, callers)
            groups.setdefault((port.file.path, port.services, doubt), []).append(port)
    left = project.unsearched() if addresses else 0
    unsearched = f"clients are not searched in {left} of the project's files" if left else ""
    explained: set[str] = set()
    for (path, services, doubt), ports_of_one in groups.items():
        numbers = enumerated([_number(port.port) for port in ports_of_one])
        noun = "port" if len(ports_of_one) == 1 else "ports"
        reason = "" if doubt or path in explained else _REASON
        explained |= {path} if reason else set()
        yield Change(
            title=f"Publish {noun} {numbers} of {enumerated(services)} on {options.address} only",
            location=ports_of_one[0].location,
            edits=[
                _bind_edit(port, options.address, "" if n else reason)
                for n, port in enumerate(ports_of_one)
            ],
            effects=list(_effects(services, ports_of_one)),
            evidence=doubt or unsearched,
            confidence="guess" if doubt else "likely" if unsearched else "verified",
        )
    yield from _port_conflicts(models)


def ports_without_outside_clients(
    project: Project, model: StartModel
) -> Iterator[tuple[str, ComposeFile, Path]]:
    """Yield (service, file, path) of each open port of a data store that only *model* may need.

    No client elsewhere is known that connects to it.
    """
    open_ports = _open_ports([model])
    callers = project.files_with({address for p in open_ports if (address := _through_host(p))})
    for port in open_ports:
        path = path_of(port.file.root, port.port.node)
        are_stores = all(_is_selected(model, name, Options()) for name in port.services)
        has_clients = _client_elsewhere([model], port) or _doubt(project, port, callers)
        if path and are_stores and not has_clients:
            yield port.services[0], port.file, path


def _effects(services: tuple[str, ...], open_ports: list[_OpenPort]) -> Iterator[Effect]:
    for name in services:
        yield Effect(("services", name, "ports"), "changes")
    for open_port in open_ports:
        path = path_of(open_port.file.root, open_port.port.node) or ()
        if path and path[0] != "services":  # top-level x-* are part of the resolved configuration
            yield Effect(tuple(map(str, path)), "changes")


def _open_ports(models: list[StartModel]) -> list[_OpenPort]:
    """Return the ports without an address, each once, with all services that publish it."""
    by_node: dict[int, _OpenPort] = {}
    for model in models:
        for name, service in model.services.items():
            for definition in service.definitions:
                for port in ports(definition.body):
                    is_for_outside = port.text.target in FOR_OUTSIDE
                    if (port.text.host_ip or "") in EVERYWHERE and not is_for_outside:
                        open_port = by_node.setdefault(
                            id(port.node), _OpenPort(definition.file, port)
                        )
                        open_port.users.append((model, name))
    return list(by_node.values())


def _is_selected(model: StartModel, name: str, options: Options) -> bool:
    return service_placement(model.services[name], catalog_of(model)).category in options.categories


def _reason_to_skip(
    project: Project, models: list[StartModel], open_port: _OpenPort, options: Options
) -> str | None:
    """Return why the port cannot be bound, or None."""
    text = open_port.port.text
    for model, name in open_port.users:
        if not _is_selected(model, name, options):
            return f"{_number(open_port.port)} is kept open: {name} publishes it by the same line"
        for part in (text.published, text.target):
            value = expand(part or "", model.variables)
            if ":" in value or (part and expressions(part) and part == text.target):
                return f"{part} may contain an address"
    if path_of(open_port.file.root, open_port.port.node) is None:
        return f"{_number(open_port.port)} is written where it cannot be changed"
    protected = project.protected_files.get(open_port.file.path)
    is_for_swarm = protected is not None and protected.reader == STACK_DEPLOY
    if is_for_swarm or any(model.runs_windows for model, _ in open_port.users):
        reader = "Swarm, which reads this file," if is_for_swarm else "an engine of Windows"
        return f"{reader} does not support an address for a port"
    return _client_elsewhere(models, open_port)


def _client_elsewhere(models: list[StartModel], open_port: _OpenPort) -> str | None:
    """Return which clients could not reach the port any more, as far as it is known."""
    text = open_port.port.text
    caller = _caller_through_host(models, open_port)
    if caller:
        return f"{caller} connects to {HOST}:{text.published}, and might not reach it then"
    for model, name in open_port.users:
        host = _advertised_host(model, name, text.published or text.target)
        if host:
            return f"it tells its clients to connect to {host}"
    return None


def _advertised_host(model: StartModel, name: str, port: str) -> str:
    """Return the address elsewhere at which *name* tells its clients to use *port*, or ``""``."""
    for setting in model.services[name].settings.values():
        if "ADVERTISED" not in setting.name or setting.value is None:
            continue
        for address in setting.value.split(","):
            host, _, number = address.rpartition("://")[2].rpartition(":")
            value = expand(host, model.variables)
            is_here = value == HOST or value in model.services or is_local_address(value)
            if expand(number, model.variables) == expand(port, model.variables) and not is_here:
                return address.rpartition("://")[2]
    return ""


def _through_host(open_port: _OpenPort) -> str:
    """Return the address by which containers reach the port through the host, or ``""``."""
    model, _ = open_port.users[0]
    number = expand(open_port.port.text.published or "", model.variables)
    return f"{HOST}:{number}" if number.isdecimal() else ""


def _doubt(project: Project, open_port: _OpenPort, callers: Mapping[str, Sequence[str]]) -> str:
    """Return why clients elsewhere may use the port, or ``""``.

    *callers* are the files of the whole tree with an address of the host.
    """
    text = open_port.port.text
    if text.host_ip:
        return f"{text.host_ip} is written out, perhaps for clients on other machines"
    if text.target in FOR_DEVICES:
        return "devices on other machines may use MQTT"
    address = _through_host(open_port)
    for path in callers.get(address, ()):
        if path not in project.files and _connects(project.text(path) or "", address):
            return f"{path} connects to {address}"
    environment = environment_of(project, open_port.file.path)
    if environment is None and _has_only_ports(open_port.file):
        return f"{open_port.file.path} only publishes ports, perhaps for clients on other machines"
    is_production = environment is not None and environment.kind == "production"
    for model, name in open_port.users:
        if is_production and not any(
            service_placement(other, catalog_of(project)).counts_as == "applications"
            for other in model.services.values()
        ):
            return f"{open_port.file.path} starts {name} for production without its clients"
    return ""


def _has_only_ports(file: ComposeFile) -> bool:
    """Return whether *file* sets nothing but ports: `-f` merges it over others to open them."""
    return file.service_keys == {"ports"} and ".override." not in file.path


def _caller_through_host(models: list[StartModel], open_port: _OpenPort) -> str:
    """Return a service that connects to the port through the host, or ``""``.

    A port whose variable has no value is compared as it is written.
    """
    published = open_port.port.text.published
    written = f"{HOST}:{published}" if published else ""
    resolved = _through_host(open_port)
    for model in models:
        for name, service in model.services.items():
            values = [setting.value or "" for setting in service.settings.values()]
            if written and any(_connects(value, written) for value in values):
                return name
            values = [expand(value, model.variables) for value in values]
            if resolved and any(_connects(value, resolved) for value in values):
                return name
    return ""


def _connects(text: str, address: str) -> bool:
    """Return whether *text* contains *address*, which ends with a port."""
    return re.search(rf"{re.escape(address)}(?!\d)", text) is not None


def _bind_edit(open_port: _OpenPort, address: str, comment: str) -> Edit:
    """Return the edit that adds *address* to the port, in the form in which it is written."""
    path = path_of(open_port.file.root, open_port.port.node) or ()
    text = open_port.port.text
    if open_port.port.is_long:
        if text.host_ip is not None:
            return Replace(open_port.file.path, (*path, "host_ip"), address, comment)
        return AddKey(open_port.file.path, path, "host_ip", address, _KEY_ORDER, comment)
    node = open_port.port.node
    written = node.value if isinstance(node, ScalarNode) else ""
    if text.host_ip is not None:
        written = written.replace(f"[{text.host_ip}]:", "", 1).removeprefix(f"{text.host_ip}:")
    start = f"{address}:" if text.published else f"{address}::"
    return Replace(open_port.file.path, path, start + written, comment)


def _number(port: Port) -> str:
    return port.text.published or port.text.target


def _port_conflicts(models: list[StartModel]) -> Iterator[Refusal]:
    """Yield a refusal for each host port that two services of one start command publish."""
    reported: set[tuple[str, ...]] = set()
    for model in models:
        for conflict in port_conflicts(model.services.values()):
            first, second = conflict.first, conflict.second
            key = (*sorted((first.service, second.service)), conflict.number, conflict.protocol)
            if key not in reported:
                reported.add(key)
                yield Refusal(
                    f"{first.service} and {second.service} both publish port {conflict.number}",
                    second.location,
                    "give one of them another port",
                )
