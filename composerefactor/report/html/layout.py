"""Places for the services of a picture.

Bands, one below the other, say who shares which networks: a service may be on several, which nested
boxes cannot show. In a band what a service needs stands right of it; a band of callers stands above
the one that is called. The same graph always gets the same places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from composerefactor.report.html.graph import Graph, Group, Line


def without_cycles(names: Sequence[str], lines: Iterable[Line]) -> dict[str, list[str]]:
    """Return what each of *names* needs, without the lines that would close a cycle.

    What the engine knows of counts before what was only found in settings.
    """
    numbers = {name: number for number, name in enumerate(names)}
    needs: dict[str, list[str]] = {name: [] for name in names}
    reached = [1 << number for number in range(len(names))]  # a bit for each service
    for line in sorted(lines, key=lambda line: line.kind == "found"):
        caller, callee = numbers[line.caller], numbers[line.callee]
        if reached[callee] >> caller & 1:
            continue
        needs[line.caller].append(line.callee)
        if not reached[caller] >> callee & 1:
            more = reached[callee]
            reached = [each | more if each >> caller & 1 else each for each in reached]
    return needs


def columns(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the column of each service, from 0: the last one for those that need nothing.

    *needs* has no cycle.
    """
    heights: dict[str, int] = {}
    for root in needs:
        model = [root]
        while model:
            missing = [below for below in needs[model[-1]] if below not in heights]
            if missing:
                model += missing
            else:
                name = model.pop()
                heights[name] = max((heights[below] + 1 for below in needs[name]), default=0)
    most = max(heights.values(), default=0)
    return {name: most - heights[name] for name in needs}


HEIGHT = 54
MOST_COLUMNS = 6
"""So many services side by side can still be read on a page of 1400 pixels."""

_ROW_GAP = 24
_COLUMN_GAP = 58
_PADDING = 20
_HEADER = 44
_GROUP_GAP = 26
_NARROWEST, _WIDEST = 150, 214
_CHAR = 8.4
_MOST_ROWS = 6
_SWEEPS = 4

Cells = list[list[str]]
"""Columns from left to right, each with its services from top to bottom."""


class Box(Struct, frozen=True):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The middle from left to right."""
        return self.x + self.width / 2

    @property
    def centre(self) -> float:
        """The middle from top to bottom."""
        return self.y + self.height / 2


class Layout(Struct, frozen=True):
    """Where everything is, on a canvas of *width* by *height*."""

    width: float
    height: float
    nodes: Mapping[str, Box]
    groups: tuple[tuple[Group, Box], ...]


def layout(graph: Graph) -> Layout:
    """Return places for all of *graph*."""
    needs = without_cycles([node.name for node in graph.nodes], graph.lines)
    groups = _from_callers_down(graph.groups, graph.lines)
    longest = max((len(node.name) for node in graph.nodes), default=0)
    width = min(_WIDEST, max(_NARROWEST, longest * _CHAR + 50))
    cells = [_band(group, needs, graph.lines) for group in groups]
    across = max((len(cell) for cell, _ in cells), default=1)
    across = max(across, min(MOST_COLUMNS, max((len(alone) for _, alone in cells), default=1)))
    total = 2 * _PADDING + across * (width + _COLUMN_GAP) - _COLUMN_GAP
    nodes: dict[str, Box] = {}
    placed = []
    y = 0.0
    for group, (cell, alone) in zip(groups, cells, strict=True):
        bottom = _place_columns(nodes, cell, y + _HEADER, total, width)
        bottom = _place_rows(nodes, _by_callers(alone, graph.lines, nodes), bottom, total, width)
        height = bottom - y - _ROW_GAP + _PADDING
        placed.append((group, Box(0, y, total, height)))
        y += height + _GROUP_GAP
    return Layout(total, max(y - _GROUP_GAP, 0), nodes, tuple(placed))


def _from_callers_down(groups: Sequence[Group], lines: Sequence[Line]) -> list[Group]:
    """Return *groups* with callers above those that they mostly call, and those alone below."""
    owner = {name: group.title for group in groups for name in group.members}
    crossing = Counter((owner[line.caller], owner[line.callee]) for line in lines)
    crossing = Counter({two: count for two, count in crossing.items() if two[0] != two[1]})
    between = [Line(*two, "started", "") for two, _ in crossing.most_common()]
    ranks = columns(without_cycles([group.title for group in groups], between))
    linked = {title for two in crossing for title in two}
    return sorted(groups, key=lambda g: (g.title not in linked, ranks[g.title], g.title))


def _band(
    group: Group, needs: Mapping[str, Sequence[str]], lines: Sequence[Line]
) -> tuple[Cells, list[str]]:
    """Return the columns of a group, and its services without a line inside of it."""
    inside = {
        name: [below for below in needs[name] if below in group.members] for name in group.members
    }
    linked = {name for name, below in inside.items() if below}
    linked |= {name for below in inside.values() for name in below}
    ranks = columns({name: inside[name] for name in group.members if name in linked})
    most = max(ranks.values(), default=0)
    scale = min(1.0, (MOST_COLUMNS - 1) / max(most, 1))
    cells: Cells = [[] for _ in range(round(most * scale) + 1 if linked else 0)]
    for name, rank in ranks.items():
        cells[round(rank * scale)].append(name)
    _untangle(cells, lines)
    return _wrapped(cells), [name for name in group.members if name not in linked]


def _untangle(cells: Cells, lines: Sequence[Line]) -> None:
    """Order the services of each column by the rows of those that they are linked with."""
    neighbours: dict[str, list[str]] = {}
    for line in lines:
        neighbours.setdefault(line.caller, []).append(line.callee)
        neighbours.setdefault(line.callee, []).append(line.caller)
    for sweep in range(_SWEEPS):
        for cell in cells if sweep % 2 else reversed(cells):
            rows = _rows(cells)
            means = {
                name: _mean([rows[n] for n in neighbours.get(name, ()) if n in rows], rows[name])
                for name in cell
            }
            cell.sort(key=lambda name: (means[name], rows[name]))


def _rows(cells: Cells) -> dict[str, float]:
    return {
        name: number - (len(cell) - 1) / 2 for cell in cells for number, name in enumerate(cell)
    }


def _mean(values: Iterable[float], default: float) -> float:
    found = list(values)
    return sum(found) / len(found) if found else default


def _wrapped(cells: Cells) -> Cells:
    """Divide long columns as far as there is room beside them."""
    free = MOST_COLUMNS - len(cells)
    found: Cells = []
    for cell in cells:
        parts = min(-(-len(cell) // _MOST_ROWS), 1 + free)
        free -= parts - 1
        size = -(-len(cell) // parts)
        found += [cell[at : at + size] for at in range(0, len(cell), size)]
    return found


def _by_callers(names: list[str], lines: Sequence[Line], nodes: Mapping[str, Box]) -> list[str]:
    """Return *names* in the order of the places of those that they are linked with."""
    places: dict[str, list[float]] = {name: [] for name in names}
    for line in lines:
        for one, other in ((line.caller, line.callee), (line.callee, line.caller)):
            if one in places and other in nodes:
                places[one].append(nodes[other].middle)
    return sorted(names, key=lambda name: (not places[name], _mean(places[name], 0.0)))


def _place_columns(
    nodes: dict[str, Box], cells: Cells, top: float, total: float, width: float
) -> float:
    """Give the services of *cells* their places below *top*; return where the next row begins."""
    if not cells:
        return top
    step = HEIGHT + _ROW_GAP
    highest = max(map(len, cells))
    x = (total - len(cells) * (width + _COLUMN_GAP) + _COLUMN_GAP) / 2
    for cell in cells:
        start = top + (highest - len(cell)) * step / 2
        for number, name in enumerate(cell):
            nodes[name] = Box(x, start + number * step, width, HEIGHT)
        x += width + _COLUMN_GAP
    return top + highest * step


def _place_rows(
    nodes: dict[str, Box], names: list[str], top: float, total: float, width: float
) -> float:
    """Give *names* places side by side below *top*; return where the next row begins."""
    most = max(1, int((total - 2 * _PADDING + _COLUMN_GAP) // (width + _COLUMN_GAP)))
    rows = -(-len(names) // most)
    per_row = -(-len(names) // max(rows, 1))
    for row in range(rows):
        part = names[row * per_row : (row + 1) * per_row]
        x = (total - len(part) * (width + _COLUMN_GAP) + _COLUMN_GAP) / 2
        for number, name in enumerate(part):
            at = top + row * (HEIGHT + _ROW_GAP)
            nodes[name] = Box(x + number * (width + _COLUMN_GAP), at, width, HEIGHT)
    return top + rows * (HEIGHT + _ROW_GAP)


_HEAD = 6
_BULGE = 40


def route(start: Box, end: Box) -> tuple[str, str]:
    """Return the curve from *start* to *end* and its head, each as the ``d`` of an SVG path."""
    if abs(end.y - start.y) > HEIGHT and abs(end.centre - start.centre) > abs(end.x - start.x) / 3:
        if end.x == start.x and abs(end.y - start.y) > 2 * HEIGHT:
            return _around(start, end)
        return _down(start, end) if end.y > start.y else _up(start, end)
    if end.x > start.x:
        return _across(start, end)
    if end.x == start.x:
        return _around(start, end)
    return _back(start, end)


def _across(start: Box, end: Box) -> tuple[str, str]:
    x1, y1, x2, y2 = start.x + start.width, start.centre, end.x - _HEAD, end.centre
    bend = max(20.0, min(90.0, (x2 - x1) / 2))
    return (
        f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}",
        f"M{end.x:g} {y2:g}l-8 -4v8z",
    )


def _around(start: Box, end: Box) -> tuple[str, str]:
    """One above the other: around the right side."""
    x1, y1, x2, y2 = start.x + start.width, start.centre, end.x + end.width, end.centre
    out = max(x1, x2) + _BULGE
    return (
        f"M{x1:g} {y1:g}C{out:g} {y1:g} {out:g} {y2:g} {x2 + _HEAD:g} {y2:g}",
        f"M{x2:g} {y2:g}l8 -4v8z",
    )


def _back(start: Box, end: Box) -> tuple[str, str]:
    x1, y1, x2, y2 = start.x, start.centre, end.x + end.width + _HEAD, end.centre
    bend = max(20.0, min(90.0, (x1 - x2) / 2))
    return (
        f"M{x1:g} {y1:g}C{x1 - bend:g} {y1:g} {x2 + bend:g} {y2:g} {x2:g} {y2:g}",
        f"M{x2 - _HEAD:g} {y2:g}l8 -4v8z",
    )


def _down(start: Box, end: Box) -> tuple[str, str]:
    x1, y1, x2, y2 = start.middle, start.y + start.height, end.middle, end.y - _HEAD
    bend = max(24.0, (y2 - y1) / 2)
    return (
        f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}",
        f"M{x2:g} {end.y:g}l-4 -8h8z",
    )


def _up(start: Box, end: Box) -> tuple[str, str]:
    x1, y1, x2, y2 = start.middle, start.y, end.middle, end.y + end.height + _HEAD
    bend = max(24.0, (y1 - y2) / 2)
    return (
        f"M{x1:g} {y1:g}C{x1:g} {y1 - bend:g} {x2:g} {y2 + bend:g} {x2:g} {y2:g}",
        f"M{x2:g} {y2 - _HEAD:g}l-4 8h8z",
    )
