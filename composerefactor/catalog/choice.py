"""Which of the health checks that the catalogue knows for an image fits a service."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.catalog.conditions import Truth, Use
from composerefactor.catalog.facts import CatalogEntry, Command, HealthCheck
from composerefactor.patterns import regex

_PORT = regex(r"\bPORT\b")
_PORT_AT_END = regex(r"(?:.*:)?(\d+)(?:/tcp)?", re.ASCII)


class Choice(Struct, frozen=True):
    """A check that fits, and what is to be known about it."""

    check: HealthCheck
    note: str = ""


class NoChoice(Struct, frozen=True):
    """Why no check fits, and what to do about it."""

    reason: str
    remedy: str = ""


def choose(entry: CatalogEntry, use: Use, published: Iterable[str] = ()) -> Choice | NoChoice:
    """Return the check of *entry* for *use*; *published* are container ports that are published.

    The first variant whose condition holds is taken, else the check of the entry. A condition that
    cannot be decided is a reason, never a guess.
    """
    use = replace(use, port=moved_port(entry, use, published))
    required = [condition.holds(use) for condition in entry.requires]
    if required and Truth.YES not in required:
        unknown = _join(c.unknowns(use) for c in entry.requires)
        return NoChoice(
            f"it cannot be known whether {entry.id} can pass a check: {unknown} is not known"
            if Truth.UNKNOWN in required
            else f"a check of {entry.id} cannot pass as it is set up",
            entry.needs,
        )
    for variant in entry.variants:
        match variant.when.holds(use):
            case Truth.YES:
                return _choice(entry, variant.test, use, variant.note)
            case Truth.UNKNOWN if not variant.refines:
                return NoChoice(
                    f"which check fits {entry.id} depends on {variant.when.unknowns(use)}"
                )
    return _choice(entry, entry.healthcheck.test if entry.healthcheck else None, use, "")


def moved_port(entry: CatalogEntry, use: Use, published: Iterable[str]) -> str:
    """Return the port on which *use* listens instead of the main one, or ``""``."""
    if not entry.ports:
        return ""
    main = entry.ports[0]
    words = [part for word in use.command for part in word.split()]
    for option in entry.listens.options:
        for word, following in pairwise([*words, ""]):
            name, equals, value = word.partition("=")
            found = _PORT_AT_END.fullmatch(value if equals else following)
            if name == option and found:
                return "" if found[1] == main else found[1]
    ports = list(published)
    if entry.listens.published and ports and main not in ports:
        return next((p for p in entry.listens.published if p in ports), ports[0])
    return ""


def _choice(entry: CatalogEntry, test: Command | None, use: Use, note: str) -> Choice | NoChoice:
    if test is None:
        why = note or "no program in the image can check it"
        return NoChoice(f"{entry.id}: {why}", entry.needs)
    if use.port:
        main = re.compile(rf"(?<!\d){re.escape(entry.ports[0])}(?!\d)")
        moved = tuple(_PORT.sub(use.port, main.sub(use.port, word)) for word in test)
        if moved == test and entry.listens.options:
            return NoChoice(f"{entry.id} listens on port {use.port} here, not on {entry.ports[0]}")
        test = moved
    return Choice(HealthCheck(test, entry.times), note)


def _join(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(text for text in texts if text))
