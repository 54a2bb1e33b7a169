"""The topology as a Mermaid flowchart, which GitHub and GitLab draw."""

from __future__ import annotations

from composerefactor.architecture.architecture import EntryArchitecture
from composerefactor.pictures.graph import Group, Line, Node, graph

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
