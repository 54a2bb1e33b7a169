"""Lines of a terminal: as wide as it is, and as many as it shows at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from composerefactor.patterns import regex
from composerefactor.report.rows import LABEL

_ESCAPE = r"\x1b\[[\d;]*m"
_TOKENS = regex(rf"{_ESCAPE}|\s+|(?:(?!{_ESCAPE})\S)+")
_LABELLED = regex(rf"(?:{_ESCAPE})?[A-Z].{{{LABEL - 1}}}(?:{_ESCAPE})?\S")
_MOST_INDENT = 24


def wrapped(line: str, columns: int) -> list[str]:
    """Return *line* cut between words into lines of *columns*; those after the first are indented.

    Escape sequences take no room. A word that is longer than a line is cut anywhere.
    """
    if width(line) <= columns:
        return [line]
    plain = re.sub(_ESCAPE, "", line)
    text = f" {plain[1:]}" if plain[:1] in {"+", "-"} else plain
    indent = len(text) - len(text.lstrip())
    indent = min(LABEL if _LABELLED.match(line) else indent, _MOST_INDENT, columns // 2)
    return list(_cut(_TOKENS.findall(line), columns, indent))


def _cut(tokens: Sequence[str], columns: int, indent: int) -> Iterator[str]:
    line, used = "", 0
    for token in tokens:
        rest = token
        room = width(rest)
        if room and used + room > columns and used > indent:
            yield line.rstrip()
            line, used = " " * indent, indent
            if rest.isspace():
                continue
        while width(rest) > columns - used:
            yield line + rest[: columns - used]
            rest = rest[columns - used :]
            line, used = " " * indent, indent
        line += rest
        used += width(rest)
    yield line


def width(text: str) -> int:
    """Return how many columns *text* takes."""
    return len(re.sub(_ESCAPE, "", text))


def pages(lines: Iterable[str], columns: int, room: int) -> list[list[str]]:
    """Return *lines*, wrapped, in parts of at most *room* lines; there is one at least."""
    found: list[list[str]] = [[]]
    for line in lines:
        parts = wrapped(line, columns)
        if found[-1] and len(found[-1]) + len(parts) > room:
            found.append([])
        found[-1] += parts
    return found
