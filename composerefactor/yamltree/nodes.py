"""YAML nodes that know where they stand in the text.

All offsets count characters of :attr:`composerefactor.source.Source.text`. A node has two spans:
``outer_start:end`` with its anchor and tag, and ``start:end`` without. Ends are tight: a block
collection ends where its last child ends, an empty value is empty.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import TypeVar

from msgspec import Struct

from composerefactor.source import Source


class Node(Struct, eq=False):
    """What all nodes share."""

    outer_start: int
    start: int
    end: int
    anchor: str | None = None
    tag: str | None = None


NodeType = TypeVar("NodeType", bound=Node)


class Scalar(Node, eq=False):
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


class Alias(Node, eq=False):
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
        if isinstance(key, Scalar):
            self.name = key.value
            self.is_merge = key.value == "<<" and not key.style
            return
        target = key.target if isinstance(key, Alias) else None
        self.name = target.value if isinstance(target, Scalar) else None

    @property
    def start(self) -> int:
        """Offset of the key."""
        return self.key.outer_start

    @property
    def end(self) -> int:
        """Offset just after the value."""
        return max(self.value.end, self.key.end)


class Mapping(Node, eq=False):
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


class Sequence(Node, eq=False):
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
    interpolated: list[Scalar] = []

    @property
    def root(self) -> Node | None:
        """The root of the first document."""
        return self.documents[0].root if self.documents else None

    def marked_in(self, start: int, end: int) -> list[Node]:
        """Return the aliases and anchored nodes that begin in ``text[start:end]``."""
        return _between(self.marked, start, end)

    def interpolated_in(self, start: int, end: int) -> list[Scalar]:
        """Return the scalars with a ``$`` that begin in ``text[start:end]``."""
        return _between(self.interpolated, start, end)


def _between(nodes: list[NodeType], start: int, end: int) -> list[NodeType]:
    first = bisect_left(nodes, start, key=_begin)
    return nodes[first : bisect_left(nodes, end, lo=first, key=_begin)]


def _begin(node: Node) -> int:
    return node.outer_start


def resolve(node: Node) -> Node:
    """Return what *node* stands for: itself, or the target of an alias."""
    while isinstance(node, Alias) and node.target is not None:
        node = node.target
    return node


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes written directly in *node*, keys before values; aliases are not followed."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            yield entry.key
            yield entry.value
    elif isinstance(node, Sequence):
        yield from node.items


def walk(node: Node) -> Iterator[Node]:
    """Yield *node* and all nodes written below it, in text order; aliases are not followed."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if isinstance(current, Scalar):  # most nodes are
            continue
        if isinstance(current, Mapping):
            for entry in reversed(current.entries):
                stack += (entry.value, entry.key)
        elif isinstance(current, Sequence):
            stack += reversed(current.items)
