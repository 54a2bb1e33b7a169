"""The places of services in a diagram: a box for each service, in a band for each group.

Bands, one below the other, show which services share networks: a service may be on several, which
nested boxes cannot show. In a band, a service is left of the services that it needs. A band is
above the bands that its services call. The same graph always gets the same layout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from composerefactor.report.html.graph import Graph, GraphLine, Group


def without_cycles(names: Sequence[str], lines: Iterable[GraphLine]) -> dict[str, list[str]]:
    """Return what each of *names* needs, without the lines that would close a cycle.

    Lines that Docker Compose knows about have priority over those that are found in settings.
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
    """Return the column of each service, from 0; services that need nothing are in the last.

    *needs* must not contain cycles.
    """
    heights: dict[str, int] = {}
    for root in needs:
        pending = [root]
        while pending:
            missing = [below for below in needs[pending[-1]] if below not in heights]
            if missing:
                pending += missing
            else:
                name = pending.pop()
                heights[name] = max((heights[below] + 1 for below in needs[name]), default=0)
    most = max(heights.values(), default=0)
    return {name: most - heights[name] for name in needs}


HEIGHT = 54
MOST_COLUMNS = 6
"""This many services side by side are still readable on a page of 1400 pixels."""

_ROW_GAP = 32
_COLUMN_GAP = 58
_PADDING = 36
_HEADER = 44
_GROUP_GAP = 26
_NARROWEST, _WIDEST = 150, 248
CHAR = 9.0
_MOST_ROWS = 4
_SWEEPS = 4

Cells = list[list[str]]
"""Columns from left to right, each with its services from top to bottom."""


class Box(Struct, frozen=True):
    """A rectangle, by its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The horizontal centre."""
        return self.x + self.width / 2

    @property
    def centre(self) -> float:
        """The vertical centre."""
        return self.y + self.height / 2


class DiagramLayout(Struct, frozen=True):
    """The layout of a diagram.

    Attributes:
        width: The width of the canvas.
        height: The height of the canvas.
        nodes: The box of each service.
        groups: The groups with their bands, from top to bottom.
    """

    width: float
    height: float
    nodes: Mapping[str, Box]
    groups: tuple[tuple[Group, Box], ...]


def layout(graph: Graph) -> DiagramLayout:
    """Return the layout of *graph*."""
    needs = without_cycles([node.name for node in graph.nodes], graph.lines)
    groups = _from_callers_down(graph.groups, graph.lines)
    longest = max((len(node.name) for node in graph.nodes), default=0)
    width = min(_WIDEST, max(_NARROWEST, longest * CHAR + 50))
    cells = [_place_band(group, needs, graph.lines) for group in groups]
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
    return DiagramLayout(total, max(y - _GROUP_GAP, 0), nodes, tuple(placed))


def _from_callers_down(groups: Sequence[Group], lines: Sequence[GraphLine]) -> list[Group]:
    """Return *groups* in order: callers above the groups that they call, isolated ones last."""
    owner = {name: group.title for group in groups for name in group.members}
    crossing = Counter((owner[line.caller], owner[line.callee]) for line in lines)
    crossing = Counter({two: count for two, count in crossing.items() if two[0] != two[1]})
    between = [GraphLine(*two, "started", "") for two, _ in crossing.most_common()]
    ranks = columns(without_cycles([group.title for group in groups], between))
    linked = {title for two in crossing for title in two}
    return sorted(groups, key=lambda g: (g.title not in linked, ranks[g.title], g.title))


def _place_band(
    group: Group, needs: Mapping[str, Sequence[str]], lines: Sequence[GraphLine]
) -> tuple[Cells, list[str]]:
    """Return the columns of a group, and its services without a line to another member."""
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


def _untangle(cells: Cells, lines: Sequence[GraphLine]) -> None:
    """Sort the services of each column by the rows of the services to which they have lines."""
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
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else default


def _wrapped(cells: Cells) -> Cells:
    """Split the longest columns as far as there is room beside them."""
    sizes = [len(cell) for cell in cells]
    parts = [1] * len(cells)
    while cells and sum(parts) < MOST_COLUMNS:
        longest = max(range(len(cells)), key=lambda at: sizes[at] / parts[at])
        if sizes[longest] <= _MOST_ROWS * parts[longest]:
            break
        parts[longest] += 1
    wrapped: Cells = []
    for cell, count in zip(cells, parts, strict=True):
        size = -(-len(cell) // count)
        wrapped += [cell[at : at + size] for at in range(0, len(cell), size)]
    return wrapped


def _by_callers(
    names: list[str], lines: Sequence[GraphLine], nodes: Mapping[str, Box]
) -> list[str]:
    """Return *names* sorted by the positions of the services to which they have lines."""
    places: dict[str, list[float]] = {name: [] for name in names}
    for line in lines:
        for one, other in ((line.caller, line.callee), (line.callee, line.caller)):
            if one in places and other in nodes:
                places[one].append(nodes[other].middle)
    return sorted(names, key=lambda name: (not places[name], _mean(places[name], 0.0)))


def _place_columns(
    nodes: dict[str, Box], cells: Cells, top: float, total: float, width: float
) -> float:
    """Place the services of *cells* below *top*; return the top of the next row."""
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
    """Place *names* side by side below *top*; return the top of the next row."""
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
