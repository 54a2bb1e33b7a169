"""One impact of a change: its message, its effect on containers, and its risk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.analysis.diff.kinds import ImpactKind, Risk
from composerefactor.errors import enumerated
from composerefactor.images.catalog import Catalog, load_catalog

Place: TypeAlias = tuple[str, ...]
"""A path in a resolved configuration; positions in lists are decimal numbers."""


class UpEffect(StrEnum):
    """What the next ``docker compose up`` does because of a change."""

    NOTHING = "nothing"
    ORDER = "start order only"
    BUILD = "image rebuilt"
    CREATED = "container created"
    RECREATED = "container recreated"
    REMOVED = "container no longer part of the project"
    NETWORK = "network recreated"
    DATA = "data left behind"
    VOLUME = "volume to be recreated"
    REJECTED = "nothing starts"
    UNKNOWN = "unknown"


class Impact(Struct, frozen=True):
    """One impact of a change.

    Attributes:
        rule: The kind of impact.
        path: The place in the new configuration, or in the old one if *was* is True.
        message: What changed, without secrets; the service is the subject of the sentence.
        effect: What ``up`` does; None if the hash of the container decides.
        risk: The risk.
        was: True if the place no longer exists in the new configuration.
        covers: The places that this impact explains, *path* included.
        marks: Texts that the line in the file contains.
    """

    rule: ImpactKind
    path: Place
    message: str
    effect: UpEffect | None = None
    risk: Risk = Risk.NONE
    was: bool = False
    covers: tuple[Place, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def service(self) -> str | None:
        """The service in the path, None for anything else."""
        return self.path[1] if len(self.path) > 1 and self.path[0] == "services" else None


def impact(
    rule: ImpactKind,
    path: Place,
    message: str,
    *,
    effect: UpEffect | None = None,
    risk: Risk | None = None,
    was: bool = False,
    covers: tuple[Place, ...] = (),
    marks: tuple[str, ...] = (),
) -> Impact:
    """Return an impact of the kind *rule*, with the risk of *rule* if *risk* is None.

    The other arguments are the attributes of :class:`Impact`; *covers* are further places.
    """
    return Impact(
        rule,
        path,
        message,
        effect,
        rule.risk if risk is None else risk,
        was,
        (path, *covers),
        marks,
    )


@dataclass(frozen=True)
class State:
    """One state of a start command.

    Attributes:
        model: The resolved configuration.
        raw: The configuration before interpolation, None if unknown.
        hashes: The hash of each container, None if unknown.
        is_source: Returns whether a path below the project directory belongs to the sources, so
            that it does not contain data.
        excluded: Services that the files define, but Docker Compose does not resolve.
        catalog: The image catalog of the project.
    """

    model: Mapping[str, Any] = field(repr=False)
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
    hashes: Mapping[str, str] | None = None
    is_source: Callable[[str], bool] = lambda _: False
    excluded: frozenset[str] = frozenset()
    catalog: Catalog = field(default_factory=load_catalog, repr=False)

    @cached_property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """The services by name."""
        return self.section("services")

    def section(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """Return a top-level section, {} if it is empty."""
        entries = self.model.get(name) or {}
        return {key: value or {} for key, value in entries.items()}

    @cached_property
    def members(self) -> Mapping[str, tuple[str, ...]]:
        """The services on each network, by its real name."""
        members: dict[str, list[str]] = {}
        for name, service in self.services.items():
            for key in service.get("networks") or {}:
                members.setdefault(self.resource_name("networks", key), []).append(name)
        return {name: tuple(services) for name, services in members.items()}

    def raw_service(self, name: str) -> Mapping[str, Any] | None:
        """Return the service before interpolation, None if unknown."""
        services = (self.raw or {}).get("services") or {}
        return services.get(name)

    def resource_name(self, section: str, key: str) -> str:
        """Return the real name of a network or volume: the same name is the same resource."""
        entry = (self.model.get(section) or {}).get(key) or {}
        return str(entry.get("name") or key)


class ServicePair(Struct, frozen=True):
    """A service in both states.

    Attributes:
        name: The name in the new state.
        before: The old state.
        after: The new state.
        old_name: The name in the old state if it was renamed, else ``""``.
    """

    name: str
    before: State
    after: State
    old_name: str = ""

    @property
    def old(self) -> Mapping[str, Any]:
        """The old definition, {} if there is none."""
        return self.before.services.get(self.old_name or self.name, {})

    @property
    def new(self) -> Mapping[str, Any]:
        """The new definition, {} if there is none."""
        return self.after.services.get(self.name, {})

    @property
    def raw(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """Both definitions before interpolation."""
        return (
            self.before.raw_service(self.old_name or self.name),
            self.after.raw_service(self.name),
        )

    def at(self, *path: str) -> Place:
        """Return the path of a place in the service."""
        return ("services", self.name, *path)


def value_at(config: Mapping[str, Any], place: Place) -> Any:
    """Return the value at *place* in a resolved configuration, or a part of one; else None."""
    value: Any = config
    for part in place:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def with_effect(change: Impact, effect: UpEffect) -> Impact:
    """Return *change* with *effect*."""
    return replace(change, effect=effect)


def listed(names: Any, most: int = 6) -> str:
    """Return *names* as an enumeration; beyond *most* they are only counted."""
    return enumerated(names, most)
