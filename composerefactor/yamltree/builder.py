"""Parser events to tree.

Where the two parsers mark a node differently, the rules in :mod:`composerefactor.yamltree.nodes`
decide; :mod:`composerefactor.yamltree.marks` has the means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from composerefactor.errors import InputError
from composerefactor.patterns import regex
from composerefactor.source import Source
from composerefactor.yamltree.marks import (
    WHITE,
    after_last_token,
    block_scalar_end,
    document_start,
    properties,
    skip_space_and_comments,
    tag_before,
)
from composerefactor.yamltree.nodes import (
    Alias,
    Document,
    Entry,
    Mapping,
    Node,
    NodeType,
    Scalar,
    Sequence,
    Tree,
    walk,
)

MAX_DEPTH = 200
"""Deeper nesting is refused: no Compose file needs it, and recursion over the tree stays safe."""

MAX_EXPANDED = 1_000_000
"""More nodes than this, counted once for each alias that stands for them, are refused.

The engine would run out of time or memory (observed: v5.6.1 does not end within a minute).
"""

_NESTING_REMEDY = "write it with fewer levels"
_EXPANSION_REMEDY = "remove aliases of aliases; no Compose file needs so many"
_ANCHOR_REMEDY = "anchors are known only in the file, and below the place, where they are written"

_LINE_BREAK = regex("[\r\n\x85\u2028\u2029]")

_SURROGATE = regex("[\ud800-\udfff]")

_QUOTED = frozenset("'\"")
_BLOCK = frozenset("|>")
_NO_VALUE_BEGINS_WITH = frozenset(f"{WHITE}#")
"""Where a parser marks one of these, the value begins further on."""


class TreeBuilder:
    """Puts the events of one parse together; *duplicates* allows for a key that stands twice."""

    def __init__(self, source: Source, *, duplicates: bool = False) -> None:
        self.duplicates = duplicates
        self.source = source
        self.text = source.text
        self.anchors: dict[str, Node] = {}
        self.marked: list[Node] = []
        self.interpolated: list[Scalar] = []
        self.documents: list[Document] = []
        self.open: list[tuple[Mapping | Sequence, list[Node]]] = []
        self.last = 0  # just after the last token that an event stood for
        self.sizes: dict[int, int] = {}  # of what aliases stand for, expanded, by id()
        self.expanded = 0

    def build(self, events: Iterator[Any]) -> Tree:
        """Return the tree of *events*.

        Anchors stay known in later documents (an engine quirk; observed: v2.40.3, v5.6.1).
        """
        for event in events:
            kind = type(event).__name__
            if kind == "ScalarEvent":  # the first of these, since most are
                scalar = self.bare_scalar(event) or self.scalar(event)
                if "$" in scalar.value:
                    self.interpolated.append(scalar)
                self.place(scalar)
            elif kind == "MappingStartEvent":
                self.open_collection(event, Mapping)
            elif kind == "SequenceStartEvent":
                self.open_collection(event, Sequence)
            elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
                self.place(self.close_collection(event))
            elif kind == "AliasEvent":
                self.place(self.alias(event))
            elif kind == "DocumentStartEvent":
                self.open_document(event)
            elif kind == "DocumentEndEvent":
                self.documents[-1].end = event.end_mark.index
        return Tree(self.source, self.documents, self.marked, self.interpolated)

    def open_document(self, event: Any) -> None:
        """Begin a document, at its ``---`` where it has one."""
        start = event.start_mark.index
        if event.explicit:
            start = document_start(self.text, start)
        self.documents.append(Document(None, start, start))

    def place(self, node: Node) -> None:
        """Put the finished *node* into the collection around it, or into the document."""
        if self.open:
            self.open[-1][1].append(node)
        elif not (isinstance(node, Scalar) and node.is_empty and not node.anchor and not node.tag):
            self.documents[-1].root = node

    def properties(self, event: Any) -> tuple[int, str | None, int]:
        """Return where *event*'s anchor or tag begins, its tag as written, and where both end.

        The last is the beginning of the event where it has neither. Raises InputError for names
        that the parsers take and the engine does not.
        """
        at = event.start_mark.index
        tag: str | None = None
        if event.anchor is None and event.tag is None:
            return at, tag, at
        if ":" in (event.anchor or ""):
            raise self.error(f"not YAML: &{event.anchor} has a ':' in its name", at)
        outer = at
        before = tag_before(self.text, self.last, at) if event.tag is not None else None
        if before is not None:  # the pure parser marks ``!tag &anchor`` at the anchor
            tag, outer = before
        wanted = (event.anchor is not None) + (event.tag is not None and before is None)
        words, end = properties(self.text, at, wanted)
        for word in words:
            if word.startswith("!"):
                tag = word
        if words[-1:] == [tag] and self.text[end : end + 1] in {",", "[", "]", "{", "}"}:
            raise self.error(f"not YAML: {tag} and {self.text[end]!r} without a space between", at)
        self.last = end
        return outer, tag, end

    def bare_scalar(self, event: Any) -> Scalar | None:
        """Return what :meth:`scalar` does for most events, in less time; None for the others.

        Most have a value, no anchor, no tag, and are no block scalar.
        """
        value, style, text = event.value, event.style, self.text
        if event.anchor is not None or event.tag is not None or not value or style in _BLOCK:
            return None
        start, end = event.start_mark.index, event.end_mark.index
        if text[start] in _NO_VALUE_BEGINS_WITH or (style == '"' and _SURROGATE.search(value)):
            return None
        if style not in _QUOTED:
            style = ""
            written = text[start:end]
            if written != value and not _LINE_BREAK.search(written):
                value = written
        self.last = max(self.last, end)
        return Scalar(start, start, end, None, None, value, style)

    def scalar(self, event: Any) -> Scalar:
        """Return the node of a scalar event; an empty value ends just after what introduces it."""
        value = event.value
        style = event.style if event.style in _QUOTED | _BLOCK else ""
        is_empty = not style and not value
        outer, tag, start = self.properties(event)
        if is_empty and start == outer:
            outer = start = end = self.empty_place(outer)
        elif is_empty:
            end = start
        else:
            start, end = skip_space_and_comments(self.text, start), event.end_mark.index
            if style in _BLOCK:
                end = block_scalar_end(self.text, start, end, value)
            elif style == '"' and _SURROGATE.search(value):
                raise self.error("an escape stands for half a character", start)
            elif not style and not _LINE_BREAK.search(self.text, start, end):
                value = self.text[start:end]  # the pure parser may have been given spaces for tabs
        self.last = max(self.last, event.end_mark.index if style else end)
        return self.named(Scalar(outer, start, end, event.anchor, tag, value=value, style=style))

    def empty_place(self, marked: int) -> int:
        """Return the offset just after what introduces the empty value marked at *marked*."""
        introduced_by = ""
        if self.open:
            around, parts = self.open[-1]
            if isinstance(around, Mapping):
                introduced_by = ":" if len(parts) % 2 else ""
            elif not around.flow:
                introduced_by = "-"
        if not introduced_by:
            return after_last_token(self.text, self.last, marked)
        at = skip_space_and_comments(self.text, self.last)
        return at + 1 if self.text.startswith(introduced_by, at) else self.last

    def alias(self, event: Any) -> Alias:
        """Return the node of an alias event, with what its name stands for at this place."""
        start, self.last = event.start_mark.index, event.end_mark.index
        target = self.anchors.get(event.anchor)
        if target is None:
            problem = f"not YAML: nothing above is named &{event.anchor}"
            raise self.error(problem, start, _ANCHOR_REMEDY)
        self.expanded += self.size(target)
        if self.expanded > MAX_EXPANDED:
            problem = f"aliases stand for more than {MAX_EXPANDED:,} values here"
            raise self.error(problem, start, _EXPANSION_REMEDY)
        alias = Alias(start, start, self.last, name=event.anchor, target=target)
        self.marked.append(alias)
        return alias

    def size(self, node: Node) -> int:
        """Return how many nodes *node* stands for; those in it that aliases name are known."""
        if id(node) not in self.sizes:
            self.sizes[id(node)] = sum(
                self.sizes.get(id(part.target), 1) if isinstance(part, Alias) else 1
                for part in walk(node)
            )
        return self.sizes[id(node)]

    def open_collection(self, event: Any, make: type[Mapping | Sequence]) -> None:
        """Begin a collection; what comes is put into it until it is closed."""
        outer, tag, start = self.properties(event)
        start = skip_space_and_comments(self.text, start)
        flow = bool(event.flow_style)
        self.last = max(self.last, start + flow)
        node = self.named(make(outer, start, start, event.anchor, tag, flow=flow))
        self.open.append((node, []))
        if len(self.open) > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH} levels", start, _NESTING_REMEDY)

    def close_collection(self, event: Any) -> Mapping | Sequence:
        """Return the innermost open collection with its parts and its end.

        A block collection ends where its last part does.
        """
        node, parts = self.open.pop()
        if isinstance(node, Mapping):
            node.entries = [Entry(k, v) for k, v in zip(parts[::2], parts[1::2], strict=True)]
            self.check_keys(node)
        else:
            node.items = parts
        if node.flow:
            node.end = self.last = event.end_mark.index
        else:
            node.end = max([part.end for part in parts], default=node.start)
        return node

    def check_keys(self, node: Mapping) -> None:
        """Raise InputError for a key that *node* has twice, as the engine does."""
        if len({entry.name for entry in node.entries}) == len(node.entries):
            return
        seen: dict[str, int] = {}
        for entry in node.entries:
            name = entry.name
            if name is None:
                continue
            if name in seen and not self.duplicates:
                line = self.source.line_number(seen[name])
                remedy = "use <<: [*a, *b]" if name == "<<" else "keep one of the two"
                problem = f"key {name!r} is written twice, first at line {line}"
                raise self.error(problem, entry.start, remedy)
            seen.setdefault(name, entry.start)

    def named(self, node: NodeType) -> NodeType:
        """Remember *node* by its anchor, if it has one, and return it."""
        if node.anchor is not None:
            self.anchors[node.anchor] = node
            self.marked.append(node)
        return node

    def error(self, problem: str, at: int, remedy: str = "") -> InputError:
        """Return the error for *problem* at offset *at*."""
        source = self.source
        location, line = source.location(at), source.line(at)
        return InputError(problem, location=location, remedy=remedy, source_line=line)
