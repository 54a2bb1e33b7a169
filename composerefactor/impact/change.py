"""A change in words, with its effect on what runs and its risk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.wording import some

Place: TypeAlias = tuple[str, ...]
"""A place in a model, from its top; positions in lists are decimal numbers."""


class Risk(IntEnum):
    """How much a reviewer should worry."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The name as users write it."""
        return self.name.lower()


class Effect(StrEnum):
    """What the next ``docker compose up`` does about a change."""

    NOTHING = "nothing"
    ORDER = "start order alone"
    BUILD = "image built anew"
    CREATED = "container created"
    RECREATED = "container recreated"
    REMOVED = "container no longer part of the project"
    NETWORK = "network recreated"
    DATA = "data left behind"
    VOLUME = "volume to be recreated"
    REJECTED = "nothing starts"
    UNKNOWN = "unknown"


class Rule(Struct, frozen=True):
    """A kind of change: *id* is stable, *title* says in a sentence what it is about."""

    id: str
    risk: Risk
    title: str


class Change(Struct, frozen=True):
    """One change. *words* hide secret values.

    *path* is its place in the new model, or in the old one where *was* is True: then it is gone.
    *covers* are the places that it explains, itself included. A line that belongs to it holds all
    of *marks*. *effect* None is told by the container's hash.
    """

    rule: Rule
    path: Place
    words: str
    effect: Effect | None = None
    risk: Risk = Risk.NONE
    was: bool = False
    covers: tuple[Place, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def service(self) -> str | None:
        """The service that it is about."""
        return self.path[1] if len(self.path) > 1 and self.path[0] == "services" else None


def change(
    rule: Rule,
    path: Place,
    words: str,
    *,
    effect: Effect | None = None,
    risk: Risk | None = None,
    was: bool = False,
    covers: tuple[Place, ...] = (),
    marks: tuple[str, ...] = (),
) -> Change:
    """Return a change of *rule*, with the rule's risk unless another is given."""
    return Change(
        rule, path, words, effect, rule.risk if risk is None else risk, was, (path, *covers), marks
    )


def _unknown(path: str) -> bool:  # noqa: ARG001 - answers as a tree without files does
    return False


@dataclass(frozen=True, slots=True)
class State:
    """One state of an entry point: the resolved *model*, and what else is known about it.

    *raw* is the uninterpolated model and *hashes* has each container's; None where they are
    unknown. *keeps* tells whether a path below the project directory is part of the sources, so
    that it holds no data of what runs. *left_out* are services that are written, and not resolved.
    """

    model: Mapping[str, Any] = field(repr=False)
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
    hashes: Mapping[str, str] | None = None
    keeps: Callable[[str], bool] = _unknown
    left_out: frozenset[str] = frozenset()

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """The services by name."""
        return self.section("services")

    def section(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """Return a top-level section; one without entries is {}."""
        found = self.model.get(name) or {}
        return {key: value or {} for key, value in found.items()}

    def raw_service(self, name: str) -> Mapping[str, Any] | None:
        """Return the uninterpolated service, or None where it is unknown."""
        services = (self.raw or {}).get("services") or {}
        return services.get(name)

    def resource_name(self, section: str, key: str) -> str:
        """Return what the engine calls a network or volume: the same name is the same thing."""
        return str(self.section(section).get(key, {}).get("name") or key)


class ServicePair(Struct, frozen=True):
    """A service in both states; *old* or *new* is {} where it is not there.

    *old_name* is another one where it was renamed.
    """

    name: str
    before: State
    after: State
    old_name: str = ""

    @property
    def old(self) -> Mapping[str, Any]:
        """The old definition."""
        return self.before.services.get(self.old_name or self.name, {})

    @property
    def new(self) -> Mapping[str, Any]:
        """The new definition."""
        return self.after.services.get(self.name, {})

    @property
    def raw(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """Both definitions as they are written, with variables."""
        return (
            self.before.raw_service(self.old_name or self.name),
            self.after.raw_service(self.name),
        )

    def at(self, *path: str) -> Place:
        """Return a place in the service."""
        return ("services", self.name, *path)


def with_effect(found: Change, effect: Effect) -> Change:
    """Return *found* with *effect*."""
    return replace(found, effect=effect)


def listed(names: Any, most: int = 6) -> str:
    """Return *names* as an enumeration; more than *most* are counted."""
    words = [str(name) for name in names]
    if len(words) > most:
        return some(words, most)
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
