"""Comments that keep transforms and rules away from a line or a service, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from composerefactor.compose.file import ComposeFile
from composerefactor.patterns import regex

IGNORE = regex(r"#\s*composerefactor:\s*ignore\[([\w,\s-]*)\]\s*(.*?)\s*$")
"""As ``# composerefactor: ignore[harden] needs root``."""

NO_REASON = "ignored by a comment"


def ignored(file: ComposeFile, line: int, *names: str) -> str | None:
    """Return the reason a comment gives for leaving *line* of *file* alone, or None.

    It counts on the line itself, right above it, and on the service around it, for the transform
    or rule that is called like one of *names*.
    """
    if not _has_any(file.source.text):
        return None
    for comment in _comments_on(file, line):
        match = IGNORE.search(comment)
        if match and {name.strip() for name in match[1].split(",")}.intersection(names):
            return match[2] or NO_REASON
    return None


@lru_cache(maxsize=16)
def _has_any(text: str) -> bool:
    return "composerefactor:" in text


def _comments_on(file: ComposeFile, line: int) -> Iterator[str]:
    """Yield the line *line*, the comments right above it, and those on its service."""
    lines = file.source.text.splitlines()
    if not 0 < line <= len(lines):
        return
    yield lines[line - 1]
    yield from _above(lines, line - 1)
    at = file.source.line_starts[line - 1]
    for region in file.regions_in("services").values():
        if region.lead <= at < region.end:
            key = file.source.line_index(region.key)
            yield lines[key]
            yield from _above(lines, key)


def _above(lines: list[str], index: int) -> Iterator[str]:
    while index > 0 and lines[index - 1].lstrip().startswith("#"):
        index -= 1
        yield lines[index]
