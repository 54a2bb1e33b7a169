"""Which of the health checks that the catalogue knows for an image fits a service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.image_references import parse_image, repository, same_image
from composerefactor.compose.merge_keys import scalar_text
from composerefactor.compose.services import Service
from composerefactor.images.catalog import Catalog, NamePatterns, read_json
from composerefactor.images.entries import (
    CatalogEntry,
    Command,
    DataPath,
    Evidence,
    HealthCheck,
    Truth,
    Use,
    in_range,
    parse_tag,
)
from composerefactor.yaml.nodes import SequenceNode

_PORT = re.compile(r"\bPORT\b")
_PORT_AT_END = re.compile(r"(?:.*:)?(\d+)(?:/tcp)?", re.ASCII)


class HealthCheckChoice(Struct, frozen=True):
    """A check that fits, and what is to be known about it."""

    check: HealthCheck
    note: str = ""


class NoHealthCheck(Struct, frozen=True):
    """Why no check fits, and what to do about it."""

    reason: str
    remedy: str = ""


def choose(
    entry: CatalogEntry, use: Use, published: Iterable[str] = ()
) -> HealthCheckChoice | NoHealthCheck:
    """Return the check of *entry* for *use*; *published* are container ports that are published.

    The first variant whose condition holds is taken, else the check of the entry. A condition that
    cannot be decided is a reason, never a guess.
    """
    use = replace(use, port=moved_port(entry, use, published))
    required = [condition.holds(use) for condition in entry.requires]
    if required and Truth.YES not in required:
        unknown = _join(c.unknowns(use) for c in entry.requires)
        return NoHealthCheck(
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
                return NoHealthCheck(
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


def _choice(
    entry: CatalogEntry, test: Command | None, use: Use, note: str
) -> HealthCheckChoice | NoHealthCheck:
    if test is None:
        why = note or "no program in the image can check it"
        return NoHealthCheck(f"{entry.id}: {why}", entry.needs)
    if use.port:
        main = re.compile(rf"(?<!\d){re.escape(entry.ports[0])}(?!\d)")
        moved = tuple(_PORT.sub(use.port, main.sub(use.port, word)) for word in test)
        if moved == test and entry.listens.options:
            return NoHealthCheck(
                f"{entry.id} listens on port {use.port} here, not on {entry.ports[0]}"
            )
        test = moved
    return HealthCheckChoice(HealthCheck(test, entry.times), note)


def _join(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(text for text in texts if text))


_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
_VERBS = frozenset(
    {
        *("server", "serve", "start", "start-dev", "run", "agent", "standalone", "gateway", "web"),
        *("start-single-node", "all-in-one", "daemon", "mongod", "mongos", "kc.sh", "tini"),
    }
)
_TASKS = re.compile(
    r"""(?<![\w.])(?:
        pg_dump(?:all)?|pg_basebackup|pg_restore|psql|mongodump|mongorestore|mongosh|mysqldump
        |mariadb-dump|redis-cli|valkey-cli|crond?|curl|rs\.initiate|kafka-topics(?:\.sh)?
        |tail\s+-[fF]|sleep\s+(?:inf|\d{4,})
    )(?![\w.])|backup|init-""",
    re.VERBOSE,
)


def starts_server(entry: CatalogEntry, command: tuple[str, ...]) -> bool:
    """Return whether *command*, the words of entrypoint and command, start the server of *entry*.

    No command is the image's own, and options alone are options of the server. A shell's text must
    name the server, and none of the tools for backups and initialisation.
    """
    if not command:
        return True
    first = command[0].rpartition("/")[2]
    text = " ".join(command)
    if command[0].startswith("-") or first in _VERBS or "entrypoint" in first:
        return True
    if _TASKS.search(text):
        return False
    names = {entry.id.split("-")[0], *(n.rpartition("/")[2].split("-")[0] for n in entry.names)}
    if first in _SHELLS:
        return any(name in text for name in names)
    programs = [word.rpartition("/")[2] for word in command]
    return any(name in program for name in names for program in programs) or any(
        word in variant.when.command for variant in entry.variants for word in command
    )


def data_paths(image: str, catalog: Catalog) -> list[DataPath] | None:
    """Return the paths at which *image*, with variables by default, keeps data that it needs.

    Paths whose loss costs little are left out, and an image that *catalog* does not know has
    none. None where its tag does not tell which path is the right one.
    """
    entry = catalog.match(image)
    if entry is None:
        return []
    reference = parse_image(image)
    tag = parse_tag(reference.tag or "")
    found = []
    for path in entry.data:
        fits = in_range(tag, path.versions) if path.versions else True
        if fits is None or (path.versions and reference.digest and not reference.tag):
            return None
        if fits and not path.optional:
            found.append(path)
    return found


def keeps_nothing(service: Service) -> bool:
    """Return whether the command of *service* says that nothing is to be kept."""
    found = service.value("command")
    words = scalar_text(found.node) if found else None
    if found and isinstance(found.node, SequenceNode):
        words = " ".join(scalar_text(item) or "" for item in found.node.items)
    return '--save ""' in f"{words} " or "--save ''" in f"{words} " or "--save  " in f"{words} "


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
