"""What images need to run with fewer privileges, from hardening.yml."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from msgspec import Struct

from composerefactor.catalog.catalog import NamePatterns
from composerefactor.catalog.facts import Evidence
from composerefactor.catalog.index import read_json
from composerefactor.catalog.reference import repository, same_image


class Hardening(Struct, frozen=True):
    """What is known about the images called *names*, shell patterns.

    *capabilities* have to stay where all others are dropped. *writable* is where the image writes
    besides its volumes; None where it is not known. *unless* are mount points that make it write
    elsewhere.
    """

    names: tuple[str, ...]
    capabilities: tuple[str, ...]
    writable: tuple[str, ...] | None
    unless: tuple[str, ...]
    source: str
    verified: Evidence


def hardening(image: str) -> Hardening | None:
    """Return what is known about *image*, a reference as a Compose file has it, or None."""
    return next((each for each in _facts() if _names(each.names, image)), None)


def gains_privileges(image: str) -> bool:
    """Return whether *image* is known not to work with ``no-new-privileges``."""
    return any(_names(names, image) for names in _gaining())


def _names(patterns: tuple[str, ...], image: str) -> bool:
    name = repository(image)
    return any(map(NamePatterns(patterns).match, same_image(name) if name else ()))


@cache
def _facts() -> tuple[Hardening, ...]:
    return tuple(_read("images"))


@cache
def _gaining() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(each["names"]) for each in read_json("hardening.json")["gains"])


def _read(section: str) -> Iterator[Hardening]:
    for values in cast(list[dict[str, Any]], read_json("hardening.json")[section]):
        writable = values.get("writable")
        yield Hardening(
            names=tuple(values["names"]),
            capabilities=tuple(values["capabilities"]),
            writable=None if writable is None else tuple(writable),
            unless=tuple(values.get("unless", ())),
            source=values["source"],
            verified=values["verified"],
        )
