"""The parts of what ``docker compose config`` prints, as text."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TypeAlias

_SECTION = r"(?m)^(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s#'\"-][^:\n]*):(?=\s|$)"
_EXTENSION = rb"(?m)^[\"']?(x-[^\s\"':]+)"


def extension_names(text: bytes) -> set[str]:
    """Return all names that top-level ``x-*`` sections of a Compose file may have."""
    return {name.decode("utf-8", "replace") for name in re.findall(_EXTENSION, text)}


def sections(output: bytes) -> dict[str, str]:
    """Return the text of each top-level section of an output of ``config``.

    Text before the first section is dropped: Docker Compose v2.24 may print warnings there.
    """
    text = output.decode("utf-8", "replace")
    starts = [match for match in re.finditer(_SECTION, text) if not match[0].startswith("time=")]
    places = [*(match.start() for match in starts), len(text)]
    return {
        match[1].strip("\"'"): text[place:end]
        for match, (place, end) in zip(starts, pairwise(places), strict=True)
    }


Place: TypeAlias = tuple[str, ...]
"""A section, and in it an entry; in a service, also an attribute."""


def places(output: bytes) -> dict[Place, str]:
    """Return the text of each place of an output of ``config``, as fine as it is printed.

    All texts together are the output without keys that have places below. So outputs with equal
    places are equal, except for the order of keys.
    """
    result: dict[Place, str] = {}
    for section, text in sections(output).items():
        entries = None if section.startswith("x-") else _below(text, 2)
        if entries is None:
            result[(section,)] = text
        for name, entry in (entries or {}).items():
            place = section, name.strip("\"'")
            attributes = _below(entry, 4) if section == "services" else None
            if attributes is None:
                result[place] = entry
            for key, attribute in (attributes or {}).items():
                result[(*place, key.strip("\"'"))] = attribute
    return result


def _below(text: str, indent: int) -> dict[str, str] | None:
    """Return the entries of the mapping that is the value in *text*; None if it is another one."""
    title, _, rest = text.partition("\n")
    return blocks(rest, indent) if title.rstrip().endswith(":") else None


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
