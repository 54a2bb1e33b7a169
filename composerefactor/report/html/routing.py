"""The lines between services in a diagram; none runs behind a service.

A line is a curve where nothing is in its way. Else it runs at right angles through the gaps between
the boxes: :class:`_Lanes` is the grid of these gaps, in which the cheapest way is searched (A*).
Lines that share no service keep apart where there is room.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from math import inf

from msgspec import Struct

from composerefactor.report.html.graph import GraphLine
from composerefactor.report.html.layout import HEIGHT, Box, DiagramLayout

Point = tuple[float, float]
Route = tuple[str, str]
"""A line and its arrowhead, each as the ``d`` of a path."""


def routes(places: DiagramLayout, lines: Iterable[GraphLine]) -> list[Route]:
    """Return the route of each of *lines*."""
    boxes = places.nodes
    lanes: _Lanes | None = None
    found: list[Route] = []
    for line in lines:
        start, end = boxes[line.caller], boxes[line.callee]
        curve = _curve(start, end)
        others = [box for box in boxes.values() if box is not start and box is not end]
        way = None
        if not _is_free(curve_points(curve), others):
            lanes = lanes or _Lanes(places)
            way = lanes.way(line, boxes)
        if way is None:
            path = "M{:g} {:g}C{:g} {:g} {:g} {:g} {:g} {:g}".format(*(c for p in curve for c in p))
            found.append((path, _head(curve[2], curve[3])))
        else:
            found.append((_rounded(way), _head(way[-2], way[-1])))
    return found


_CLEARANCE = 4


def _is_free(points: Sequence[Point], boxes: Iterable[Box]) -> bool:
    """Return whether none of *points* is in one of *boxes* or touches it."""
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    return not any(
        box.x - _CLEARANCE < x < box.x + box.width + _CLEARANCE
        and box.y - _CLEARANCE < y < box.y + box.height + _CLEARANCE
        for box in boxes
        if left < box.x + box.width + _CLEARANCE
        and right > box.x - _CLEARANCE
        and top < box.y + box.height + _CLEARANCE
        and bottom > box.y - _CLEARANCE
        for x, y in points
    )


_STEPS = 32


def curve_points(curve: Sequence[Point]) -> list[Point]:
    """Return points along the Bézier curve with four control points."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = curve
    points = []
    for step in range(_STEPS + 1):
        t = step / _STEPS
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        points.append((a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3))
    return points


_HEAD = 6
_BULGE = 40


def _curve(start: Box, end: Box) -> list[Point]:
    """Return the four control points of the curve from *start* to *end*."""
    if abs(end.y - start.y) - HEIGHT > abs(end.x - start.x) / 3:
        if end.x == start.x and abs(end.y - start.y) > 2 * HEIGHT:
            return _around(start, end)
        down = end.y > start.y
        y1 = start.y + start.height if down else start.y
        y2 = end.y - _HEAD if down else end.y + end.height + _HEAD
        bend = max(24.0, abs(y2 - y1) / 2) * (1 if down else -1)
        x1, x2 = start.middle, end.middle
        return [(x1, y1), (x1, y1 + bend), (x2, y2 - bend), (x2, y2)]
    if start.x < end.x + end.width + 2 * _HEAD and end.x < start.x + start.width + 2 * _HEAD:
        return _around(start, end)  # from side to side, it would run behind one of them
    right = end.x > start.x
    x1 = start.x + start.width if right else start.x
    x2 = end.x - _HEAD if right else end.x + end.width + _HEAD
    bend = max(20.0, min(90.0, abs(x2 - x1) / 2)) * (1 if right else -1)
    y1, y2 = start.centre, end.centre
    return [(x1, y1), (x1 + bend, y1), (x2 - bend, y2), (x2, y2)]


def _around(start: Box, end: Box) -> list[Point]:
    """Return the curve between boxes above each other, around their right side."""
    x1, y1, x2, y2 = start.x + start.width, start.centre, end.x + end.width, end.centre
    out = max(x1, x2) + _BULGE
    return [(x1, y1), (out, y1), (out, y2), (x2 + _HEAD, y2)]


def _head(before: Point, tip: Point) -> str:
    """Return the arrowhead of a line that ends at *tip*, coming from *before*."""
    (x1, y1), (x2, y2) = before, tip
    if abs(x2 - x1) >= abs(y2 - y1):
        sign = 1 if x2 >= x1 else -1
        return f"M{x2 + sign * _HEAD:g} {y2:g}l{-8 * sign:g} -4v8z"
    sign = 1 if y2 >= y1 else -1
    return f"M{x2:g} {y2 + sign * _HEAD:g}l-4 {-8 * sign:g}h8z"


_CORNER = 10


def _rounded(points: Sequence[Point]) -> str:
    """Return the path through *points* at right angles, with round corners."""
    text = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        text.append(f"L{near[0]:g} {near[1]:g}Q{corner[0]:g} {corner[1]:g} {far[0]:g} {far[1]:g}")
    return "".join(text) + f"L{points[-1][0]:g} {points[-1][1]:g}"


def _towards(corner: Point, other: Point) -> Point:
    """Return the point on the way from *corner* to *other* at which the round corner ends."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    part = min(_CORNER, (abs(dx) + abs(dy)) / 2) / (abs(dx) + abs(dy))
    return corner[0] + dx * part, corner[1] + dy * part


_BESIDE = (15, 29)
"""Distances of lanes to the left and right of a box; those of two neighbours make four lanes."""

_ABOVE, _BELOW = 15, 7
"""Distances of lanes above and below a box; above, the published ports are on its border."""

_BEND = 60
_VERTICAL_SIDE = 40
"""What it costs more to start or end at the top or bottom, where ports are."""

_CROWDED = 3.0
"""How many times longer a part counts for each line that runs there and shares no service."""

_MOST_SEARCHED = 120_000
"""How many points are searched for the lines of a picture; later lines are curves.

Where so many lines cross, nobody can follow one of them anyway.
"""

_RIGHT, _DOWN, _LEFT, _UP = range(4)

State = tuple[int, int]
"""The number of a point, and the direction in which a line gets there."""

_ARRIVED = -1
"""Instead of a point, the box at the end."""


class _Door(Struct, frozen=True):
    """A side of a box to which lines lead.

    Attributes:
        cell: The nearest point of the lanes.
        side: The side, as the direction away from the box.
        cost: What it costs to get from the box to the point.
        tip: The end of the lines.
    """

    cell: int
    side: int
    cost: float
    tip: Point

    @property
    def left(self) -> State:
        """The state after leaving the box."""
        return self.cell, self.side

    @property
    def entered(self) -> State:
        """The state before entering the box."""
        return self.cell, (self.side + 2) % 4


class _Users:
    """The lines that run along one step between points."""

    def __init__(self) -> None:
        self._total = 0
        self._by_end: Counter[tuple[str, str]] = Counter()

    def add(self, line: GraphLine) -> None:
        """Add *line*."""
        self._total += 1
        self._by_end.update((("from", line.caller), ("to", line.callee)))

    def others(self, line: GraphLine) -> int:
        """Return how many share neither caller nor callee with *line*."""
        return self._total - self._by_end["from", line.caller] - self._by_end["to", line.callee]


class _Lanes:
    """The lanes between the boxes of a diagram, and the lines that already run there.

    Points are numbered column by column, from top to bottom.
    """

    def __init__(self, places: DiagramLayout) -> None:
        boxes = list(places.nodes.values())
        xs = {box.middle for box in boxes} | {
            x
            for box in boxes
            for away in _BESIDE
            for x in (box.x - away, box.x + box.width + away)
            if 0 < x < places.width
        }
        ys = {y for box in boxes for y in (box.y - _ABOVE, box.centre, box.y + box.height + _BELOW)}
        self._xs, self._ys = sorted(xs), sorted(ys)
        rows = len(self._ys)
        self._offsets = rows, 1, -rows, -1
        self._lengths = [dict[int, float]() for _ in range(4)]
        for column, x in enumerate(self._xs):
            for row, y in enumerate(self._ys):
                cell = column * rows + row
                if column + 1 < len(self._xs):
                    self._connect(cell, _RIGHT, self._xs[column + 1] - x)
                if row + 1 < rows:
                    self._connect(cell, _DOWN, self._ys[row + 1] - y)
        for box in boxes:
            self._block(box)
        self._users: dict[tuple[int, int], _Users] = {}
        self._searched = 0

    def _connect(self, cell: int, towards: int, length: float) -> None:
        """Make the step from *cell* to its neighbour *towards*, and back, *length* long."""
        self._lengths[towards][cell] = length
        self._lengths[towards + 2][cell + self._offsets[towards]] = length

    def _block(self, box: Box) -> None:
        """Remove each step between neighbouring points that touches *box*."""
        xs, ys = self._xs, self._ys
        left, right = box.x - _CLEARANCE, box.x + box.width + _CLEARANCE
        top, bottom = box.y - _CLEARANCE, box.y + box.height + _CLEARANCE
        columns = range(bisect_right(xs, left), bisect_left(xs, right))
        rows = range(bisect_right(ys, top), bisect_left(ys, bottom))
        for row in rows:
            for column in range(max(columns.start - 1, 0), columns.stop):
                self._remove(column * len(ys) + row, _RIGHT)
        for column in columns:
            for row in range(max(rows.start - 1, 0), rows.stop):
                self._remove(column * len(ys) + row, _DOWN)

    def _remove(self, cell: int, towards: int) -> None:
        self._lengths[towards].pop(cell, None)
        self._lengths[towards + 2].pop(cell + self._offsets[towards], None)

    def way(self, line: GraphLine, boxes: Mapping[str, Box]) -> list[Point] | None:
        """Return the corners of the cheapest way of *line*, its ends included.

        None if there is no way, or if the lines before used up the points that may be searched.
        """
        starts = {door.left: door for door in self._doors(boxes[line.caller], 0)}
        goals = {door.entered: door for door in self._doors(boxes[line.callee], _HEAD)}
        distances = self._distances(boxes[line.callee])
        costs = {state: door.cost for state, door in starts.items()}
        before: dict[State, State] = {}
        queue = [(cost + distances(state[0]), state) for state, cost in costs.items()]
        heapify(queue)
        while queue and self._searched < _MOST_SEARCHED:
            estimate, state = heappop(queue)
            self._searched += 1
            if state[0] == _ARRIVED:
                states = [before[state]]
                while states[-1] in before:
                    states.append(before[states[-1]])
                cells = [cell for cell, _ in reversed(states)]
                self._use(cells, line)
                tip = goals[states[0][0], state[1]].tip
                return _corners([starts[states[-1]].tip, *map(self._point, cells), tip])
            cost = costs[state]
            if estimate > cost + distances(state[0]):
                continue  # a cheaper way was found
            for after, more in self._moves(state, goals, line):
                if cost + more < costs.get(after, inf):
                    costs[after], before[after] = cost + more, state
                    heappush(queue, (cost + more + distances(after[0]), after))
        return None

    def _use(self, cells: Sequence[int], line: GraphLine) -> None:
        """Remember that *line* runs along *cells*."""
        for one, other in pairwise(cells):
            step = (one, other) if one < other else (other, one)
            self._users.setdefault(step, _Users()).add(line)

    def _moves(
        self, state: State, goals: Mapping[State, _Door], line: GraphLine
    ) -> Iterator[tuple[State, float]]:
        """Yield the states that *line* can reach from *state* in one step, with the costs.

        A step is longer than it looks if other lines run there.
        """
        cell, way = state
        for towards in (way, (way + 1) % 4, (way + 3) % 4):
            bend = _BEND if towards != way else 0
            if (cell, towards) in goals:
                yield (_ARRIVED, towards), bend + goals[cell, towards].cost
            length = self._lengths[towards].get(cell)
            if length is not None:
                after = cell + self._offsets[towards]
                users = self._users.get((cell, after) if cell < after else (after, cell))
                if users is not None:
                    length *= 1 + _CROWDED * users.others(line)
                yield (after, towards), bend + length

    def _doors(self, box: Box, gap: float) -> Iterator[_Door]:
        """Yield the sides of *box* that a lane can reach; lines end *gap* away from it."""
        row, column = bisect_left(self._ys, box.centre), bisect_left(self._xs, box.middle)
        right, bottom = box.x + box.width, box.y + box.height
        after, below = bisect_left(self._xs, right), bisect_left(self._ys, bottom)
        ahead, above = bisect_right(self._xs, box.x) - 1, bisect_right(self._ys, box.y) - 1
        for at, side, x, y in (
            ((after, row), _RIGHT, right + gap, box.centre),
            ((ahead, row), _LEFT, box.x - gap, box.centre),
            ((column, below), _DOWN, box.middle, bottom + gap),
            ((column, above), _UP, box.middle, box.y - gap),
        ):
            if 0 <= at[0] < len(self._xs) and 0 <= at[1] < len(self._ys):
                cost = abs(self._xs[at[0]] - x) + abs(self._ys[at[1]] - y)
                cost += _VERTICAL_SIDE if side in {_DOWN, _UP} else 0
                yield _Door(at[0] * len(self._ys) + at[1], side, cost, (x, y))

    def _point(self, cell: int) -> Point:
        column, row = divmod(cell, len(self._ys))
        return self._xs[column], self._ys[row]

    def _distances(self, box: Box) -> Callable[[int], float]:
        """Return the function for at most the length of a way from a point to *box*."""
        beside = [max(box.x - x, x - box.x - box.width, 0.0) for x in self._xs]
        above = [max(box.y - y, y - box.y - box.height, 0.0) for y in self._ys]

        def distance(cell: int) -> float:
            column, row = divmod(cell, len(above))
            return 0.0 if cell == _ARRIVED else beside[column] + above[row]

        return distance


def _corners(points: Sequence[Point]) -> list[Point]:
    """Return *points* without those in the middle of a straight part."""
    corners = [points[0]]
    for point, after in pairwise(points[1:]):
        is_straight = (
            corners[-1][0] == point[0] == after[0] or corners[-1][1] == point[1] == after[1]
        )
        if not is_straight and point != corners[-1]:
            corners.append(point)
    return [*corners, points[-1]]
