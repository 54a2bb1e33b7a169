"""An anchor that several services of a file can share."""

from __future__ import annotations

from collections.abc import Callable

from composerefactor.compose.file import ComposeFile
from composerefactor.yamltree.nodes import Mapping, walk


def usable_anchor(file: ComposeFile, before: int, fits: Callable[[Mapping], bool]) -> str | None:
    """Return an anchor of *file* on a mapping that *fits*, and that an alias at *before* means."""
    found: dict[str, Mapping | None] = {}
    for node in walk(file.root):
        if node.anchor and node.outer_start < before:
            found[node.anchor] = node if isinstance(node, Mapping) and node.end <= before else None
    fitting = [name for name, node in found.items() if node is not None and fits(node)]
    return fitting[0] if fitting else None


def free_anchor(file: ComposeFile, name: str) -> str:
    """Return *name*, with a number behind it where *file* has such an anchor."""
    taken = {node.anchor for node in walk(file.root)}
    found, n = name, 2
    while found in taken:
        found, n = f"{name}-{n}", n + 1
    return found
