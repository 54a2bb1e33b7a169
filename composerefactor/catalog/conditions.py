"""Conditions on how an image is used: on its repository, tag, environment and command.

A condition holds, does not hold, or cannot be decided, for instance since a variable without a
default stands for the tag. It is never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from fnmatch import fnmatchcase

from msgspec import Struct

from composerefactor.catalog.tags import Tag, in_range


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
