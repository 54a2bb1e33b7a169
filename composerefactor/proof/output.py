"""The parts of what ``docker compose config`` prints, as text."""

from __future__ import annotations

import re
from itertools import pairwise

_SECTION = re.compile(r"^(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s#'\"-][^:\n]*):(?=\s|$)", re.MULTILINE)
_EXTENSION = re.compile(rb"(?m)^[\"']?(x-[^\s\"':]+)")


def extension_names(text: bytes) -> set[str]:
    """Return all names that top-level ``x-*`` sections of a Compose file may have."""
    return {name.decode("utf-8", "replace") for name in _EXTENSION.findall(text)}


def sections(output: bytes) -> dict[str, str]:
    """Return the text of each top-level section of an output of ``config``.

    Text before the first section is dropped: Docker Compose v2.24 may print warnings there.
    """
    text = output.decode("utf-8", "replace")
    starts = [match for match in _SECTION.finditer(text) if not match[0].startswith("time=")]
    places = [*(match.start() for match in starts), len(text)]
    return {
        match[1].strip("\"'"): text[place:end]
        for match, (place, end) in zip(starts, pairwise(places), strict=True)
    }


def blocks(text: str, indent: int) -> dict[str, str] | None:
    """Return the text of each entry of a mapping that Docker Compose prints, by its key.

    Everything in an entry is indented further than its key, also the lines of a text.

    Args:
        text: The entries.
        indent: The number of spaces before each key.

    Returns:
        The entries; None if *text* is not a mapping in block style.
    """
    starts = [*re.finditer(rf"(?m)^ {{{indent}}}([^\s#-][^\n]*?):(?=\s|$)", text)]
    if not starts or text[: starts[0].start()].strip():
        return None
    places = [*(match.start() for match in starts), len(text)]
    return {
        match[1]: text[place:end]
        for match, (place, end) in zip(starts, pairwise(places), strict=True)
    }
