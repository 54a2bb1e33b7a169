"""The address of a node: the keys and positions that lead to it, as they are written."""

from __future__ import annotations

from collections.abc import Iterator
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
    yield start, root
    if isinstance(root, Mapping):
        for entry in root.entries:
            if entry.name is not None:
                yield from paths(entry.value, (*start, entry.name))
    elif isinstance(root, Sequence):
        for n, item in enumerate(root.items):
            yield from paths(item, (*start, n))


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
    return next((path for path, found in paths(root) if found is node), None)


def shown(path: Path) -> str:
    """Return *path* as a person reads it: ``services.api.ports[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
