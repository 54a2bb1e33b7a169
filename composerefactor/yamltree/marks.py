"""Where things stand in a YAML text, for the places at which the parsers' marks are not tight."""

from __future__ import annotations

import re

from composerefactor.patterns import regex

WHITE = " \t\r\n"
"""YAML's white space; a no-break space, for one, is text."""

_PROPERTY = regex(r"!<[^>\s]*>|[&!][^ \t\r\n,\[\]{}]*")
_LAST_TAG = regex(r"(?:!<[^>\s]*>|![^ \t\r\n,\[\]{}]*)\Z")
_DOCUMENT_MARKER = regex(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


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
