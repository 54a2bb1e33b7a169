"""The topology of many services by category: each category is one node, or one of them is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from composerefactor.errors import first_of
from composerefactor.report.html.graph import LINES, Graph, Group, Line, Node
from composerefactor.report.text import counted

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
    members: dict[str, list[Node]] = {}
    for node in topology.nodes:
        members.setdefault(category_of.get(node.name, ""), []).append(node)
    nodes: dict[str, Node] = {}
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


def _category_node(category: str, inside: Sequence[Node]) -> Node:
    names = [node.name for node in inside]
    states = Counter(node.health for node in inside)
    health = next((state for state in ("missing", "off", "checked", "ends") if states[state]), "")
    without = states["missing"]
    tooltip = ", ".join(names) + (f"; {without} without a health check" if without else "")
    (kind, _), *_ = Counter(node.kind for node in inside).most_common()
    ports = tuple(dict.fromkeys(port for node in inside for port in node.ports))
    return Node(
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


def _lines(lines: Iterable[Line], owner: Mapping[str, str]) -> Iterable[Line]:
    """Yield one line for all of *lines* between the same two nodes; *owner* maps to these."""
    between: dict[tuple[str, str], list[Line]] = {}
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
        yield Line(caller, callee, kind, first_of(pairs, _MOST_NAMED))
