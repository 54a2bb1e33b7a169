"""The YAML tree: nodes with their position in the text, and paths that lead to nodes.

All offsets count characters of :attr:`.source.Source.text`. A node has two spans:
``outer_start:end`` includes its anchor and tag, ``start:end`` does not. Ends are tight: a block
collection ends where its last child ends, and the span of an empty value is empty.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeAlias, TypeVar, overload

from msgspec import Struct

from composerefactor.yaml.source import Source


class Node(Struct, eq=False):
    """The base of all nodes.

    Attributes:
        outer_start: Offset of the anchor or tag, or of the value if the node has neither.
        start: Offset of the value itself.
        end: Offset just after the value.
        anchor: The name after ``&``, or None.
        tag: The tag as written, such as ``!reset``, or None.
    """

    outer_start: int
    start: int
    end: int
    anchor: str | None = None
    tag: str | None = None


NodeType = TypeVar("NodeType", bound=Node)


class ScalarNode(Node, eq=False):
    """A scalar.

    Attributes:
        value: The text, without quotes and escapes.
        style: ``""`` for a plain scalar, else ``'``, ``"``, ``|`` or ``>``.
    """

    value: str = ""
    style: str = ""

    @property
    def is_empty(self) -> bool:
        """True if nothing is written, as in ``key:``."""
        return not self.style and self.start == self.end

    @property
    def is_null(self) -> bool:
        """True for what YAML 1.2 reads as null."""
        return not self.style and self.value in {"", "~", "null", "Null", "NULL"}


class AliasNode(Node, eq=False):
    """The alias ``*name``; *target* is the node with this anchor, as of this place in the text."""

    name: str = ""
    target: Node | None = None


class Entry(Struct, eq=False):
    """One key of a mapping with its value.

    *name* and *is_merge* are computed from the key on creation, because they are read far more
    often than a tree is built.

    Attributes:
        key: The node of the key.
        value: The node of the value.
        name: The text of the key, or None for a key that is not a scalar.
        is_merge: True for the merge key ``<<``.
    """

    key: Node
    value: Node
    name: str | None = None
    is_merge: bool = False

    def __post_init__(self) -> None:
        """Set *name* and *is_merge* from the key."""
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


class MappingNode(Node, eq=False, dict=True):
    """A mapping.

    Attributes:
        entries: The entries in text order.
        flow: True for ``{...}``, False for a block mapping.
    """

    entries: list[Entry] = []
    flow: bool = False

    def get(self, name: str) -> Node | None:
        """Return the value of key *name*, or None; merge keys are not followed."""
        entry = self.entry(name)
        return entry.value if entry else None

    def entry(self, name: str) -> Entry | None:
        """Return the first entry with the key *name*, or None; merge keys are not followed."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Entry]:
        return {entry.name: entry for entry in reversed(self.entries) if entry.name is not None}


class SequenceNode(Node, eq=False):
    """A sequence.

    Attributes:
        items: The items in text order.
        flow: True for ``[...]``, False for a block sequence.
    """

    items: list[Node] = []
    flow: bool = False


class Document(Struct, eq=False):
    """The document at ``text[start:end]``; *root* is None if it contains only comments."""

    root: Node | None
    start: int
    end: int


class Tree(Struct, eq=False):
    """All documents of one text.

    *marked* and *interpolated* are kept separately because most texts have few such nodes.

    Attributes:
        source: The text.
        documents: The documents in text order.
        marked: All aliases and all nodes with an anchor, in text order.
        interpolated: All scalars that contain a ``$``, in text order.
    """

    source: Source
    documents: list[Document]
    marked: list[Node] = []
    interpolated: list[ScalarNode] = []

    @property
    def root(self) -> Node | None:
        """The root of the first document, or None."""
        return self.documents[0].root if self.documents else None

    def marked_in(self, start: int, end: int) -> list[Node]:
        """Return the aliases and anchored nodes that begin in ``text[start:end]``."""
        return _starting_in(self.marked, start, end)

    def interpolated_in(self, start: int, end: int) -> list[ScalarNode]:
        """Return the scalars with a ``$`` that begin in ``text[start:end]``."""
        return _starting_in(self.interpolated, start, end)


def _starting_in(nodes: list[NodeType], start: int, end: int) -> list[NodeType]:
    first = bisect_left(nodes, start, key=_start_of)
    return nodes[first : bisect_left(nodes, end, lo=first, key=_start_of)]


def _start_of(node: Node) -> int:
    return node.outer_start


def _start_of_child(child: Node | Entry) -> int:
    return child.value.outer_start if isinstance(child, Entry) else child.outer_start


@overload
def resolve(node: Node) -> Node: ...
@overload
def resolve(node: Node | None) -> Node | None: ...
def resolve(node: Node | None) -> Node | None:
    """Return *node*, or the target if it is an alias; None for None."""
    while isinstance(node, AliasNode) and node.target is not None:
        node = node.target
    return node


def value_of(node: Node | None, *keys: str) -> Node | None:
    """Return the value below *keys* in *node*, aliases resolved, or None; no merge keys."""
    for key in keys:
        mapping = resolve(node)
        node = mapping.get(key) if isinstance(mapping, MappingNode) else None
    return resolve(node)


def own_entries(node: Node | None) -> list[Entry]:
    """Return the entries written in *node*; [] if it is no mapping."""
    return node.entries if isinstance(node, MappingNode) else []


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
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if isinstance(current, ScalarNode):  # most nodes are scalars scalars
            continue
        if isinstance(current, MappingNode):
            for entry in reversed(current.entries):
                pending += (entry.value, entry.key)
        elif isinstance(current, SequenceNode):
            pending += reversed(current.items)


Path: TypeAlias = tuple[str | int, ...]
"""Mapping keys and sequence indices from the root to a node; aliases and merges not followed."""


def node_at(root: Node, path: Path) -> Node | None:
    """Return the node at *path* below *root*, or None if there is none."""
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
    """Return the entry whose key is the last step of *path*, or None if there is none."""
    parent = node_at(root, path[:-1])
    name = path[-1] if path else None
    return parent.entry(name) if isinstance(parent, MappingNode) and isinstance(name, str) else None


def in_flow(root: Node, path: Path) -> bool:
    """Return whether the node at *path* is inside of ``{}`` or ``[]``."""
    above = (node_at(root, path[:n]) for n in range(len(path)))
    return any(isinstance(node, MappingNode | SequenceNode) and node.flow for node in above)


def paths(root: Node, start: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield (path, node) for *root* and every node below it; aliases are not followed."""
    pending = [(start, root)]
    while pending:
        path, node = pending.pop()
        yield path, node
        child_paths = [((*path, step), child) for step, child in _child_steps(node)]
        pending += reversed(child_paths)


def entry_paths(root: Node) -> dict[int, Path]:
    """Return the path of every entry below *root*, by the ``id()`` of the entry."""
    return {
        id(entry): (*path, entry.name)
        for path, node in paths(root)
        if isinstance(node, MappingNode)
        for entry in node.entries
        if entry.name is not None
    }


def path_of(root: Node, node: Node) -> Path | None:
    """Return the path of *node* below *root*, or None if it is not written below *root*."""
    if root is node:
        return ()
    children: Sequence[Node | Entry] = ()
    if isinstance(root, MappingNode | SequenceNode):
        children = root.entries if isinstance(root, MappingNode) else root.items
    for index in range(bisect_right(children, node.outer_start, key=_start_of_child) - 1, -1, -1):
        child = children[index]
        inner = child.value if isinstance(child, Entry) else child
        if inner.end < node.end:  # only one can contain it, except for empty nodes
            break
        path = path_of(inner, node)
        step = child.name if isinstance(child, Entry) else index
        if path is not None and step is not None:
            return (step, *path)
    return None


def _child_steps(node: Node) -> Iterable[tuple[str | int, Node]]:
    """Return (step, child) for the nodes directly below *node*."""
    if isinstance(node, MappingNode):
        return [(e.name, e.value) for e in node.entries if e.name is not None]
    return enumerate(node.items) if isinstance(node, SequenceNode) else ()


def format_path(path: Path) -> str:
    """Return *path* as text for messages, such as ``services.api.ports[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
