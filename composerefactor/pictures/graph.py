"""What a picture shows of an entry point: services, who needs whom, and who shares networks."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from composerefactor.architecture.architecture import EntryArchitecture
from composerefactor.architecture.healthchecks import HealthFacts
from composerefactor.architecture.networks import Edge, NetworkFacts
from composerefactor.architecture.ports import PublishedPort
from composerefactor.architecture.services import ServiceFacts

HEALTH = {
    "checked": "health check",
    "off": "health check switched off",
    "missing": "no health check",
    "ends": "does its work and ends",
}
KINDS = {
    "application": "application",
    "store": "data store",
    "infrastructure": "infrastructure",
}
LINES = {
    "healthy": "waits until healthy",
    "ended": "waits until it has ended well",
    "started": "starts after it",
    "found": "found in its settings",
}
_KIND_OF = {"applications": "application", "data stores": "store"}
_LINE_OF = {"service_healthy": "healthy", "service_completed_successfully": "ended"}


class Node(Struct, frozen=True):
    """A service as a picture shows it; *kind* and *health* are keys of the tables above."""

    name: str
    about: str
    kind: str
    health: str
    ports: tuple[str, ...]
    is_open: bool
    is_optional: bool
    words: str


class Line(Struct, frozen=True):
    """That *caller* needs *callee*; *kind* is a key of :data:`LINES`, *words* say how we know."""

    caller: str
    callee: str
    kind: str
    words: str


class Group(Struct, frozen=True):
    """The services *members* that are on exactly the networks that *title* names.

    *traits* say what is special about them.
    """

    title: str
    networks: tuple[str, ...]
    members: tuple[str, ...]
    traits: str = ""


class Graph(Struct, frozen=True):
    """The picture of one entry point, before it has places."""

    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    groups: tuple[Group, ...]


def graph(entry: EntryArchitecture) -> Graph:
    """Return what a picture of *entry* shows."""
    return Graph(
        tuple(_node(each, entry.health_of(each.name)) for each in entry.services),
        tuple(map(_line, entry.edges)),
        tuple(_groups(entry.services, {each.name: each for each in entry.networks})),
    )


def _node(service: ServiceFacts, health: HealthFacts | None) -> Node:
    state = "missing"
    if service.one_shot:
        state = "ends"
    elif health is not None and health.is_checked:
        state = "checked"
    elif health is not None and health.state == "off":
        state = "off"
    ports = tuple(dict.fromkeys(map(_port, service.ports)))
    words = [
        service.purpose,
        service.source,
        HEALTH[state],
        *([f"published: {', '.join(each.text for each in service.ports)}"] if ports else []),
        *([f"profile {', '.join(service.profiles)}"] if service.profiles else []),
        *([f"network_mode {service.network_mode}"] if service.network_mode else []),
    ]
    return Node(
        service.name,
        service.source,
        _KIND_OF.get(service.counts_as, "infrastructure"),
        state,
        ports,
        any(each.is_open for each in service.ports),
        bool(service.profiles),
        "; ".join(words),
    )


def _port(port: PublishedPort) -> str:
    number = port.published or f"any:{port.target}"
    return number + ("" if port.protocol == "tcp" else f"/{port.protocol}")


def _line(edge: Edge) -> Line:
    kind = _LINE_OF.get(edge.condition, "started") if edge.is_declared else "found"
    known = ", ".join(edge.kinds)
    return Line(edge.caller, edge.callee, kind, f"{LINES[kind]} ({known}, {edge.location})")


def _groups(services: Iterable[ServiceFacts], networks: dict[str, NetworkFacts]) -> Iterable[Group]:
    members: dict[tuple[str, ...], list[str]] = {}
    for service in services:
        order = {name: number for number, name in enumerate(networks)}
        own = sorted(set(service.networks or ()), key=lambda name: order.get(name, len(order)))
        key = tuple(own) if service.networks is not None else ("", service.network_mode)
        members.setdefault(key, []).append(service.name)
    for key, names in members.items():
        if key[:1] == ("",):
            yield Group(_mode(key[1]), (), tuple(names))
            continue
        traits = []
        for name in key:
            found = networks.get(name)
            marks = [m for m in ("internal", "external") if found and getattr(found, m)]
            if marks:
                words = ", ".join(marks)
                traits.append(words if len(key) == 1 else f"{name}: {words}")
        yield Group(" + ".join(key), key, tuple(names), "; ".join(traits))


def _mode(mode: str) -> str:
    if mode in {"host", "none"}:
        return "the host's own network" if mode == "host" else "no network"
    return mode or "no network"
