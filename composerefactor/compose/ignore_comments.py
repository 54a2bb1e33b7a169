"""Comments by which users switch off a rule, a transform or a reader.

For example ``# composerefactor: ignore[harden] needs root``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from composerefactor.compose.files import ComposeFile

_DIRECTIVE = r"composerefactor:\s*ignore\[([\w,\s-]*)\](.*)"

NO_REASON = "ignored by a comment"


def reason_in(line: str, *names: str) -> str | None:
    """Return the reason that a comment in *line* gives for one of *names*; None if it has none."""
    match = re.search(_DIRECTIVE, line)
    if match is None or not set(re.split(r"[,\s]+", match[1])).intersection(names):
        return None
    return match[2].strip() or NO_REASON


def ignore_reason(file: ComposeFile, line: int, *names: str) -> str | None:
    """Return the reason of a comment that excludes *line* of *file*, or None.

    The comment is on the line itself, directly above it, or on the service around it. *names* are
    the names of the transform or rule that the comment has to list.
    """
    if not _has_directive(file.source.text):
        return None
    reasons = (reason_in(comment, *names) for comment in _comments_on(file, line))
    return next((reason for reason in reasons if reason is not None), None)


@lru_cache(maxsize=16)
def _has_directive(text: str) -> bool:
    return "composerefactor:" in text


def _comments_on(file: ComposeFile, line: int) -> Iterator[str]:
    """Yield line number *line* and the key of its service, each with the comments above it."""
    lines = file.source.text.splitlines()
    if not 0 < line <= len(lines):
        return
    yield lines[line - 1]
    yield from _comments_above(lines, line - 1)
    at = file.source.line_starts[line - 1]
    for region in file.regions_in("services").values():
        if region.lead <= at < region.end:
            key = file.source.line_index(region.key)
            yield lines[key]
            yield from _comments_above(lines, key)


def _comments_above(lines: list[str], index: int) -> Iterator[str]:
    """Yield the comment lines directly above ``lines[index]``, the nearest first."""
    while index > 0 and lines[index - 1].lstrip().startswith("#"):
        index -= 1
        yield lines[index]
