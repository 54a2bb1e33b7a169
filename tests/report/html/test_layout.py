"""The positions of services in a diagram."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from composerefactor.report.html.graph import Graph, GraphLine, GraphNode, Group
from composerefactor.report.html.layout import Box, columns, layout, without_cycles

NAMES = st.lists(st.text("abcdef-", min_size=1, max_size=24), min_size=1, max_size=30, unique=True)


def node(name: str) -> GraphNode:
    return GraphNode(name, "image", "application", "missing", (), False, False, "words")  # noqa: FBT003


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = draw(NAMES)
    pair = st.tuples(st.sampled_from(names), st.sampled_from(names))
    pairs = draw(st.lists(pair.filter(lambda two: two[0] != two[1]), max_size=60, unique=True))
    lines = tuple(GraphLine(*two, "started", "words") for two in pairs)
    networks = draw(st.lists(st.integers(0, 3), min_size=len(names), max_size=len(names)))
    members: dict[int, list[str]] = {}
    for name, network in zip(names, networks, strict=True):
        members.setdefault(network, []).append(name)
    groups = tuple(Group(f"n{n}", (f"n{n}",), tuple(own)) for n, own in members.items())
    return Graph(tuple(map(node, names)), lines, groups)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@given(graphs())
def test_every_service_has_a_place_of_its_own_in_its_band(graph: Graph) -> None:
    found = layout(graph)
    assert set(found.nodes) == {each.name for each in graph.nodes}
    assert not any(overlap(*two) for two in combinations(found.nodes.values(), 2))
    assert not any(overlap(*two) for two in combinations([box for _, box in found.groups], 2))
    for group, band in found.groups:
        for name in group.members:
            box = found.nodes[name]
            assert band.x <= box.x
            assert box.x + box.width <= band.x + band.width
            assert band.y <= box.y
            assert box.y + box.height <= band.y + band.height
    assert layout(graph) == found


@given(graphs())
def test_without_cycles_callers_stand_left(graph: Graph) -> None:
    needs = without_cycles([each.name for each in graph.nodes], graph.lines)
    found = columns(needs)
    assert all(found[name] < found[below] for name, each in needs.items() for below in each)


def test_what_is_needed_stands_right() -> None:
    lines = [("web", "api"), ("api", "db"), ("web", "db")]
    graph = Graph(
        tuple(map(node, ("db", "web", "api"))),
        tuple(GraphLine(*two, "started", "") for two in lines),
        (Group("default", ("default",), ("db", "web", "api")),),
    )
    places = layout(graph).nodes
    assert places["web"].x < places["api"].x < places["db"].x


def test_callers_stand_above_and_networks_alone_below() -> None:
    names = ("db", "web", "grafana")
    graph = Graph(
        tuple(map(node, names)),
        (GraphLine("web", "db", "started", ""),),
        tuple(Group(f"of {name}", (f"of {name}",), (name,)) for name in names),
    )
    places = layout(graph).nodes
    assert places["web"].y < places["db"].y < places["grafana"].y


def test_a_cycle_is_cut_where_the_engine_knows_nothing_of_it() -> None:
    lines = (GraphLine("db", "web", "found", ""), GraphLine("web", "db", "started", ""))
    assert without_cycles(["web", "db"], lines) == {"web": ["db"], "db": []}
