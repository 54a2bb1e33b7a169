"""Text in Markdown, whatever it holds: no markup, no mention, no broken table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from composerefactor.patterns import regex

_MARKUP = regex(r"[\\`*\[\]<|~]|(?<!\w)_|_(?!\w)|^[>#+-]")
_MENTION = regex(r"@(?=\w)")
_RUNS = regex(r"`+")


def cell(text: str) -> str:
    """Return *text* on one line, as it is read, for a paragraph or a table cell."""
    plain = " ".join(text.split())
    escaped = _MARKUP.sub(lambda match: f"\\{match[0]}", plain.replace("&", "&amp;"))
    # a zero-width space keeps a name in the text from being called to the pull request
    return _MENTION.sub("@\u200b", escaped)


def code(text: str) -> str:
    """Return *text* as a code span on one line, for a paragraph or a table cell."""
    plain = " ".join(text.split())
    fence = "`" * (max((len(run) for run in _RUNS.findall(plain)), default=0) + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{space}{plain}{space}{fence}".replace("|", "\\|") if plain else ""


def details(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines* folded away below *title*, which is Markdown already."""
    yield f"<details><summary>{_summary(title)}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"


def fenced(lines: Iterable[str], language: str = "") -> list[str]:
    """Return *lines* as a code block, whatever fences they hold."""
    listed = list(lines)
    longest = max((len(run) for line in listed for run in _RUNS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *listed, fence]


def _summary(title: str) -> str:
    """Return *title* for HTML, in which code spans are no markup."""
    return re.sub(r"`+ ?(.*?) ?`+", lambda m: f"<code>{_html(m[1])}</code>", title)


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
