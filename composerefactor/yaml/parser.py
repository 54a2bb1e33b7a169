"""Text to tree. This is the only module that uses ruamel.yaml.

The tree is built from parser *events*, because only events keep the position of an alias and the
anchor of a node with both parsers. The pure-Python parser is the reference. The C parser is used if
it is installed, and produces the same trees (tested). Where the two report different positions for
a node, the rules in :mod:`composerefactor.yaml.nodes` decide.

The module has three parts: functions that find positions in the text, :class:`TreeBuilder`, which
turns events into a tree, and :func:`parse`, which chooses the parser and reports errors.
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
"""The white space of YAML. Other space characters, such as the no-break space, are text."""

_PROPERTY = re.compile(r"!<[^>\s]*>|[&!][^ \t\r\n,\[\]{}]*")
_LAST_TAG = re.compile(r"(?:!<[^>\s]*>|![^ \t\r\n,\[\]{}]*)\Z")
_LINE_END = re.compile("[\r\n]")
_DOCUMENT_MARKER = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


def skip_space_and_comments(text: str, at: int) -> int:
    """Return the offset of the next token at or after *at*."""
    while at < len(text):
        if text[at] in WHITE:
            at += 1
        elif text[at] == "#" and (at == 0 or text[at - 1] in WHITE):
            line_end = _LINE_END.search(text, at)
            at = line_end.start() if line_end else len(text)
        else:
            break
    return at


def after_last_token(text: str, start: int, end: int) -> int:
    """Return the offset just after the last token in ``text[start:end]``, or *start*.

    The range must not contain quoted text, so that every ``#`` after white space begins a comment.
    """
    last = at = start
    while (at := skip_space_and_comments(text, at)) < end:
        at += 1
        last = at
    return last


def properties(text: str, at: int, count: int) -> tuple[list[str], int]:
    """Return up to *count* ``&anchor`` and ``!tag`` tokens from *at* on, and their end offset."""
    found: list[str] = []
    end = at
    while len(found) < count and (match := _PROPERTY.match(text, at)):
        found.append(match[0])
        end = match.end()
        at = skip_space_and_comments(text, end)
    return found, end


def tag_before(text: str, start: int, end: int) -> tuple[str, int] | None:
    """Return the ``!tag`` that is the last token in ``text[start:end]``, and its offset."""
    match = _LAST_TAG.search(text, start, after_last_token(text, start, end))
    return (match[0], match.start()) if match else None


def block_scalar_end(text: str, start: int, end: int, value: str) -> int:
    """Return the real end of the block scalar that the parser reports at ``text[start:end]``.

    Blank lines below the scalar belong to it only if ``+`` keeps them, or if they contain text,
    that is, spaces beyond the scalar's indentation.
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
    """Return the offset of the ``---`` of the document that begins at *start*, after directives."""
    match = _DOCUMENT_MARKER.search(text, start)
    return match.start() if match else start


MAX_DEPTH = 200
"""Deeper nesting is an error: no Compose file needs it, and recursion over the tree stays safe."""

MAX_EXPANDED = 1_000_000
"""More nodes than this, with all aliases expanded, are an error.

Docker Compose would run out of time or memory (observed: v5.6.1 does not end within a minute).
"""

_NESTING_REMEDY = "write it with fewer levels"
_EXPANSION_REMEDY = "remove aliases of aliases; no Compose file needs so many"
_COLON_REMEDY = "quote the text, or write a space and a value after the colon"
_ANCHOR_REMEDY = "define the anchor above, in the same file"

_LINE_BREAK = re.compile("[\r\n\x85\u2028\u2029]")

_SURROGATE = re.compile("[\ud800-\udfff]")

_QUOTED = frozenset("'\"")
_BLOCK = frozenset("|>")
_NO_VALUE_BEGINS_WITH = frozenset(f"{WHITE}#")
"""If a parser reports a value at one of these, the value begins further on."""


class TreeBuilder:
    """Builds the tree from the events of one parse; *duplicates* allows repeated keys."""

    def __init__(self, source: Source, *, duplicates: bool = False) -> None:
        self.duplicates = duplicates
        self.source = source
        self.text = source.text
        self.anchors: dict[str, Node] = {}
        self.marked: list[Node] = []
        self.interpolated: list[ScalarNode] = []
        self.documents: list[Document] = []
        self.open: list[tuple[MappingNode | SequenceNode, list[Node]]] = []
        self.last = 0  # just after the last token of an event
        self.sizes: dict[int, int] = {}  # expanded sizes of alias targets, by id()
        self.expanded = 0

    def build(self, events: Iterator[Any]) -> Tree:
        """Return the tree of *events*.

        Anchors stay known in later documents (a quirk of Docker Compose; observed: v2.40.3,
        v5.6.1).
        """
        for event in events:
            kind = type(event).__name__
            if kind == "ScalarEvent":  # first, because most events are scalars
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
        """Begin a document, at its ``---`` if it has one."""
        start = event.start_mark.index
        if event.explicit:
            start = document_start(self.text, start)
        self.documents.append(Document(None, start, start))

    def place(self, node: Node) -> None:
        """Add the finished *node* to the innermost open collection, or to the document."""
        if self.open:
            self.open[-1][1].append(node)
        elif not (
            isinstance(node, ScalarNode) and node.is_empty and not node.anchor and not node.tag
        ):
            self.documents[-1].root = node

    def properties(self, event: Any) -> tuple[int, str | None, int]:
        """Return (start of the anchor or tag, tag as written, end of both) of *event*.

        Start and end are the start of the event if it has neither. Raises InputError for names
        that Docker Compose rejects, or that the parsers read differently.
        """
        at = event.start_mark.index
        tag: str | None = None
        if event.anchor is None and event.tag is None:
            return at, tag, at
        outer = at
        before = tag_before(self.text, self.last, at) if event.tag is not None else None
        if before is not None:  # the pure parser reports ``!tag &anchor`` at the anchor
            tag, outer = before
        count = (event.anchor is not None) + (event.tag is not None and before is None)
        tokens, end = properties(self.text, at, count)
        for token in tokens:
            if token.startswith("&") and ":" in token:
                raise self.error(f"not YAML: {token} has a ':' in its name", at)
            if token.startswith("!"):
                tag = token
        if tokens[-1:] == [tag] and self.text[end : end + 1] in {",", "[", "]", "{", "}"}:
            raise self.error(f"not YAML: {tag} and {self.text[end]!r} without a space between", at)
        self.last = end
        return outer, tag, end

    def bare_scalar(self, event: Any) -> ScalarNode | None:
        """Return the same as :meth:`scalar`, but faster; None for less common scalars.

        Those have a value but no anchor and no tag, and are not block scalars.
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
            if value[-1] == ":" and self.open and self.open[-1][0].flow:
                value, end = value[:-1], self.end_of_flow_key(end)
        self.last = max(self.last, end)
        return ScalarNode(start, start, end, None, None, value, style)

    def scalar(self, event: Any) -> ScalarNode:
        """Return the node of a scalar event; an empty value is just after its ``:`` or ``-``."""
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
                raise self.error("not YAML: an escape is only half of a character", start)
            elif not style and not _LINE_BREAK.search(self.text, start, end):
                value = self.text[start:end]  # the pure parser may have read spaces instead of tabs
                if value.endswith(":") and self.open and self.open[-1][0].flow:
                    value, end = value[:-1], self.end_of_flow_key(end)
        self.last = max(self.last, event.end_mark.index if style else end)
        return self.record_anchor(
            ScalarNode(outer, start, end, event.anchor, tag, value=value, style=style)
        )

    def end_of_flow_key(self, end: int) -> int:
        """Return the end of a plain text in a flow collection that a parser ends with its ``:``.

        In ``{a:}`` and ``{a:, b: 1}`` both parsers read a key "a:", and Docker Compose a key "a"
        (observed: v5.6.1). Raises InputError where no key is: ``[a:]`` is a list of a mapping.
        """
        around, parts = self.open[-1]
        if isinstance(around, MappingNode) and len(parts) % 2 == 0:
            return end - 1
        raise self.error("not YAML: a colon ends this text", end - 1, _COLON_REMEDY)

    def empty_place(self, marked: int) -> int:
        """Return the offset after the ``:`` or ``-`` of the empty value at *marked*."""
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
        """Return the node of an alias event; its target is the last such anchor above it."""
        start, self.last = event.start_mark.index, event.end_mark.index
        target = self.anchors.get(event.anchor)
        if target is None:
            problem = f"not YAML: there is no anchor &{event.anchor} above this alias"
            raise self.error(problem, start, _ANCHOR_REMEDY)
        self.expanded += self.size(target)
        if self.expanded > MAX_EXPANDED:
            problem = f"aliases expand to more than {MAX_EXPANDED:,} values here"
            raise self.error(problem, start, _EXPANSION_REMEDY)
        alias = AliasNode(start, start, self.last, name=event.anchor, target=target)
        self.marked.append(alias)
        return alias

    def size(self, node: Node) -> int:
        """Return how many nodes *node* contains with aliases expanded; their sizes are known."""
        if id(node) not in self.sizes:
            self.sizes[id(node)] = sum(
                self.sizes.get(id(part.target), 1) if isinstance(part, AliasNode) else 1
                for part in walk(node)
            )
        return self.sizes[id(node)]

    def open_collection(self, event: Any, make: type[MappingNode | SequenceNode]) -> None:
        """Begin a collection; the nodes that follow are added to it until it is closed."""
        outer, tag, start = self.properties(event)
        start = skip_space_and_comments(self.text, start)
        flow = bool(event.flow_style)
        self.last = max(self.last, start + flow)
        node = self.record_anchor(make(outer, start, start, event.anchor, tag, flow=flow))
        self.open.append((node, []))
        if len(self.open) > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH} levels", start, _NESTING_REMEDY)

    def close_collection(self, event: Any) -> MappingNode | SequenceNode:
        """Close and return the innermost open collection, with its children and its end.

        A block collection ends where its last child ends.
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
        """Raise InputError if *node* contains a key twice, which Docker Compose rejects too."""
        if len({entry.name for entry in node.entries}) == len(node.entries):
            return
        seen: dict[str, int] = {}
        for entry in node.entries:
            name = entry.name
            if name is None:
                continue
            if name in seen and not self.duplicates:
                line = self.source.line_number(seen[name])
                remedy = "use <<: [*a, *b]" if name == "<<" else "remove one of the two"
                problem = f"key {name!r} is written twice, first at line {line}"
                raise self.error(problem, entry.start, remedy)
            seen.setdefault(name, entry.start)

    def record_anchor(self, node: NodeType) -> NodeType:
        """Record *node* under its anchor, if it has one, and return it."""
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
"""Line breaks of YAML 1.1, at which the C parser and Docker Compose still break lines."""

_END_OF_TEXT = ("'<stream end>'", "the end of the file")

_OLD_LINE_BREAK_REMEDY = "remove the invisible character"

_FORBIDDEN = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Compiled on use: compiling takes longer than the rest of this module, and is rarely needed."""

_BEYOND_UNICODE = r"\\U(?!0010|000)"

_TOO_STRICT_IN_C = ("did not find expected alphabetic or numeric character", "unexpected ':'")
"""Errors of the C parser for ``&a.b``, ``&a/b`` and ``{a:b}``, which Docker Compose accepts."""


def has_c_parser() -> bool:
    """Return whether ruamel.yaml's C parser is installed."""
    try:
        import _ruamel_yaml  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def parse(source: Source, *, pure: bool | None = None, duplicates: bool = False) -> Tree:
    """Parse *source*.

    *pure* selects the parser: True for the Python parser, False for the C parser, None for the C
    parser if it is installed. Text that the C parser is known to misread always goes to the Python
    parser. If *duplicates* is True, every entry of a repeated key is kept, so that such a text can
    be shown and fixed.

    Raises InputError with the line for text that is not YAML, for a key written twice in one
    mapping, for an unknown alias, for nesting deeper than :data:`MAX_DEPTH`, and for aliases that
    expand to more than :data:`MAX_EXPANDED` nodes.
    """
    if pure is None:
        pure = not has_c_parser()
    read = _parse_pure if pure or _is_misread_by_c(source.text) else _parse_c
    tree = read(source, duplicates=duplicates)
    _check_line_breaks(tree)
    return tree


def _is_misread_by_c(text: str) -> bool:
    """Return whether *text* has characters that the C parser does not count, or breaks lines at."""
    return not text.isascii() and ("\ufeff" in text or bool(_OLD_LINE_BREAK.search(text)))


def _parse_c(source: Source, *, duplicates: bool) -> Tree:
    try:
        return _build(source, source.text, pure=False, duplicates=duplicates)
    except MarkedYAMLError as error:
        if any(problem in str(error.problem) for problem in _TOO_STRICT_IN_C):
            return _parse_pure(source, duplicates=duplicates)
        raise _syntax_error(source, error) from None
    except YAMLError as error:
        raise _forbidden_character_error(source, error) from None


def _parse_pure(source: Source, *, duplicates: bool) -> Tree:
    text = source.text
    while True:
        try:
            return _build(source, text, pure=True, duplicates=duplicates)
        except MarkedYAMLError as error:
            spaced = _space_for_tab(text, _error_offset(error, text))
            if spaced is None:
                raise _syntax_error(source, error) from None
            text = spaced
        except YAMLError as error:
            raise _forbidden_character_error(source, error) from None
        except ValueError:  # from chr(), for "\U00110000"
            at = re.search(_BEYOND_UNICODE, text)
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
    """Raise InputError for a YAML 1.1 line break outside of quotes.

    Only Docker Compose begins a new line there, so ``# comment<U+2028>image: x`` is a comment for
    one reader and a key for another.
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
                f"not YAML: {_old_line_break_problem(match)}",
                location=source.location(at),
                remedy=_OLD_LINE_BREAK_REMEDY,
                source_line=source.line(at),
            )


def _old_line_break_problem(match: re.Match[str]) -> str:
    return f"U+{ord(match[0]):04X} is an invisible line break for Docker Compose"


def _space_for_tab(text: str, at: int) -> str | None:
    """Return *text* with the separating tab at *at* replaced by a space; None if there is none.

    Tabs between tokens are valid YAML. Docker Compose and the C parser accept them, but the pure
    parser does not. A tab that indents a line is an error everywhere.
    """
    if at >= len(text) or text[at] != "\t":
        return None
    if not text[text.rfind("\n", 0, at) + 1 : at].strip(WHITE):
        return None
    return f"{text[:at]} {text[at + 1 :]}"


def _error_offset(error: MarkedYAMLError, text: str) -> int:
    mark = error.problem_mark or error.context_mark
    return min(getattr(mark, "index", 0), len(text))


def _syntax_error(source: Source, error: MarkedYAMLError) -> InputError:
    at = _error_offset(error, source.text)
    line = source.line(at)
    problem = (error.problem or error.context or "unreadable").replace(*_END_OF_TEXT)
    remedy = "correct the text here or directly above"
    if "\t" in line[: len(line) - len(line.lstrip(WHITE))]:
        problem, remedy = "this line is indented with a tab", "indent with spaces"
    elif match := _OLD_LINE_BREAK.search(line):
        problem, remedy = _old_line_break_problem(match), _OLD_LINE_BREAK_REMEDY
    elif "<block end>" in problem:
        problem = "the indentation of this line does not match the lines above"
    return InputError(
        f"not YAML: {problem}", location=source.location(at), remedy=remedy, source_line=line
    )


def _forbidden_character_error(source: Source, error: YAMLError) -> InputError:
    """Return the error for a text with characters that YAML does not allow."""
    match = re.search(_FORBIDDEN, source.text)
    at = match.start() if match else 0
    problem = f"U+{ord(match[0]):04X} is not allowed" if match else str(error).partition("\n")[0]
    return InputError(f"not YAML: {problem}", location=source.location(at))
