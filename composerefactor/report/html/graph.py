"""What a picture shows of an entry point: services, who needs whom, and who shares networks."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from composerefactor.analysis.facts.architecture import EntryArchitecture
from composerefactor.analysis.facts.networks import Edge, NetworkFacts, PublishedPort
from composerefactor.analysis.facts.resources import HealthFacts
from composerefactor.analysis.facts.services import ServiceFacts

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
    if service.one_off:
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


LEGEND = (
    "Boxes stand for networks; cylinders are data stores. A thick line waits until the other is "
    "healthy or has ended well, a thin one starts after it, a dotted one was found in its settings."
)

_ARROWS = {"healthy": "==>", "ended": "==>", "started": "-->", "found": "-.->"}
_SHAPES = {
    "application": ('["', '"]'),
    "store": ('[("', '")]'),
    "infrastructure": ('(["', '"])'),
}
_MOST_LINES = 480
"""Mermaid draws no flowchart with more than 500 lines."""
_MOST_GROUPS = 24
_SPECIAL = '#&"<>`\\|'


def topology_mermaid(entry: EntryArchitecture) -> str:
    """Return a flowchart of *entry*: networks as groups, published ports, who needs whom.

    Lines beyond what Mermaid draws are left out, those that are only found in settings first.
    """
    found = graph(entry)
    nodes = {node.name: node for node in found.nodes}
    numbers = {name: f"s{number}" for number, name in enumerate(nodes)}
    text = ["flowchart LR"]
    for number, group in enumerate(found.groups):
        members = [nodes[name] for name in group.members]
        is_box = number < _MOST_GROUPS
        if is_box:
            text.append(f'  subgraph n{number}["{_escaped(_title(group))}"]')
        text += [f"    {numbers[node.name]}{_shape(node)}" for node in members]
        if is_box:
            text.append("  end")
    lines = sorted(found.lines, key=lambda line: line.kind == "found")[:_MOST_LINES]
    text += [_arrow(line, numbers) for line in lines]
    if len(found.lines) > len(lines):
        text.append(f"  %% {len(found.lines) - len(lines)} more lines are left out")
    return "\n".join(text) + "\n"


def _title(group: Group) -> str:
    return group.title + (f" ({group.traits})" if group.traits else "")


def _shape(node: Node) -> str:
    before, after = _SHAPES[node.kind]
    label = _escaped(node.name)
    if node.ports:
        label += f"<br/>published: {_escaped(', '.join(node.ports))}"
    return f"{before}{label}{after}"


def _arrow(line: Line, numbers: dict[str, str]) -> str:
    return f"  {numbers[line.caller]} {_ARROWS[line.kind]} {numbers[line.callee]}"


def _escaped(text: str) -> str:
    """Return *text* for a quoted label: what Mermaid or HTML would read as its own as codes."""
    plain = " ".join(text.split())
    return "".join(f"#{ord(char)};" if char in _SPECIAL else char for char in plain)
