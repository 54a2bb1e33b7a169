"""Tags of images: the version and the flavour that one names."""

from __future__ import annotations

import re
from math import inf

from msgspec import Struct

from composerefactor.patterns import regex

_VERSION = regex(r"(?:^|(?<=[-_]))v?(?P<numbers>\d+(?:\.(?:\d+|x))*)", re.ASCII)
_RELEASE_DATE = regex(r"release\.(\d{4})-(\d\d)-(\d\d).*", re.ASCII)
_RANGE = regex(r"(?P<operator><=|>=|<|>|=)?\s*(?P<version>v?\d+(?:\.(?:\d+|x))*)", re.ASCII)
_NEWEST = frozenset({"", "latest", "stable", "main", "master", "edge", "current", "mainline"})
_DISTRIBUTIONS = {
    "alpine": ("alpine",),
    "debian": (
        "debian", "slim", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie",
    ),
    "ubuntu": ("ubuntu", "bionic", "focal", "jammy", "noble"),
    "ubi": ("ubi", "ubi8", "ubi9", "rhel"),
    "distroless": ("distroless", "chiseled", "scratch", "nonroot"),
    "busybox": ("busybox",),
    "windows": ("windowsservercore", "nanoserver"),
}  # fmt: skip
DEFAULT_FLAVOUR = "default"
"""The flavour of a tag that names no distribution."""


class Tag(Struct, frozen=True):
    """What a tag says.

    *version* is None where it names none; it floats, so what is not written counts as the newest:
    ``3.6`` is ``(3, 6, inf)``. *flavours* are its other words, and the distributions that they
    stand for.
    """

    text: str
    version: tuple[float, ...] | None
    flavours: frozenset[str]


def parse_tag(text: str) -> Tag:
    """Return what the tag *text* says; ``""`` and ``latest`` are the newest version."""
    text = text.lower()
    found = _VERSION.search(text)
    if released := _RELEASE_DATE.fullmatch(text):
        version: tuple[float, ...] | None = tuple(map(int, released.groups()))
        rest = ""
    elif found:
        version = (*_numbers(found["numbers"]), inf)
        rest = text[: found.start()] + text[found.end() :]
    else:
        version, rest = None, text
    words = {word for word in re.split(r"[-_.+]", rest) if word}
    words |= {word.rstrip("0123456789") for word in words} - {""}
    named = {name for name, known in _DISTRIBUTIONS.items() if words.intersection(known)}
    only_flavour = bool(named) and words <= named.union(*(_DISTRIBUTIONS[n] for n in named))
    if version is None and (text in _NEWEST or only_flavour):
        version = (inf,)
    return Tag(text, version, frozenset(words | (named or {DEFAULT_FLAVOUR})))


def in_range(tag: Tag, versions: str) -> bool | None:
    """Return whether *tag* is one of *versions*, None where it names no version.

    *versions* are comparisons that must all hold, ``>=3.6, <4``; one without an operator, ``1.x``
    or ``1``, holds for whatever begins with it. Raises ValueError for anything else.
    """
    parts = [_comparison(part) for part in versions.split(",")]
    if tag.version is None:
        return None
    return all(_holds(tag.version, operator, numbers) for operator, numbers in parts)


def checked_range(versions: str) -> str:
    """Return *versions* where it is a range of versions or empty; raises ValueError otherwise."""
    for part in versions.split(",") if versions else ():
        _comparison(part)
    return versions


def _comparison(text: str) -> tuple[str, tuple[float, ...]]:
    """Return operator and numbers of ``>=3.6``; raises ValueError for what is no comparison."""
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text.strip()!r} is no version range, such as '<18' or '>=3.6, <4'")
    return found["operator"] or "=", _numbers(found["version"].removeprefix("v"))


def _holds(version: tuple[float, ...], operator: str, numbers: tuple[float, ...]) -> bool:
    match operator:
        case "<":
            return version < numbers
        case "<=":
            return version < numbers or version[: len(numbers)] == numbers
        case ">=":
            return version >= numbers
        case ">":
            return version > numbers and version[: len(numbers)] != numbers
        case _:
            return version[: len(numbers)] == numbers


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(int(part) for part in text.split(".") if part != "x")
