"""Text to tree: the only module that talks to ruamel.yaml.

The tree is made from parser *events*, since they alone keep the place of an alias and the anchor
of a node with both parsers. The pure-Python parser is the reference; the C parser is used where it
is installed and gives the same trees (tested). Where the two mark a node differently, the rules in
:mod:`composerefactor.yamltree.nodes` decide.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from composerefactor.errors import InputError
from composerefactor.patterns import regex
from composerefactor.source import Source
from composerefactor.yamltree.builder import MAX_DEPTH, TreeBuilder
from composerefactor.yamltree.marks import WHITE
from composerefactor.yamltree.nodes import Scalar, Tree, walk

__all__ = ["MAX_DEPTH", "has_c_parser", "parse"]

_OLD_LINE_BREAK = regex("[\x85\u2028\u2029]")
"""Line breaks of YAML 1.1, which the C parser and the engine still take for such."""

_OLD_LINE_BREAK_REMEDY = "remove this invisible character"

_FORBIDDEN = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Not compiled here: that takes longer than the rest of this module, and few texts need it."""

_BEYOND_UNICODE = regex(r"\\U(?!0010|000)")

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
    quoted = [n for n in nodes if isinstance(n, Scalar) and n.style in {"'", '"'}]
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
