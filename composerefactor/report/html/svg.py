"""The topology of a start command as SVG: inside an HTML page, or as a separate file.

:mod:`~composerefactor.report.html.layout` places the services,
:mod:`~composerefactor.report.html.routing` the lines between them.
"""

from __future__ import annotations

import pkgutil
import re
from xml.etree import ElementTree as ET

from composerefactor.report.html.graph import (
    HEALTH,
    KINDS,
    LINES,
    Graph,
    GraphLine,
    GraphNode,
    Group,
)
from composerefactor.report.html.layout import CHAR, Box, DiagramLayout, layout
from composerefactor.report.html.routing import routes
from composerefactor.report.text import xml_text

_LEGEND_CHAR = 7.2
_LEGEND_ROW = 24
_MARGIN = 12
_SMALL_CHAR = 6.7
_PORT_CHAR = 7.0


def anchor(name: str, kind: str = "service") -> str:
    """Return the id of the service, or of another *kind* of node, called *name* in a page."""
    return f"{kind}-" + re.sub(r"[^A-Za-z0-9_.-]", lambda match: f"-{ord(match[0]):x}-", name)


def topology_svg(topology: Graph, title: str) -> str:
    """Return the diagram of *topology* as an SVG document with colours for light and dark mode."""
    places = layout(topology)
    legend, height = _legend(places.height + _LEGEND_ROW, places.width)
    root = _root(places, title, _MARGIN, height)
    style = ET.SubElement(root, "style")
    style.text = f"{css()}@media (prefers-color-scheme: dark) {{\n{css(dark=True)}}}\n"
    _draw(root, topology, places, linked=False)
    root.extend(legend)
    return _serialised(root) + "\n"


def topology_element(topology: Graph, title: str) -> str:
    """Return the diagram of *topology* as an SVG element for a page with :func:`css`.

    It has no legend. Services and categories link to their :func:`anchor`; the attributes
    ``data-service``, ``data-caller`` and ``data-callee`` have the names of the services.
    """
    places = layout(topology)
    root = _root(places, title, _MARGIN, 0)
    _draw(root, topology, places, linked=True)
    return _serialised(root)


def css(*, dark: bool = False) -> str:
    """Return the style sheet of diagrams, or with *dark* the colours for dark mode."""
    name = "picture-dark.css" if dark else "picture.css"
    return (pkgutil.get_data(__package__ or "", name) or b"").decode()


def _root(places: DiagramLayout, title: str, margin: float, below: float) -> ET.Element:
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


def _draw(root: ET.Element, topology: Graph, places: DiagramLayout, *, linked: bool) -> None:
    for _, box in places.groups:
        _rectangle(root, "band", box, 12)
    for line, (path, head) in zip(topology.lines, routes(places, topology.lines), strict=True):
        mark = ET.SubElement(root, "g", _line_attributes(line))
        ET.SubElement(mark, "title").text = f"{line.caller} needs {line.callee}: {line.tooltip}"
        ET.SubElement(mark, "path", {"class": "hit", "d": path})
        ET.SubElement(mark, "path", {"class": "stroke", "d": path})
        ET.SubElement(mark, "path", {"class": "head", "d": head})
    for group, box in places.groups:
        _band_title(root, group, box)
    for node in sorted(topology.nodes, key=lambda node: _reading_order(places.nodes[node.name])):
        _card(root, node, places.nodes[node.name], linked=linked)


def _reading_order(box: Box) -> tuple[float, float]:
    return box.y, box.x


def _line_attributes(line: GraphLine) -> dict[str, str]:
    return {
        "class": f"line {line.kind}",
        "data-caller": line.caller,
        "data-callee": line.callee,
    }


def _band_title(root: ET.Element, group: Group, box: Box) -> None:
    label = ET.SubElement(root, "text", {"class": "network", "x": "16", "y": f"{box.y + 22:g}"})
    label.text = group.title or "no network"
    if group.traits:
        traits = ET.SubElement(label, "tspan", {"class": "traits", "dx": "10"})
        traits.text = group.traits


def _card(root: ET.Element, node: GraphNode, box: Box, *, linked: bool) -> None:
    classes = ["node", node.kind, node.health, *(["optional"] if node.is_optional else [])]
    attributes = {"class": " ".join(classes), "data-service": node.name}
    linked = linked and node.kind != "absent"
    if linked:
        attributes["href"] = f"#{anchor(node.name, 'category' if node.members else 'service')}"
    card = ET.SubElement(root, "a" if linked else "g", attributes)
    ET.SubElement(card, "title").text = f"{node.name}: {node.tooltip}"
    _rectangle(card, "card", box, 8)
    path = f"M{box.x + 5:g} {box.y:g}h-1a4 4 0 0 0 -4 4v{box.height - 8:g}a4 4 0 0 0 4 4h1z"
    ET.SubElement(card, "path", {"class": "stripe", "d": path})
    room = box.width - 46
    name = _shortened_inside(node.name, int(room / CHAR))
    _text(card, "name", box.x + 16, box.y + 24, name)
    about = _shortened(node.about, int((box.width - 28) / _SMALL_CHAR))
    _text(card, "about", box.x + 16, box.y + 41, about)
    place = {"cx": f"{box.x + box.width - 16:g}", "cy": f"{box.y + 19:g}", "r": "4.5"}
    ET.SubElement(card, "circle", {"class": "health", **place})
    if node.ports:
        _pill(card, node, box)


def _pill(card: ET.Element, node: GraphNode, box: Box) -> None:
    """Draw the published ports on the upper border."""
    most = 3
    text = " ".join(node.ports[:most]) + (f" +{len(node.ports) - most}" * (len(node.ports) > most))
    text = _shortened(text, int((box.width - 24) / _SMALL_CHAR))
    width = len(text) * _PORT_CHAR + 16
    pill = ET.SubElement(card, "g", {"class": "open" if node.is_open else "local"})
    _rectangle(pill, "pill", Box(box.x + 12, box.y - 9, width, 17), 8.5)
    _text(pill, "port", box.x + 20, box.y + 3.5, text)


def _legend(top: float, width: float) -> tuple[list[ET.Element], float]:
    """Return the meaning of colours and lines, in rows of at most *width*, and their height."""
    items = [
        *((name, label, _stripe_mark, 11) for name, label in KINDS.items()),
        *((name, label, _dot_mark, 15) for name, label in HEALTH.items()),
        *((f"line {name}", label, _line_mark, 32) for name, label in LINES.items()),
    ]
    marks: list[ET.Element] = []
    x, y = 0.0, top
    for name, label, draw, indent in items:
        taken = indent + len(label) * _LEGEND_CHAR
        if x + taken > width:
            x, y = 0.0, y + _LEGEND_ROW
        mark = ET.Element("g", {"class": name})
        draw(mark, x, y)
        _text(mark, "legend", x + indent, y, label)
        marks.append(mark)
        x += taken + 20
    return marks, y - top + _LEGEND_ROW


def _stripe_mark(mark: ET.Element, x: float, y: float) -> None:
    _rectangle(mark, "stripe", Box(x, y - 11, 5, 14), 2)


def _dot_mark(mark: ET.Element, x: float, y: float) -> None:
    place = {"cx": f"{x + 5:g}", "cy": f"{y - 4:g}", "r": "4.5"}
    ET.SubElement(mark, "circle", {"class": "health", **place})


def _line_mark(mark: ET.Element, x: float, y: float) -> None:
    ET.SubElement(mark, "path", {"class": "stroke", "d": f"M{x:g} {y - 4:g}h26"})


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
        element.text = None if element.text is None else xml_text(element.text)
        for name, value in element.attrib.items():
            element.set(name, xml_text(value))
    return ET.tostring(root, encoding="unicode")
