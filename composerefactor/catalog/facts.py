"""The types of what images.yml knows about an image, and how they are made from its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, cast

from msgspec import Struct

from composerefactor.catalog.conditions import Condition
from composerefactor.catalog.tags import checked_range

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
