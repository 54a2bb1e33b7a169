"""Logical lines of a text and the words in them, with quotes, to the character."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.patterns import regex

_CONTINUED = regex(r"\\[ \t]*\r?\n")
_FOLDED = regex(r":[ \t]+>[-+]?[ \t]*\r?\n(?P<indent>[ ]+)(?=[^ \r\n])")
_ENDS = frozenset("\r\n;&|)`")


class Span(Struct, frozen=True):
    """Characters ``start:end`` of a text."""

    start: int
    end: int


def unfolded(text: str) -> str:
    """Return the YAML *text*, as long as before, with each folded scalar (``>``) on one line."""
    parts, at = [], 0
    for match in _FOLDED.finditer(text):
        start = match.end()
        block = re.compile(rf"(?:{re.escape(match['indent'])}(?=[^ \t\r\n])[^\n]*\n?)+")
        found = block.match(text, start - len(match["indent"]))
        if found is not None and start > at:
            body = found.group().rstrip("\r\n")
            parts += [text[at : found.start()], body.replace("\n", " ").replace("\r", " ")]
            at = found.start() + len(body)
    return "".join([*parts, text[at:]])


def logical_end(text: str, start: int) -> int:
    """Return the offset just after the logical line at *start*, its line end left out."""
    while True:
        end = text.find("\n", start)
        if end < 0:
            return len(text)
        line = text[start:end].rstrip()
        if not line.endswith("\\") or line.endswith("\\\\"):
            return end
        start = end + 1


def words(text: str, at: int, end: int, closing: str) -> Iterator[Span]:
    """Yield the words from *at* to the end of the command, or to a quote of *closing*."""
    while at < end:
        char = text[at]
        if line_end := _CONTINUED.match(text, at):
            at = line_end.end()
        elif char in " \t":
            at += 1
        elif char in _ENDS or char in closing:
            return
        else:
            start, at = at, _word_end(text, at, end, closing)
            if at == start:
                return
            yield Span(start, at)


def _word_end(text: str, at: int, end: int, closing: str) -> int:
    while at < end:
        char = text[at]
        if char in " \t" or char in _ENDS or char in closing or _CONTINUED.match(text, at):
            break
        if text.startswith(("$(", "${", "{{"), at):
            at = _after(text, at, end)
        elif char == "\\":
            if text[at + 1 : at + 2] not in {'"', "'"}:
                at += 2
                continue
            mark = text[at : at + 2]
            other = text.find(mark, at + 2, end)
            if other < 0:
                break
            at = other + 2
        elif char in "\"'":
            other = text.find(char, at + 1, end)
            at = at + 1 if other < 0 else other + 1
        else:
            at += 1
    return min(at, end)


def _after(text: str, at: int, end: int) -> int:
    """Return the offset just after the variable or substitution that begins at *at*."""
    opening = text[at + 1]
    closing = ")" if opening == "(" else "}"
    depth = 0
    for i in range(at + 1, end):
        depth += (text[i] == opening) - (text[i] == closing)
        if not depth:
            # "{{X}}" begins at its first brace, which has not been counted.
            return min(i + 1 + (text[at] == "{"), end)
    return end


def open_quotes(text: str, start: int, at: int) -> str:
    """Return the quotes that are open at *at*, in the line that begins at *start*.

    Those around a ``$(...)`` do not end what is in it.
    """
    opened: list[str] = []
    while start < at:
        char = text[start]
        if char == "\\":
            start += 2
            continue
        if text.startswith("$(", start):
            opened.append("(")
        elif char == ")" and "(" in opened:
            del opened[len(opened) - 1 - opened[::-1].index("(") :]
        elif char in "\"'":
            inner = opened[len(opened) - opened[::-1].index("(") :] if "(" in opened else opened
            if char in inner:
                del opened[len(opened) - len(inner) + inner.index(char) :]
            else:
                opened.append(char)
        start += 1
    return "".join(opened).rpartition("(")[2]
