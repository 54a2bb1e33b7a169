"""The topology of a start command as SVG: inside an HTML page, or as a separate file.

Bands, one below the other, show which services share networks: a service may be on several, which
nested boxes cannot show. In a band, a service is left of the services that it needs. A band is
above the bands that its services call. The same graph always gets the same layout.
"""

from __future__ import annotations

import pkgutil
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

from msgspec import Struct

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.report.html.graph import HEALTH, KINDS, LINES, Graph, Group, Line, Node, graph


def without_cycles(names: Sequence[str], lines: Iterable[Line]) -> dict[str, list[str]]:
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


class Layout(Struct, frozen=True):
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


def layout(graph: Graph) -> Layout:
    """Return the layout of *graph*."""
    needs = without_cycles([node.name for node in graph.nodes], graph.lines)
    groups = _from_callers_down(graph.groups, graph.lines)
    longest = max((len(node.name) for node in graph.nodes), default=0)
    width = min(_WIDEST, max(_NARROWEST, longest * _CHAR + 50))
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
    return Layout(total, max(y - _GROUP_GAP, 0), nodes, tuple(placed))


def _from_callers_down(groups: Sequence[Group], lines: Sequence[Line]) -> list[Group]:
    """Return *groups* in order: callers above the groups that they call, isolated ones last."""
    owner = {name: group.title for group in groups for name in group.members}
    crossing = Counter((owner[line.caller], owner[line.callee]) for line in lines)
    crossing = Counter({two: count for two, count in crossing.items() if two[0] != two[1]})
    between = [Line(*two, "started", "") for two, _ in crossing.most_common()]
    ranks = columns(without_cycles([group.title for group in groups], between))
    linked = {title for two in crossing for title in two}
    return sorted(groups, key=lambda g: (g.title not in linked, ranks[g.title], g.title))


def _place_band(
    group: Group, needs: Mapping[str, Sequence[str]], lines: Sequence[Line]
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


def _untangle(cells: Cells, lines: Sequence[Line]) -> None:
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
    """Split long columns as far as there is room beside them."""
    free = MOST_COLUMNS - len(cells)
    wrapped: Cells = []
    for cell in cells:
        parts = min(-(-len(cell) // _MOST_ROWS), 1 + free)
        free -= parts - 1
        size = -(-len(cell) // parts)
        wrapped += [cell[at : at + size] for at in range(0, len(cell), size)]
    return wrapped


def _by_callers(names: list[str], lines: Sequence[Line], nodes: Mapping[str, Box]) -> list[str]:
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


_HEAD = 6
_BULGE = 40


def route(start: Box, end: Box) -> tuple[str, str]:
    """Return the curve from *start* to *end* and its arrowhead, each as the ``d`` of a path."""
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
    """Return the curve between boxes above each other, around their right side."""
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


_LEGEND_HEIGHT = 40
_MARGIN = 12
_SMALL_CHAR = 6.2
_PORT_CHAR = 7.0


def anchor(service: str) -> str:
    """Return the id of *service* in a page."""
    return "service-" + re.sub(r"[^A-Za-z0-9_.-]", lambda match: f"-{ord(match[0]):x}-", service)


def topology_svg(entry: InvocationFacts) -> str:
    """Return the diagram of *entry* as an SVG document with colours for light and dark mode."""
    topology = graph(entry)
    places = layout(topology)
    root = _root(places, entry.title, _MARGIN, _LEGEND_HEIGHT)
    style = ET.SubElement(root, "style")
    style.text = f"{css()}@media (prefers-color-scheme: dark) {{\n{css(dark=True)}}}\n"
    _draw(root, topology, places, linked=False)
    root.extend(_legend(places.height + _LEGEND_HEIGHT - _MARGIN))
    return _serialised(root) + "\n"


def topology_element(entry: InvocationFacts) -> str:
    """Return the diagram of *entry* as an SVG element for a page with :func:`css`.

    It has no legend. Services link to their :func:`anchor`; the attributes ``data-service``,
    ``data-caller`` and ``data-callee`` have the names of the services.
    """
    topology = graph(entry)
    places = layout(topology)
    root = _root(places, entry.title, _MARGIN, 0)
    _draw(root, topology, places, linked=True)
    return _serialised(root)


def css(*, dark: bool = False) -> str:
    """Return the style sheet of diagrams, or with *dark* the colours for dark mode."""
    name = "picture-dark.css" if dark else "picture.css"
    return (pkgutil.get_data(__package__ or "", name) or b"").decode()


def _root(places: Layout, title: str, margin: float, below: float) -> ET.Element:
    width, height = places.width + 2 * margin, places.height + 2 * margin + below
    return ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "topology",
            "role": "group",
            "aria-label": f"Topology of {title}",
            "viewBox": f"{-margin:g} {-margin:g} {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
        },
    )


def _draw(root: ET.Element, topology: Graph, places: Layout, *, linked: bool) -> None:
    for group, box in places.groups:
        _band(root, group, box)
    for line in topology.lines:
        path, head = route(places.nodes[line.caller], places.nodes[line.callee])
        mark = ET.SubElement(root, "g", _line_attributes(line))
        ET.SubElement(mark, "title").text = f"{line.caller} needs {line.callee}: {line.tooltip}"
        ET.SubElement(mark, "path", {"class": "hit", "d": path})
        ET.SubElement(mark, "path", {"class": "stroke", "d": path})
        ET.SubElement(mark, "path", {"class": "head", "d": head})
    for node in sorted(topology.nodes, key=lambda node: _reading_order(places.nodes[node.name])):
        _card(root, node, places.nodes[node.name], linked=linked)


def _reading_order(box: Box) -> tuple[float, float]:
    return box.y, box.x


def _line_attributes(line: Line) -> dict[str, str]:
    return {
        "class": f"line {line.kind}",
        "data-caller": line.caller,
        "data-callee": line.callee,
    }


def _band(root: ET.Element, group: Group, box: Box) -> None:
    _rectangle(root, "band", box, 12)
    label = ET.SubElement(root, "text", {"class": "network", "x": "16", "y": f"{box.y + 22:g}"})
    label.text = group.title or "no network"
    if group.traits:
        traits = ET.SubElement(label, "tspan", {"class": "traits", "dx": "10"})
        traits.text = group.traits


def _card(root: ET.Element, node: Node, box: Box, *, linked: bool) -> None:
    classes = ["node", node.kind, node.health, *(["optional"] if node.is_optional else [])]
    attributes = {"class": " ".join(classes), "data-service": node.name}
    if linked:
        attributes["href"] = f"#{anchor(node.name)}"
    card = ET.SubElement(root, "a" if linked else "g", attributes)
    ET.SubElement(card, "title").text = f"{node.name}: {node.tooltip}"
    _rectangle(card, "card", box, 8)
    path = f"M{box.x + 5:g} {box.y:g}h-1a4 4 0 0 0 -4 4v{box.height - 8:g}a4 4 0 0 0 4 4h1z"
    ET.SubElement(card, "path", {"class": "stripe", "d": path})
    room = box.width - 46
    name = _shortened_inside(node.name, int(room / _CHAR))
    _text(card, "name", box.x + 16, box.y + 24, name)
    about = _shortened(node.about, int((box.width - 28) / _SMALL_CHAR))
    _text(card, "about", box.x + 16, box.y + 41, about)
    place = {"cx": f"{box.x + box.width - 16:g}", "cy": f"{box.y + 19:g}", "r": "4.5"}
    ET.SubElement(card, "circle", {"class": "health", **place})
    if node.ports:
        _pill(card, node, box)


def _pill(card: ET.Element, node: Node, box: Box) -> None:
    """Draw the published ports on the upper border."""
    most = 3
    text = " ".join(node.ports[:most]) + (f" +{len(node.ports) - most}" * (len(node.ports) > most))
    text = _shortened(text, int((box.width - 24) / _SMALL_CHAR))
    width = len(text) * _PORT_CHAR + 16
    pill = ET.SubElement(card, "g", {"class": "open" if node.is_open else "local"})
    _rectangle(pill, "pill", Box(box.x + 12, box.y - 9, width, 17), 8.5)
    _text(pill, "port", box.x + 20, box.y + 3.5, text)


def _legend(y: float) -> Iterator[ET.Element]:
    """Yield the meaning of colours and lines, side by side."""
    x = 0.0
    for kind, label in KINDS.items():
        mark = ET.Element("g", {"class": kind})
        _rectangle(mark, "stripe", Box(x, y - 11, 5, 14), 2)
        yield _labelled(mark, x + 11, y, label)
        x += len(label) * _SMALL_CHAR + 34
    for health, label in HEALTH.items():
        mark = ET.Element("g", {"class": health})
        place = {"cx": f"{x + 5:g}", "cy": f"{y - 4:g}", "r": "4.5"}
        ET.SubElement(mark, "circle", {"class": "health", **place})
        yield _labelled(mark, x + 15, y, label)
        x += len(label) * _SMALL_CHAR + 38
    for kind, label in LINES.items():
        mark = ET.Element("g", {"class": f"line {kind}"})
        ET.SubElement(mark, "path", {"class": "stroke", "d": f"M{x:g} {y - 4:g}h26"})
        yield _labelled(mark, x + 32, y, label)
        x += len(label) * _SMALL_CHAR + 56


def _labelled(mark: ET.Element, x: float, y: float, label: str) -> ET.Element:
    _text(mark, "legend", x, y, label)
    return mark


def _rectangle(parent: ET.Element, name: str, box: Box, radius: float) -> None:
    attributes = {
        "class": name,
        "x": f"{box.x:g}",
        "y": f"{box.y:g}",
        "width": f"{box.width:g}",
        "height": f"{box.height:g}",
        "rx": f"{radius:g}",
    }
    ET.SubElement(parent, "rect", attributes)


def _text(parent: ET.Element, name: str, x: float, y: float, text: str) -> None:
    ET.SubElement(parent, "text", {"class": name, "x": f"{x:g}", "y": f"{y:g}"}).text = text


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(most - 1, 1)] + "…"


def _shortened_inside(text: str, most: int) -> str:
    """Return *text* with its middle cut out: similar names often differ at the end."""
    if len(text) <= most:
        return text
    head = max(most - 1, 2) // 2
    return f"{text[:head]}…{text[head + 1 - max(most, 3) :]}"


def _serialised(root: ET.Element) -> str:
    for element in root.iter():  # these characters are not allowed in XML
        element.text = None if element.text is None else _NOT_IN_XML.sub("�", element.text)
        for name, value in element.attrib.items():
            element.set(name, _NOT_IN_XML.sub("�", value))
    return ET.tostring(root, encoding="unicode")


_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
