"""YAML nodes that know where they stand in the text.

All offsets count characters of :attr:`.source.Source.text`. A node has two spans:
``outer_start:end`` with its anchor and tag, and ``start:end`` without. Ends are tight: a block
collection ends where its last child ends, an empty value is empty.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import TypeAlias, TypeVar

from msgspec import Struct

from composerefactor.yaml.source import Source


class Node(Struct, eq=False):
    """What all nodes share."""

    outer_start: int
    start: int
    end: int
    anchor: str | None = None
    tag: str | None = None


NodeType = TypeVar("NodeType", bound=Node)


class ScalarNode(Node, eq=False):
    """A scalar; *style* is ``""`` (plain), ``'``, ``"``, ``|`` or ``>``."""

    value: str = ""
    style: str = ""

    @property
    def is_empty(self) -> bool:
        """True where nothing is written: ``key:``."""
        return not self.style and self.start == self.end

    @property
    def is_null(self) -> bool:
        """True for what YAML 1.2 reads as null."""
        return not self.style and self.value in {"", "~", "null", "Null", "NULL"}


class AliasNode(Node, eq=False):
    """``*name``; *target* is the node that the name stands for at this place."""

    name: str = ""
    target: Node | None = None


class Entry(Struct, eq=False):
    """One key with its value in a mapping.

    *name* is the key's text, or None for a key that is no scalar; *is_merge* is True for the merge
    key ``<<``. Both come from the key; they are asked for far more often than a tree is built.
    """

    key: Node
    value: Node
    name: str | None = None
    is_merge: bool = False

    def __post_init__(self) -> None:
        """Read the key."""
        key = self.key
        if isinstance(key, ScalarNode):
            self.name = key.value
            self.is_merge = key.value == "<<" and not key.style
            return
        target = key.target if isinstance(key, AliasNode) else None
        self.name = target.value if isinstance(target, ScalarNode) else None

    @property
    def start(self) -> int:
        """Offset of the key."""
        return self.key.outer_start

    @property
    def end(self) -> int:
        """Offset just after the value."""
        return max(self.value.end, self.key.end)


class MappingNode(Node, eq=False):
    """A mapping; *flow* is True for ``{...}``."""

    entries: list[Entry] = []
    flow: bool = False

    def get(self, name: str) -> Node | None:
        """Return the value of the written key *name*; merge keys are not followed."""
        entry = self.entry(name)
        return entry.value if entry else None

    def entry(self, name: str) -> Entry | None:
        """Return the entry whose written key is *name*."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        return None


class SequenceNode(Node, eq=False):
    """A sequence; *flow* is True for ``[...]``."""

    items: list[Node] = []
    flow: bool = False


class Document(Struct, eq=False):
    """One document: *root* is None where nothing but comments stands in it."""

    root: Node | None
    start: int
    end: int


class Tree(Struct, eq=False):
    """All documents of one text.

    *marked* are their aliases and anchored nodes, *interpolated* their scalars with a ``$``, both
    in text order: most texts have few of them.
    """

    source: Source
    documents: list[Document]
    marked: list[Node] = []
    interpolated: list[ScalarNode] = []

    @property
    def root(self) -> Node | None:
        """The root of the first document."""
        return self.documents[0].root if self.documents else None

    def marked_in(self, start: int, end: int) -> list[Node]:
        """Return the aliases and anchored nodes that begin in ``text[start:end]``."""
        return _between(self.marked, start, end)

    def interpolated_in(self, start: int, end: int) -> list[ScalarNode]:
        """Return the scalars with a ``$`` that begin in ``text[start:end]``."""
        return _between(self.interpolated, start, end)


def _between(nodes: list[NodeType], start: int, end: int) -> list[NodeType]:
    first = bisect_left(nodes, start, key=_begin)
    return nodes[first : bisect_left(nodes, end, lo=first, key=_begin)]


def _begin(node: Node) -> int:
    return node.outer_start


def resolve(node: Node) -> Node:
    """Return what *node* stands for: itself, or the target of an alias."""
    while isinstance(node, AliasNode) and node.target is not None:
        node = node.target
    return node


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes written directly in *node*, keys before values; aliases are not followed."""
    if isinstance(node, MappingNode):
        for entry in node.entries:
            yield entry.key
            yield entry.value
    elif isinstance(node, SequenceNode):
        yield from node.items


def walk(node: Node) -> Iterator[Node]:
    """Yield *node* and all nodes written below it, in text order; aliases are not followed."""
    model = [node]
    while model:
        current = model.pop()
        yield current
        if isinstance(current, ScalarNode):  # most nodes are
            continue
        if isinstance(current, MappingNode):
            for entry in reversed(current.entries):
                model += (entry.value, entry.key)
        elif isinstance(current, SequenceNode):
            model += reversed(current.items)


Path: TypeAlias = tuple[str | int, ...]
"""Keys of mappings and positions, from 0, in sequences; aliases and merge keys are not followed."""


def node_at(root: Node, path: Path) -> Node | None:
    """Return the node that *path* leads to from *root*, or None where there is none."""
    node: Node | None = root
    for step in path:
        if isinstance(node, MappingNode) and isinstance(step, str):
            node = node.get(step)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def entry_at(root: Node, path: Path) -> Entry | None:
    """Return the entry of the mapping whose key is the last step of *path*, or None."""
    parent = node_at(root, path[:-1])
    name = path[-1] if path else None
    return parent.entry(name) if isinstance(parent, MappingNode) and isinstance(name, str) else None


def in_flow(root: Node, path: Path) -> bool:
    """Return whether what stands at *path* is written inside of ``{}`` or ``[]``."""
    above = (node_at(root, path[:n]) for n in range(len(path)))
    return any(isinstance(node, MappingNode | SequenceNode) and node.flow for node in above)


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
        if isinstance(node, MappingNode)
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
    if isinstance(node, MappingNode):
        return [(e.name, e.value) for e in node.entries if e.name is not None]
    return enumerate(node.items) if isinstance(node, SequenceNode) else ()


def shown(path: Path) -> str:
    """Return *path* as a person reads it: ``services.api.ports[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
