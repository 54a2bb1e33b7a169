"""Text to tree: the only module that talks to ruamel.yaml.

The tree is made from parser *events*, since they alone keep the place of an alias and the anchor
of a node with both parsers. The pure-Python parser is the reference; the C parser is used where it
is installed and gives the same trees (tested). Where the two mark a node differently, the rules in
:mod:`composerefactor.yaml.nodes` decide.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from composerefactor.errors import InputError
from composerefactor.yaml.nodes import (
    AliasNode,
    Document,
    Entry,
    MappingNode,
    Node,
    NodeType,
    ScalarNode,
    SequenceNode,
    Tree,
    walk,
)
from composerefactor.yaml.source import Source

WHITE = " \t\r\n"
"""YAML's white space; a no-break space, for one, is text."""

_PROPERTY = re.compile(r"!<[^>\s]*>|[&!][^ \t\r\n,\[\]{}]*")
_LAST_TAG = re.compile(r"(?:!<[^>\s]*>|![^ \t\r\n,\[\]{}]*)\Z")
_DOCUMENT_MARKER = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


def skip_space_and_comments(text: str, at: int) -> int:
    """Return the offset of the next token at or after *at*."""
    while at < len(text):
        if text[at] in WHITE:
            at += 1
        elif text[at] == "#" and (at == 0 or text[at - 1] in WHITE):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        else:
            break
    return at


def after_last_token(text: str, start: int, end: int) -> int:
    """Return the offset just after the last token in ``text[start:end]``, or *start*.

    No quoted text may stand there, so that every ``#`` after white space begins a comment.
    """
    last = at = start
    while (at := skip_space_and_comments(text, at)) < end:
        at += 1
        last = at
    return last


def properties(text: str, at: int, wanted: int) -> tuple[list[str], int]:
    """Return up to *wanted* ``&anchor`` and ``!tag`` words from *at* on, and where they end."""
    found: list[str] = []
    end = at
    while len(found) < wanted and (match := _PROPERTY.match(text, at)):
        found.append(match[0])
        end = match.end()
        at = skip_space_and_comments(text, end)
    return found, end


def tag_before(text: str, start: int, end: int) -> tuple[str, int] | None:
    """Return the ``!tag`` that is the last token in ``text[start:end]``, and its offset."""
    match = _LAST_TAG.search(text, start, after_last_token(text, start, end))
    return (match[0], match.start()) if match else None


def block_scalar_end(text: str, start: int, end: int, value: str) -> int:
    """Return where the block scalar ``text[start:end]``, as a parser marks it, really ends.

    Blank lines below it are its own only where ``+`` keeps them, or where they hold text: spaces
    beyond its indentation.
    """
    line_end = text.find("\n", start)
    header = text[start : line_end if line_end >= 0 else len(text)].split("#", 1)[0]
    last = value.rstrip("\n").rpartition("\n")[2]
    if "+" in header or (last and not last.strip(" \t")):
        return max(end, start)
    if not value:
        return start + len(header.rstrip(WHITE))
    return start + len(text[start:end].rstrip(WHITE))


def document_start(text: str, start: int) -> int:
    """Return the offset of the ``---`` of a document that *start* or its directives begin."""
    match = _DOCUMENT_MARKER.search(text, start)
    return match.start() if match else start


MAX_DEPTH = 200
"""Deeper nesting is refused: no Compose file needs it, and recursion over the tree stays safe."""

MAX_EXPANDED = 1_000_000
"""More nodes than this, counted once for each alias that stands for them, are refused.

The engine would run out of time or memory (observed: v5.6.1 does not end within a minute).
"""

_NESTING_REMEDY = "write it with fewer levels"
_EXPANSION_REMEDY = "remove aliases of aliases; no Compose file needs so many"
_ANCHOR_REMEDY = "anchors are known only in the file, and below the place, where they are written"

_LINE_BREAK = re.compile("[\r\n\x85\u2028\u2029]")

_SURROGATE = re.compile("[\ud800-\udfff]")

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
        self.interpolated: list[ScalarNode] = []
        self.documents: list[Document] = []
        self.open: list[tuple[MappingNode | SequenceNode, list[Node]]] = []
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
                self.open_collection(event, MappingNode)
            elif kind == "SequenceStartEvent":
                self.open_collection(event, SequenceNode)
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
        elif not (
            isinstance(node, ScalarNode) and node.is_empty and not node.anchor and not node.tag
        ):
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

    def bare_scalar(self, event: Any) -> ScalarNode | None:
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
        return ScalarNode(start, start, end, None, None, value, style)

    def scalar(self, event: Any) -> ScalarNode:
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
        return self.named(
            ScalarNode(outer, start, end, event.anchor, tag, value=value, style=style)
        )

    def empty_place(self, marked: int) -> int:
        """Return the offset just after what introduces the empty value marked at *marked*."""
        introduced_by = ""
        if self.open:
            around, parts = self.open[-1]
            if isinstance(around, MappingNode):
                introduced_by = ":" if len(parts) % 2 else ""
            elif not around.flow:
                introduced_by = "-"
        if not introduced_by:
            return after_last_token(self.text, self.last, marked)
        at = skip_space_and_comments(self.text, self.last)
        return at + 1 if self.text.startswith(introduced_by, at) else self.last

    def alias(self, event: Any) -> AliasNode:
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
        alias = AliasNode(start, start, self.last, name=event.anchor, target=target)
        self.marked.append(alias)
        return alias

    def size(self, node: Node) -> int:
        """Return how many nodes *node* stands for; those in it that aliases name are known."""
        if id(node) not in self.sizes:
            self.sizes[id(node)] = sum(
                self.sizes.get(id(part.target), 1) if isinstance(part, AliasNode) else 1
                for part in walk(node)
            )
        return self.sizes[id(node)]

    def open_collection(self, event: Any, make: type[MappingNode | SequenceNode]) -> None:
        """Begin a collection; what comes is put into it until it is closed."""
        outer, tag, start = self.properties(event)
        start = skip_space_and_comments(self.text, start)
        flow = bool(event.flow_style)
        self.last = max(self.last, start + flow)
        node = self.named(make(outer, start, start, event.anchor, tag, flow=flow))
        self.open.append((node, []))
        if len(self.open) > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH} levels", start, _NESTING_REMEDY)

    def close_collection(self, event: Any) -> MappingNode | SequenceNode:
        """Return the innermost open collection with its parts and its end.

        A block collection ends where its last part does.
        """
        node, parts = self.open.pop()
        if isinstance(node, MappingNode):
            node.entries = [Entry(k, v) for k, v in zip(parts[::2], parts[1::2], strict=True)]
            self.check_keys(node)
        else:
            node.items = parts
        if node.flow:
            node.end = self.last = event.end_mark.index
        else:
            node.end = max([part.end for part in parts], default=node.start)
        return node

    def check_keys(self, node: MappingNode) -> None:
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


__all__ = ["MAX_DEPTH", "has_c_parser", "parse"]

_OLD_LINE_BREAK = re.compile("[\x85\u2028\u2029]")
"""Line breaks of YAML 1.1, which the C parser and the engine still take for such."""

_OLD_LINE_BREAK_REMEDY = "remove this invisible character"

_FORBIDDEN = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Not compiled here: that takes longer than the rest of this module, and few texts need it."""

_BEYOND_UNICODE = re.compile(r"\\U(?!0010|000)")

_TOO_STRICT_IN_C = ("did not find expected alphabetic or numeric character", "unexpected ':'")
"""What the C parser says of ``&a.b``, ``&a/b`` and ``{a:b}``, which the engine accepts."""


def has_c_parser() -> bool:
    """Return whether ruamel.yaml's C parser is installed."""
    try:
        import _ruamel_yaml  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def parse(source: Source, *, pure: bool | None = None, duplicates: bool = False) -> Tree:
    """Parse *source*.

    *pure* chooses the parser: True the Python one, False the C one, None the C one where it is
    installed. What C reads in another way than the reference is read by the reference.
    *duplicates* True keeps every entry of a key that is written more than once: such a text can be
    shown and mended, and means nothing.

    Raises InputError with the line for text that is not YAML, for a key written twice in one
    mapping, for an unknown alias, for nesting deeper than :data:`MAX_DEPTH`, and for aliases that
    stand for too much.
    """
    if pure is None:
        pure = not has_c_parser()
    read = _parse_pure if pure or _is_misread_by_c(source.text) else _parse_c
    tree = read(source, duplicates=duplicates)
    _check_line_breaks(tree)
    return tree


def _is_misread_by_c(text: str) -> bool:
    """Return whether *text* has what the C parser leaves out of its count, or breaks lines at."""
    return not text.isascii() and ("\ufeff" in text or bool(_OLD_LINE_BREAK.search(text)))


def _parse_c(source: Source, *, duplicates: bool) -> Tree:
    try:
        return _build(source, source.text, pure=False, duplicates=duplicates)
    except MarkedYAMLError as error:
        if any(words in str(error.problem) for words in _TOO_STRICT_IN_C):
            return _parse_pure(source, duplicates=duplicates)
        raise _syntax_error(source, error) from None
    except YAMLError as error:
        raise _unreadable(source, error) from None


def _parse_pure(source: Source, *, duplicates: bool) -> Tree:
    text = source.text
    while True:
        try:
            return _build(source, text, pure=True, duplicates=duplicates)
        except MarkedYAMLError as error:
            spaced = _space_for_tab(text, _place(error, text))
            if spaced is None:
                raise _syntax_error(source, error) from None
            text = spaced
        except YAMLError as error:
            raise _unreadable(source, error) from None
        except ValueError:  # from chr(), for "\U00110000"
            at = _BEYOND_UNICODE.search(text)
            where = source.location(at.start() if at else 0)
            raise InputError("not YAML: an escape beyond U+10FFFF", location=where) from None


def _build(source: Source, text: str, *, pure: bool, duplicates: bool) -> Tree:
    return TreeBuilder(source, duplicates=duplicates).build(_events(text, pure=pure))


def _events(text: str, *, pure: bool) -> Iterator[Any]:
    if pure:
        return YAML(typ="safe", pure=True).parse(text)  # type: ignore[no-any-return]
    from _ruamel_yaml import CParser  # noqa: PLC0415 - may not be installed

    return iter(CParser(text).get_event, None)


def _check_line_breaks(tree: Tree) -> None:
    """Refuse a line break of YAML 1.1 outside of quotes: only the engine sees a line after it.

    So ``# comment<U+2028>image: x`` is a comment for one reader and a key for another.
    """
    source = tree.source
    if source.text.isascii():
        return
    matches = list(_OLD_LINE_BREAK.finditer(source.text))
    if not matches:
        return
    roots = [document.root for document in tree.documents if document.root is not None]
    nodes = (node for root in roots for node in walk(root))
    quoted = [n for n in nodes if isinstance(n, ScalarNode) and n.style in {"'", '"'}]
    starts = [node.start for node in quoted]
    for match in matches:
        at = match.start()
        i = bisect.bisect(starts, at) - 1
        if i < 0 or at >= quoted[i].end:
            raise InputError(
                f"not YAML: {_old_line_break(match)}",
                location=source.location(at),
                remedy=_OLD_LINE_BREAK_REMEDY,
                source_line=source.line(at),
            )


def _old_line_break(match: re.Match[str]) -> str:
    return f"U+{ord(match[0]):04X} ends a line for the engine, but not for people"


def _space_for_tab(text: str, at: int) -> str | None:
    """Return *text* with the separating tab at *at* as a space, or None where there is none.

    Tabs between tokens are YAML, and the engine and the C parser take them; the
    pure parser does not. A tab that indents is an error everywhere.
    """
    if at >= len(text) or text[at] != "\t":
        return None
    if not text[text.rfind("\n", 0, at) + 1 : at].strip(WHITE):
        return None
    return f"{text[:at]} {text[at + 1 :]}"


def _place(error: MarkedYAMLError, text: str) -> int:
    mark = error.problem_mark or error.context_mark
    return min(getattr(mark, "index", 0), len(text))


def _syntax_error(source: Source, error: MarkedYAMLError) -> InputError:
    at = _place(error, source.text)
    line = source.line(at)
    problem = error.problem or error.context or "unreadable"
    remedy = "correct the text here or just above"
    if "\t" in line[: len(line) - len(line.lstrip(WHITE))]:
        problem, remedy = "a tab indents this line", "indent with spaces"
    elif match := _OLD_LINE_BREAK.search(line):
        problem, remedy = _old_line_break(match), _OLD_LINE_BREAK_REMEDY
    return InputError(
        f"not YAML: {problem}", location=source.location(at), remedy=remedy, source_line=line
    )


def _unreadable(source: Source, error: YAMLError) -> InputError:
    """Return the error for a text that holds characters which YAML does not allow."""
    match = re.search(_FORBIDDEN, source.text)
    at = match.start() if match else 0
    problem = f"U+{ord(match[0]):04X} is not allowed" if match else str(error).partition("\n")[0]
    return InputError(f"not YAML: {problem}", location=source.location(at))
