"""The lines between services in a diagram."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

import pytest
from hypothesis import given

from composerefactor.report.html.graph import Graph, GraphLine, Group
from composerefactor.report.html.layout import Box, layout
from composerefactor.report.html.routing import curve_points, routes
from report.html.test_layout import graphs, node


def points(path: str) -> list[tuple[float, float]]:
    """Return points along *path*: of its curves many, of its straight parts too."""
    found: list[tuple[float, float]] = []
    for letter, text in re.findall(r"([MLCQ])([^MLCQ]*)", path):
        numbers = [float(each) for each in text.split()]
        ends = list(zip(numbers[::2], numbers[1::2], strict=True))
        if letter == "C":
            found += curve_points([found[-1], *ends])
        elif letter == "L":
            (x1, y1), (x2, y2) = found[-1], ends[0]
            found += [(x1 + (x2 - x1) * n / 64, y1 + (y2 - y1) * n / 64) for n in range(1, 65)]
        else:
            found += ends
    return found


def graph_of(names: str, pairs: Iterable[Sequence[str]]) -> Graph:
    """Return the graph of services in one network: a name, or an end of a line, is a letter."""
    lines = tuple(GraphLine(one, other, "started", "") for one, other in pairs)
    return Graph(tuple(map(node, names)), lines, (Group("n", ("n",), tuple(names)),))


def is_in(box: Box, x: float, y: float) -> bool:
    most = 0.5  # paths have six digits
    return (
        box.x + most < x < box.x + box.width - most and box.y + most < y < box.y + box.height - most
    )


@given(graphs())
def test_no_line_is_behind_a_service(graph: Graph) -> None:
    places = layout(graph)
    found = routes(places, graph.lines)
    assert len(found) == len(graph.lines)
    for line, (path, _) in zip(graph.lines, found, strict=True):
        for x, y in points(path):
            hidden = [name for name, box in places.nodes.items() if is_in(box, x, y)]
            assert hidden == [], f"{line.caller} -> {line.callee} at {x:g} {y:g}"
            assert -12 < x < places.width + 12
    assert routes(places, graph.lines) == found


def test_a_line_ends_at_its_services() -> None:
    graph = graph_of("abc", ("ab", "bc", "ac"))
    places = layout(graph)
    for line, (path, _) in zip(graph.lines, routes(places, graph.lines), strict=True):
        found = points(path)
        for (x, y), name, most in ((found[0], line.caller, 0), (found[-1], line.callee, 6)):
            box = places.nodes[name]
            beside = max(box.x - x, x - box.x - box.width, 0)
            above = max(box.y - y, y - box.y - box.height, 0)
            assert beside + above <= most


def test_a_line_to_a_service_behind_another_goes_around_it() -> None:
    graph = graph_of("abc", ("ab", "bc", "ac"))
    paths = [path for path, _ in routes(layout(graph), graph.lines)]
    assert ["C" in path for path in paths] == [True, True, False]


def test_in_a_dense_picture_lines_are_curves_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_of("abcdefgh", combinations("abcdefgh", 2))
    places = layout(graph)
    assert any("Q" in path for path, _ in routes(places, graph.lines))
    monkeypatch.setattr("composerefactor.report.html.routing._MOST_SEARCHED", 1)
    assert all("C" in path for path, _ in routes(places, graph.lines))
