"""Publish the ports of databases on 127.0.0.1 only.

A port that is published without an address is open on every network of the machine, past the rules
of most firewalls, which Docker goes around. Other containers do not need it: they use the service's
name. With `127.0.0.1` programs on the machine itself still reach it. Ports with an address are left
alone, unless it is 0.0.0.0. Two services of one entry point that publish the same port are named:
the second cannot start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import expand, expressions
from composerefactor.compose.ports import Port, ports
from composerefactor.compose.project import Project
from composerefactor.compose.services import StartModel, start_models
from composerefactor.edit.operations import AddKey, Edit, Replace
from composerefactor.errors import Location, UsageError
from composerefactor.images.catalog import load
from composerefactor.images.placement import placement
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.transforms._attribute import listed
from composerefactor.yaml.nodes import ScalarNode, path_of

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what is looked for
_ORDER = ("name", "mode", "target", "published", "host_ip")
_HOST = "host.docker.internal"


@dataclass(frozen=True, slots=True)
class Options:
    """Which ports, and where they are published instead."""

    categories: tuple[str, ...] = option(
        ("database", "cache", "queue", "search", "vector-db"),
        help="Categories of services whose ports are bound; `tools` are admin pages.",
        example="database,cache,tools",
    )
    address: str = option("127.0.0.1", help="The address that they are bound to.")


class _Open(Struct, eq=False):
    """A port that anybody can reach: *users* are the services that publish it."""

    file: ComposeFile
    port: Port
    users: list[tuple[StartModel, str]] = []

    @property
    def location(self) -> Location:
        return self.file.source.location(self.port.node.start)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for _, name in self.users))


@fixer(Options, after=("add-missing-services",), unsafe=True)
def bind_local_ports(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for the open ports of each service, and the conflicts that there are."""
    unknown = set(options.categories) - load().categories.keys()
    if unknown:
        raise UsageError(
            f"bind-local-ports.categories: there is no category {min(unknown)!r}",
            remedy="there are: " + ", ".join(load().categories),
        )
    every = start_models(project)
    groups: dict[tuple[str, tuple[str, ...]], list[_Open]] = {}
    for each in _open_ports(every):
        if not any(_is_meant(model, name, options) for model, name in each.users):
            continue
        reason = _why_not(project, every, each, options)
        if reason is not None:
            yield Refusal(f"{listed(each.services)}: {reason}", each.location, "bind it by hand")
        elif not each.file.path.startswith("../"):
            groups.setdefault((each.file.path, each.services), []).append(each)
    for (_, services), found in groups.items():
        numbers = listed([_number(each.port) for each in found])
        yield Change(
            title=f"{listed(services)}: {numbers} published on {options.address} only",
            location=found[0].location,
            edits=[_bound(each, options.address) for each in found],
            effects=list(_effects(services, found)),
        )
    yield from _conflicts(every)


def _effects(services: tuple[str, ...], found: list[_Open]) -> Iterator[Effect]:
    for name in services:
        yield Effect(("services", name, "ports"), "changes")
    for each in found:
        path = path_of(each.file.root, each.port.node) or ()
        if path and path[0] != "services":  # top-level x-* are part of the model
            yield Effect(tuple(map(str, path)), "changes")


def _open_ports(every: list[StartModel]) -> list[_Open]:
    """Return the ports without an address, each once, with all services that have it."""
    found: dict[int, _Open] = {}
    for model in every:
        for name, service in model.services.items():
            for definition in service.definitions:
                for port in ports(definition.body):
                    if port.text.host_ip is None or port.text.host_ip in _EVERYWHERE:
                        known = found.setdefault(id(port.node), _Open(definition.file, port))
                        known.users.append((model, name))
    return list(found.values())


def _is_meant(model: StartModel, name: str, options: Options) -> bool:
    return placement(model, model.services[name]).category in options.categories


def _why_not(
    project: Project, every: list[StartModel], each: _Open, options: Options
) -> str | None:
    """Return why the port stays open, or None where it can be bound."""
    text = each.port.text
    for model, name in each.users:
        if not _is_meant(model, name, options):
            return f"{_number(each.port)} stays open: {name} publishes it by the same line"
        for part in (text.published, text.target):
            value = expand(part or "", model.variables)
            if ":" in value or (part and expressions(part) and part == text.target):
                return f"{part} may hold an address"
    if path_of(each.file.root, each.port.node) is None:
        return f"{_number(each.port)} is written where nothing can be changed"
    known = project.whole.get(each.file.path)
    if known is not None and known.reader.startswith("docker stack"):
        return "Swarm, which reads this file, knows no address of a port"
    caller = _caller_through_host(every, text.published)
    if caller:
        return f"{caller} calls {_HOST}:{text.published}, and may not reach it then"
    return None


def _caller_through_host(every: list[StartModel], published: str | None) -> str | None:
    address = f"{_HOST}:{published}"
    for model in every:
        for name, service in model.services.items():
            values = (setting.value or "" for setting in service.settings.values())
            if published and any(address in value for value in values):
                return name
    return None


def _bound(each: _Open, address: str) -> Edit:
    """Return the edit that puts *address* before the port, in the form in which it is written."""
    path = path_of(each.file.root, each.port.node) or ()
    text = each.port.text
    if each.port.is_long:
        if text.host_ip is not None:
            return Replace(each.file.path, (*path, "host_ip"), address)
        return AddKey(each.file.path, path, "host_ip", address, _ORDER)
    node = each.port.node
    written = node.value if isinstance(node, ScalarNode) else ""
    if text.host_ip is not None:
        written = written.replace(f"[{text.host_ip}]:", "", 1).removeprefix(f"{text.host_ip}:")
    start = f"{address}:" if text.published else f"{address}::"
    return Replace(each.file.path, path, start + written)


def _number(port: Port) -> str:
    return port.text.published or port.text.target


def _conflicts(every: list[StartModel]) -> Iterator[Refusal]:
    """Yield the host ports that two services of one entry point publish."""
    told: set[tuple[str, ...]] = set()
    for model in every:
        taken: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for name, service in model.services.items():
            if service.values("profiles"):
                continue  # may be the other of two that are never started together
            for definition in service.definitions:
                for port in ports(definition.body):
                    for binding in port.bindings() or ():
                        if binding.published is None or "-" in binding.published:
                            continue
                        key = (binding.published, binding.protocol)
                        ip = binding.host_ip or "0.0.0.0"  # noqa: S104 - the engine's default
                        others = [
                            other
                            for other, theirs in taken.get(key, ())
                            if other != name and (ip == theirs or {ip, theirs} & _EVERYWHERE)
                        ]
                        taken.setdefault(key, []).append((name, ip))
                        at = definition.file.source.location(port.node.start)
                        names = tuple(sorted({*others[:1], name}))
                        if others and (*names, *key) not in told:
                            told.add((*names, *key))
                            yield Refusal(
                                f"{others[0]} and {name} both publish port {binding.published}",
                                at,
                                "give one of them another port",
                            )
