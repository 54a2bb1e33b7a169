"""The types of what images.yml knows about an image, and how they are made from its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

Evidence: TypeAlias = Literal["dockerfile", "docs", "issue", "practice", "unverified"]
Command: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataPath:
    """A *path* in the container that holds state; *versions* where it moved, ``"<18"``."""

    path: str
    versions: str = ""
    optional: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """A variable *env* that is a credential.

    *file* is True where the image reads it from the file that *file_name* names.
    """

    env: str
    file: bool
    file_name: str
    versions: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A health check as a Compose file has it: *test* with ``$$`` for ``$``, times as durations."""

    test: Command
    interval: str
    timeout: str
    retries: int
    start_period: str


@dataclass(frozen=True, slots=True)
class Variant:
    """Another *test* for the case *when*; None where no command can do it then."""

    when: str
    test: Command | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """What is known about the image that *names* are repositories of.

    *ports* are container ports as text (``443/udp``, ``4510-4559``), the main one first. *builtin*
    is True where the image has a HEALTHCHECK of its own; *healthcheck* is None where no command in
    the image can do it. *has* says which programs are in the image. *verified* says how sure
    this is.
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
    needs: str
    variants: tuple[Variant, ...]
    has: Mapping[str, bool | str]
    notes: str
    source: str
    verified: Evidence


def entry_from(
    values: Mapping[str, Any], profiles: Mapping[str, Mapping[str, Any]]
) -> CatalogEntry:
    """Return the entry that *values* describe; *profiles* are the named times of health checks."""
    return CatalogEntry(
        id=values["id"],
        names=tuple(values["names"]),
        category=values["category"],
        ports=tuple(str(port) for port in values["ports"]),
        data=tuple(DataPath(**path) for path in values["data"]),
        secrets=tuple(
            Secret(**{"file_name": f"{secret['env']}_FILE", **secret})
            for secret in values["secrets"]
        ),
        file_env=tuple(values.get("file_env", ())),
        builtin=values.get("builtin", False),
        healthcheck=_health_check(values["healthcheck"], profiles),
        needs=values.get("needs", ""),
        variants=tuple(
            Variant(variant["when"], _command(variant["test"]), variant.get("note", ""))
            for variant in values.get("variants", ())
        ),
        has=values.get("has", {}),
        notes=values.get("notes", "").strip(),
        source=values["source"],
        verified=cast(Evidence, values["verified"]),
    )


def _health_check(
    values: Mapping[str, Any] | None, profiles: Mapping[str, Mapping[str, Any]]
) -> HealthCheck | None:
    if values is None:
        return None
    times = profiles[values["profile"]] if "profile" in values else values
    return HealthCheck(
        test=tuple(values["test"]),
        interval=times["interval"],
        timeout=times["timeout"],
        retries=times["retries"],
        start_period=times["start_period"],
    )


def _command(test: list[str] | None) -> Command | None:
    return None if test is None else tuple(test)
