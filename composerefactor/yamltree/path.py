"""The address of a node: the keys and positions that lead to it, as they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from composerefactor.yamltree.nodes import Entry, Mapping, Node, Sequence

Path: TypeAlias = tuple[str | int, ...]
"""Keys of mappings and positions, from 0, in sequences; aliases and merge keys are not followed."""


def node_at(root: Node, path: Path) -> Node | None:
    """Return the node that *path* leads to from *root*, or None where there is none."""
    node: Node | None = root
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str):
            node = node.get(step)
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def entry_at(root: Node, path: Path) -> Entry | None:
    """Return the entry of the mapping whose key is the last step of *path*, or None."""
    parent = node_at(root, path[:-1])
    name = path[-1] if path else None
    return parent.entry(name) if isinstance(parent, Mapping) and isinstance(name, str) else None


def in_flow(root: Node, path: Path) -> bool:
    """Return whether what stands at *path* is written inside of ``{}`` or ``[]``."""
    above = (node_at(root, path[:n]) for n in range(len(path)))
    return any(isinstance(node, Mapping | Sequence) and node.flow for node in above)


def paths(root: Node, start: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield every node that is written below *root*, itself first, with its address."""
    left = [(start, root)]
    while left:
        path, node = left.pop()
        yield path, node
        below = [((*path, step), child) for step, child in _steps(node)]
        left += reversed(below)


def entry_paths(root: Node) -> dict[int, Path]:
    """Return the address of every entry that is written below *root*, by its id."""
    return {
        id(entry): (*path, entry.name)
        for path, node in paths(root)
        if isinstance(node, Mapping)
        for entry in node.entries
        if entry.name is not None
    }


def path_of(root: Node, node: Node) -> Path | None:
    """Return the address of *node* below *root*, or None where it is written elsewhere."""
    if root is node:
        return ()
    for step, child in _steps(root):  # only one can hold it, but for empty nodes at its edge
        if child.outer_start <= node.outer_start and node.end <= child.end:
            path = path_of(child, node)
            if path is not None:
                return (step, *path)
    return None


def _steps(node: Node) -> Iterable[tuple[str | int, Node]]:
    """Return the nodes right below *node*, with the last step of their addresses."""
    if isinstance(node, Mapping):
        return [(e.name, e.value) for e in node.entries if e.name is not None]
    return enumerate(node.items) if isinstance(node, Sequence) else ()


def shown(path: Path) -> str:
    """Return *path* as a person reads it: ``services.api.ports[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
