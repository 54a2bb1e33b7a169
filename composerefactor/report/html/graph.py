"""The topology of a start command as a graph, and that graph for Mermaid.

:func:`graph` makes nodes (services), lines (dependencies and connections) and groups (services on
the same networks). :func:`topology_mermaid` renders it for Markdown; ``svg`` draws it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.analysis.facts.resources import HealthFacts
from composerefactor.analysis.facts.services import Edge, NetworkFacts, ServiceFacts
from composerefactor.compose.dependencies import Reference
from composerefactor.compose.ports import PublishedPort, in_ranges
from composerefactor.errors import Location, first_of
from composerefactor.images.starters import missing_services
from composerefactor.report.text import counted

HEALTH = {
    "checked": "health check",
    "broken": "health check that cannot run",
    "off": "health check disabled",
    "missing": "no health check",
    "ends": "one-off task",
}
KINDS = {
    "application": "application",
    "store": "data store",
    "infrastructure": "infrastructure",
}
LINES = {
    "healthy": "waits until healthy",
    "ended": "waits until completed",
    "started": "starts after",
    "found": "found in settings",
}
_KIND_OF = {"applications": "application", "data stores": "store"}
_LINE_OF = {"service_healthy": "healthy", "service_completed_successfully": "ended"}


class GraphNode(Struct, frozen=True):
    """A service in a diagram.

    Attributes:
        name: The name.
        about: The image, or what it is built from.
        kind: A key of :data:`KINDS`, or ``absent`` for a service that others refer to and nothing
            defines.
        health: A key of :data:`HEALTH`.
        ports: The published ports.
        is_open: Whether a port is reachable from every network of the host.
        is_optional: Whether it needs a profile.
        tooltip: A description with all details.
        members: The services that it stands for, if it is a category of them.
    """

    name: str
    about: str
    kind: str
    health: str
    ports: tuple[str, ...]
    is_open: bool
    is_optional: bool
    tooltip: str
    members: tuple[str, ...] = ()


class GraphLine(Struct, frozen=True):
    """One service needs another.

    Attributes:
        caller: The service that needs the other.
        callee: The service that is needed.
        kind: A key of :data:`LINES`.
        tooltip: How that is known.
    """

    caller: str
    callee: str
    kind: str
    tooltip: str


class Group(Struct, frozen=True):
    """The services that are on exactly the same networks.

    Attributes:
        title: The names of the networks.
        networks: The networks.
        members: The services.
        traits: Properties of the networks, such as ``internal``.
    """

    title: str
    networks: tuple[str, ...]
    members: tuple[str, ...]
    traits: str = ""


class Graph(Struct, frozen=True):
    """The topology of one start command; equal graphs have the same diagram."""

    nodes: tuple[GraphNode, ...]
    lines: tuple[GraphLine, ...]
    groups: tuple[Group, ...]


def graph(entry: InvocationFacts, broken: Container[Location] = ()) -> Graph:
    """Return the topology of *entry*, with the services that are missing.

    *broken* contains the places of health checks that cannot run.
    """
    nodes = [_node(each, entry.health_of(each.name), broken) for each in entry.services]
    lines = [_line(each) for each in entry.edges]
    groups = list(_groups(entry.services, {each.name: each for each in entry.networks}))
    for missing in missing_services(entry.model):
        tooltip = "not defined; Docker Compose rejects the project"
        nodes.append(
            GraphNode(missing.name, "not defined", "absent", "missing", (), False, False, tooltip)  # noqa: FBT003
        )
        callers: dict[str, Reference] = {}
        for reference in missing.references:
            callers.setdefault(reference.caller, reference)
        lines += [
            GraphLine(name, missing.name, "started", f"not defined ({each.hint.location})")
            for name, each in callers.items()
        ]
        first = missing.references[0].caller
        groups = [
            replace(group, members=(*group.members, missing.name))
            if first in group.members
            else group
            for group in groups
        ]
    return Graph(tuple(nodes), tuple(lines), tuple(groups))


def _node(
    service: ServiceFacts, health: HealthFacts | None, broken: Container[Location]
) -> GraphNode:
    state = "missing"
    if service.one_off:
        state = "ends"
    elif health is not None and health.is_checked:
        state = "broken" if health.location in broken else "checked"
    elif health is not None and health.state == "off":
        state = "off"
    published = in_ranges(service.ports)
    ports = tuple(dict.fromkeys(map(_port, published)))
    details = [
        service.purpose,
        service.source,
        HEALTH[state],
        *([f"published: {', '.join(each.text for each in published)}"] if ports else []),
        *([f"profile {', '.join(service.profiles)}"] if service.profiles else []),
        *([f"network_mode {service.network_mode}"] if service.network_mode else []),
    ]
    return GraphNode(
        service.name,
        service.source,
        _KIND_OF.get(service.counts_as, "infrastructure"),
        state,
        ports,
        any(each.is_open for each in service.ports),
        bool(service.profiles),
        "; ".join(details),
    )


def _port(port: PublishedPort) -> str:
    number = port.published or f"any:{port.target}"
    return number + ("" if port.protocol == "tcp" else f"/{port.protocol}")


def _line(edge: Edge) -> GraphLine:
    kind = _LINE_OF.get(edge.condition, "started") if edge.is_declared else "found"
    sources = ", ".join(edge.kinds)
    return GraphLine(edge.caller, edge.callee, kind, f"{LINES[kind]} ({sources}, {edge.location})")


def _groups(services: Iterable[ServiceFacts], networks: dict[str, NetworkFacts]) -> Iterable[Group]:
    members: dict[tuple[tuple[str, ...] | None, str], list[str]] = {}
    for service in services:
        order = {name: number for number, name in enumerate(networks)}
        own = sorted(set(service.networks or ()), key=lambda name: order.get(name, len(order)))
        key = None if service.networks is None else tuple(own)
        mode = service.network_mode if key is None else ""
        members.setdefault((key, mode), []).append(service.name)
    for (key, mode), names in members.items():
        if key is None:
            yield Group(_mode_title(mode), (), tuple(names))
            continue
        traits = []
        for name in key:
            network = networks.get(name)
            own = [t for t in ("internal", "external") if network and getattr(network, t)]
            if own:
                text = ", ".join(own)
                traits.append(text if len(key) == 1 else f"{name}: {text}")
        yield Group(" + ".join(key), key, tuple(names), "; ".join(traits))


def _mode_title(mode: str) -> str:
    if mode in {"host", "none"}:
        return "host network" if mode == "host" else "no network"
    return mode or "no network"


LEGEND = (
    "Boxes are networks, cylinders are data stores, hexagons are services that are not defined. A "
    "thick arrow waits until the other service is healthy or has completed, a thin arrow starts "
    "after it, a dotted arrow was found in settings."
)

_ARROWS = {"healthy": "==>", "ended": "==>", "started": "-->", "found": "-.->"}
_SHAPES = {
    "application": ('["', '"]'),
    "store": ('[("', '")]'),
    "infrastructure": ('(["', '"])'),
    "absent": ('{{"', '"}}'),
}
_MAX_LINES = 480
"""Mermaid does not draw flowcharts with more than 500 lines."""
_MAX_GROUPS = 24
_SPECIAL = '#&"<>`\\|'


def topology_mermaid(entry: InvocationFacts) -> str:
    """Return a Mermaid flowchart of *entry*: networks as groups, published ports, connections.

    Lines beyond the limit of Mermaid are omitted, those that are only found in settings first.
    """
    topology = graph(entry)
    nodes = {node.name: node for node in topology.nodes}
    numbers = {name: f"s{number}" for number, name in enumerate(nodes)}
    text = ["flowchart LR"]
    for number, group in enumerate(topology.groups):
        members = [nodes[name] for name in group.members]
        is_box = number < _MAX_GROUPS
        if is_box:
            title = group.title + (f" ({group.traits})" if group.traits else "")
            text.append(f'  subgraph n{number}["{_escaped(title)}"]')
        text += [f"    {numbers[node.name]}{_shape(node)}" for node in members]
        if is_box:
            text.append("  end")
    lines = sorted(topology.lines, key=lambda line: line.kind == "found")[:_MAX_LINES]
    text += [
        f"  {numbers[line.caller]} {_ARROWS[line.kind]} {numbers[line.callee]}" for line in lines
    ]
    if len(topology.lines) > len(lines):
        text.append(f"  %% {len(topology.lines) - len(lines)} more lines are omitted")
    return "\n".join(text) + "\n"


def _shape(node: GraphNode) -> str:
    before, after = _SHAPES[node.kind]
    label = _escaped(node.name)
    if node.ports:
        label += f"<br/>published: {_escaped(', '.join(node.ports))}"
    return f"{before}{label}{after}"


def _escaped(text: str) -> str:
    """Return *text* for a quoted label: special characters of Mermaid and HTML become codes."""
    plain = " ".join(text.split())
    return "".join(f"#{ord(char)};" if char in _SPECIAL else char for char in plain)


LEAST_SERVICES = 40
"""With fewer services, a diagram with all of them is readable on a page of 1400 pixels."""

_LEAST_NODES = 3
_MOST_NAMED = 3


def by_category(topology: Graph, category_of: Mapping[str, str], opened: str = "") -> Graph:
    """Return *topology* with one node for all services of a category.

    A category with a single service stays that service, and so do services without one.

    Args:
        topology: The services.
        category_of: The category of each service.
        opened: The category whose services stay; of the others, only those to which they have
            lines are in the result.
    """
    members: dict[str, list[GraphNode]] = {}
    for node in topology.nodes:
        members.setdefault(category_of.get(node.name, ""), []).append(node)
    nodes: dict[str, GraphNode] = {}
    owner: dict[str, str] = {}
    for category, inside in members.items():
        is_one = category not in {"", opened} and len(inside) > 1
        shown = [_category_node(category, inside)] if is_one else inside
        nodes |= {node.name: node for node in shown}
        owner |= {node.name: shown[0].name if is_one else node.name for node in inside}
    lines = list(_lines(topology.lines, owner))
    if opened:
        own = {node.name for node in members[opened]}
        lines = [line for line in lines if {line.caller, line.callee} & own]
        kept = own | {name for line in lines for name in (line.caller, line.callee)}
        nodes = {name: node for name, node in nodes.items() if name in kept}
    title = opened or f"{counted(len(topology.nodes), 'service')} by category"
    return Graph(tuple(nodes.values()), tuple(lines), (Group(title, (), tuple(nodes)),))


def large_categories(topology: Graph, category_of: Mapping[str, str]) -> dict[str, int]:
    """Return the categories of *topology* with more than one service, with their numbers.

    There are none if the diagram is readable with all services, or hardly smaller by category.
    """
    counts = Counter(category_of.get(node.name, "") for node in topology.nodes)
    large = {name: count for name, count in counts.items() if name and count > 1}
    if len(topology.nodes) < LEAST_SERVICES or len(counts) < _LEAST_NODES:
        return {}
    return large


def category_name(category: str, number: int) -> str:
    """Return the name of the node for *number* services; no service has such a name."""
    return f"{category} ({number})"


_WORST_FIRST = ("broken", "missing", "off", "checked", "ends")


def _category_node(category: str, inside: Sequence[GraphNode]) -> GraphNode:
    names = [node.name for node in inside]
    states = Counter(node.health for node in inside)
    health = next((state for state in _WORST_FIRST if states[state]), "")
    without = states["missing"]
    tooltip = ", ".join(names) + (f"; {without} without a health check" if without else "")
    (kind, _), *_ = Counter(node.kind for node in inside).most_common()
    ports = tuple(dict.fromkeys(port for node in inside for port in node.ports))
    return GraphNode(
        category_name(category, len(inside)),
        first_of(names, _MOST_NAMED),
        kind,
        health,
        ports if len(ports) <= 1 else (counted(len(ports), "port"),),
        any(node.is_open for node in inside),
        all(node.is_optional for node in inside),
        tooltip,
        tuple(names),
    )


def _lines(lines: Iterable[GraphLine], owner: Mapping[str, str]) -> Iterable[GraphLine]:
    """Yield one line for all of *lines* between the same two nodes; *owner* maps to these."""
    between: dict[tuple[str, str], list[GraphLine]] = {}
    for line in lines:
        ends = owner[line.caller], owner[line.callee]
        if ends[0] != ends[1]:
            between.setdefault(ends, []).append(line)
    for (caller, callee), parts in between.items():
        if len(parts) == 1 and (caller, callee) == (parts[0].caller, parts[0].callee):
            yield parts[0]
            continue
        kind = min((line.kind for line in parts), key=[*LINES].index)
        pairs = [f"{line.caller} needs {line.callee}" for line in parts]
        yield GraphLine(caller, callee, kind, first_of(pairs, _MOST_NAMED))
