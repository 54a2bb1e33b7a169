"""The types of what images.yml knows about an image, and how they are made from its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from fnmatch import fnmatchcase
from math import inf
from typing import Any, Literal, TypeAlias, cast

from msgspec import Struct

_VERSION = re.compile(r"(?:^|(?<=[-_]))v?(?P<numbers>\d+(?:\.(?:\d+|x))*)", re.ASCII)
_RELEASE_DATE = re.compile(r"release\.(\d{4})-(\d\d)-(\d\d).*", re.ASCII)
_RANGE = re.compile(r"(?P<operator><=|>=|<|>|=)?\s*(?P<version>v?\d+(?:\.(?:\d+|x))*)", re.ASCII)
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


class Truth(Enum):
    """What a condition comes to."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Use(Struct, frozen=True):
    """How a service uses an image.

    *repository* is the name that the catalogue knows, *tag* is None where it cannot be known.
    *environment* maps each variable that the container gets to its value, None where that cannot
    be known. *unread* names the files whose variables are not known. *command* has the words of
    entrypoint and command, None where the image's own run.
    """

    repository: str
    tag: Tag | None
    environment: Mapping[str, str | None] = {}
    unread: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    port: str = ""


class Condition(Struct, frozen=True):
    """Everything that is given must hold.

    *names* are repositories, *tag* a range of versions, *flavours* words of the tag, of which one
    is enough (``default`` where it names no distribution). *environment* maps variables to a
    pattern for the value, ``*`` for any, None where the variable must not be set. *command* has
    patterns, each for one word of the command. *moved* tells whether it listens elsewhere than on
    its main port.
    """

    names: tuple[str, ...] = ()
    tag: str = ""
    flavours: tuple[str, ...] = ()
    environment: Mapping[str, str | None] = {}
    command: tuple[str, ...] = ()
    moved: bool | None = None

    def holds(self, use: Use) -> Truth:
        """Return whether the condition holds for *use*."""
        parts = [
            *self._image(use),
            *(self._variable(use, n, p) for n, p in self.environment.items()),
        ]
        parts += [_truth(any(fnmatchcase(w, p) for w in use.command)) for p in self.command]
        if self.moved is not None:
            parts.append(_truth(bool(use.port) == self.moved))
        if Truth.NO in parts:
            return Truth.NO
        return Truth.UNKNOWN if Truth.UNKNOWN in parts else Truth.YES

    def _image(self, use: Use) -> list[Truth]:
        parts = [_truth(use.repository in self.names)] if self.names else []
        if not self.tag and not self.flavours:
            return parts
        if use.tag is None:
            return [*parts, Truth.UNKNOWN]
        if self.tag:
            parts.append(_truth(in_range(use.tag, self.tag)))
        if self.flavours:
            parts.append(_truth(not use.tag.flavours.isdisjoint(self.flavours)))
        return parts

    @staticmethod
    def _variable(use: Use, name: str, pattern: str | None) -> Truth:
        if name not in use.environment:
            if use.unread:
                return Truth.UNKNOWN
            return _truth(pattern is None)
        value = use.environment[name]
        if pattern is None:
            return _truth(value == "")
        if pattern == "*":
            return _truth(value != "")
        return Truth.UNKNOWN if value is None else _truth(fnmatchcase(value, pattern))

    def unknowns(self, use: Use) -> str:
        """Return in words what must be known about *use* to decide, ``""`` where nothing is."""
        found: list[str] = []
        if Truth.UNKNOWN in self._image(use):
            found.append("the tag of the image")
        for name, pattern in self.environment.items():
            if self._variable(use, name, pattern) is Truth.UNKNOWN:
                where = "" if name in use.environment else f" ({', '.join(use.unread)} is not here)"
                found.append(f"the variable {name}{where}")
        return " and ".join(found)


def _truth(value: bool | None) -> Truth:  # noqa: FBT001 - a truth value is what it takes
    if value is None:
        return Truth.UNKNOWN
    return Truth.YES if value else Truth.NO


Evidence: TypeAlias = Literal["dockerfile", "docs", "issue", "practice", "project", "unverified"]
Command: TypeAlias = tuple[str, ...]


def sureness(verified: Evidence) -> str:
    """Return in words how sure a fact is: ``verified: docs``, or ``not verified``."""
    return "not verified" if verified == "unverified" else f"verified: {verified}"


class DataPath(Struct, frozen=True):
    """A *path* in the container that holds state; *versions* where it moved, ``"<18"``."""

    path: str
    versions: str = ""
    optional: bool = False
    note: str = ""


class Secret(Struct, frozen=True):
    """A variable *env* that is a credential.

    *file* is True where the image reads it from the file that *file_name* names.
    """

    env: str
    file: bool
    file_name: str
    versions: str = ""
    note: str = ""


class Times(Struct, frozen=True):
    """How often a check runs, and how long it may fail: durations as Compose files have them."""

    interval: str
    timeout: str
    retries: int
    start_period: str


class HealthCheck(Struct, frozen=True):
    """A health check as a Compose file has it: *test* with ``$$`` for ``$``."""

    test: Command
    times: Times


class Listens(Struct, frozen=True):
    """What moves the main port of an image.

    *options* are options of its command; *published* are the ports that it may listen on by
    default, so that publishing others alone says that it listens elsewhere.
    """

    options: tuple[str, ...] = ()
    published: tuple[str, ...] = ()


class Variant(Struct, frozen=True):
    """Another *test* for the case *when*; None where no command can do it then.

    *refines* is True where the next variant, or the check without one, holds as well.
    """

    when: Condition
    test: Command | None
    note: str = ""
    refines: bool = False


class Alternative(Struct, frozen=True):
    """Another *test* that a person may prefer, *purpose* says what for."""

    purpose: str
    test: Command


class CatalogEntry(Struct, frozen=True):
    """What is known about the image that *names* are repositories of.

    *ports* are container ports as text (``443/udp``, ``4510-4559``), the main one first. *builtin*
    is True where the image has a HEALTHCHECK of its own; *healthcheck* is None where no command in
    the image can do it, unless a variant says otherwise; *times* are those of the variants.
    One of *requires* must hold for any check, *needs* says what to do otherwise. *has* says which
    programs are in the image. *verified* says how sure this is.
    """

    id: str
    names: tuple[str, ...]
    category: str
    ports: tuple[str, ...]
    data: tuple[DataPath, ...]
    secrets: tuple[Secret, ...]
    file_env: tuple[str, ...]
    builtin: bool
    healthcheck: HealthCheck | None
    times: Times
    listens: Listens
    requires: tuple[Condition, ...]
    needs: str
    variants: tuple[Variant, ...]
    alternatives: tuple[Alternative, ...]
    has: Mapping[str, bool | str]
    notes: str
    source: str
    verified: Evidence


def entry_from(
    values: Mapping[str, Any], profiles: Mapping[str, Mapping[str, Any]]
) -> CatalogEntry:
    """Return the entry that *values* describe; *profiles* are the named times of health checks.

    Only ``id`` and ``names`` must be given. Raises ValueError for a version range that is none.
    """
    check = values.get("healthcheck")
    profile = values.get("profile", "normal")
    times = _times(check, profiles) if check else _times({"profile": profile}, profiles)
    return CatalogEntry(
        id=values["id"],
        names=tuple(values["names"]),
        category=values.get("category", "application"),
        ports=tuple(str(port) for port in values.get("ports", ())),
        data=tuple(DataPath(**path) for path in values.get("data", ())),
        secrets=tuple(
            Secret(**{"file": False, "file_name": f"{secret['env']}_FILE", **secret})
            for secret in values.get("secrets", ())
        ),
        file_env=tuple(values.get("file_env", ())),
        builtin=values.get("builtin", False),
        healthcheck=HealthCheck(tuple(check["test"]), times) if check else None,
        times=times,
        listens=_listens(values.get("listens", {})),
        requires=tuple(map(condition, values.get("requires", ()))),
        needs=values.get("needs", ""),
        variants=tuple(map(_variant, values.get("variants", ()))),
        alternatives=tuple(
            Alternative(other["for"], tuple(other["test"]))
            for other in values.get("alternatives", ())
        ),
        has=values.get("has", {}),
        notes=values.get("notes", "").strip(),
        source=values.get("source", ""),
        verified=cast(Evidence, values.get("verified", "project")),
    )


def condition(values: Mapping[str, Any]) -> Condition:
    """Return the condition that *values* describe; raises ValueError for a bad version range."""
    return Condition(
        names=tuple(values.get("names", ())),
        tag=checked_range(values.get("tag", "")),
        flavours=tuple(values.get("flavours", ())),
        environment=values.get("environment", {}),
        command=tuple(str(word) for word in values.get("command", ())),
        moved=values.get("moved"),
    )


def _variant(values: Mapping[str, Any]) -> Variant:
    return Variant(
        condition(values["when"]),
        None if values["test"] is None else tuple(values["test"]),
        values.get("note", ""),
        values.get("refines", False),
    )


def _listens(values: Mapping[str, Any]) -> Listens:
    published = tuple(str(port) for port in values.get("published", ()))
    return Listens(tuple(values.get("options", ())), published)


def _times(values: Mapping[str, Any], profiles: Mapping[str, Mapping[str, Any]]) -> Times:
    """Return the times that *values* give: those of a profile, each replaced by one of its own."""
    given = {name: values[name] for name in Times.__struct_fields__ if name in values}
    return Times(**{**profiles[values.get("profile", "normal")], **given})
