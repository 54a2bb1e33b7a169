"""Networks and volumes of two states: the same name is the same one, whatever its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from composerefactor.impact.change import Change, Effect, State, change
from composerefactor.impact.rules import KEY_RENAMED

_NAMING = frozenset({"name", "external"})


class Kept(Struct, frozen=True):
    """A resource that both states have: its *name*, the *keys* and the definitions, old and new."""

    section: str
    name: str
    keys: tuple[str, str]
    was: Mapping[str, Any]
    now: Mapping[str, Any]

    @property
    def path(self) -> tuple[str, str]:
        """Where it is defined now."""
        return self.section, self.keys[1]

    @property
    def external(self) -> tuple[bool, bool]:
        """Whether it has to exist already, before and after."""
        return bool(self.was.get("external")), bool(self.now.get("external"))

    def renamed(self, same: str) -> Iterator[Change]:
        """Yield the change of its key, if that is another; *same* says what stays: ``the data``."""
        old, new = self.keys
        if old != new:
            kind = self.section.removesuffix("s")
            words = f"{kind} {self.name}: its key is {new}, was {old}; {same}"
            covers = ((self.section, old),)
            yield change(KEY_RENAMED, self.path, words, effect=Effect.NOTHING, covers=covers)

    def differing(self, driver: str) -> list[str]:
        """Return the keys in which the definitions differ; *driver* is the one by default."""
        old, new = {"driver": driver, **self.was}, {"driver": driver, **self.now}
        return [
            key
            for key in dict.fromkeys([*old, *new])
            if key not in _NAMING and (old.get(key) or None) != (new.get(key) or None)
        ]


def kept(before: State, after: State, section: str) -> Iterator[Kept]:
    """Yield the resources of *section*, ``networks`` or ``volumes``, that both states have."""
    old = {before.resource_name(section, key): key for key in before.section(section)}
    new = {after.resource_name(section, key): key for key in after.section(section)}
    for name in old.keys() & new.keys():
        keys = old[name], new[name]
        was, now = before.section(section)[keys[0]], after.section(section)[keys[1]]
        yield Kept(section, name, keys, was, now)
