"""What a review says, as values."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.errors import Location
from composerefactor.impact.change import Change, Risk
from composerefactor.verify.engine import Engine
from composerefactor.verify.models import Difference

Pair: TypeAlias = tuple[EntryPoint | None, EntryPoint | None]
"""An entry point in the old and in the new state."""


class Reviewed(Struct, frozen=True):
    """One change with its *location*, and the entry points in which it is seen.

    *services* are all those in which one text makes the same change. *nearby* is the nearest line
    of the new state, for what is gone.
    """

    change: Change
    location: Location | None
    entries: tuple[EntryPoint, ...]
    services: tuple[str, ...] = ()
    nearby: Location | None = None


class Compared(Struct, frozen=True):
    """One entry point: *old* or *new* is None where the other state alone has it.

    *recreated* names the containers that ``up`` would make anew, None where that is unknown.
    *evidence* is where the resolved models differ. *blank* are variables without a value.
    *reason* says why the two states were not compared, *left_out* are services that were not, since
    the engine resolves them in one state or in neither.
    """

    old: EntryPoint | None
    new: EntryPoint | None
    changes: tuple[Change, ...] = ()
    recreated: tuple[str, ...] | None = ()
    evidence: tuple[Difference, ...] = ()
    services: int = 0
    reason: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def entry(self) -> EntryPoint:
        """The entry point, as it is now where it is still there."""
        found = self.new or self.old
        assert found is not None  # noqa: S101 - one of the two is there
        return found


class Review(Struct, frozen=True):
    """All that a change means. *notes* say what the comparison rests on.

    *prefix* is the path of the project below git's top level.
    """

    old_name: str
    new_name: str
    engine: Engine
    compared: tuple[Compared, ...]
    changes: tuple[Reviewed, ...]
    notes: tuple[str, ...] = ()
    runs: int = 0
    prefix: str = ""

    @property
    def risk(self) -> Risk:
        """The highest of all changes."""
        return max((each.change.risk for each in self.changes), default=Risk.NONE)

    @property
    def differs(self) -> bool:
        """Whether anything changed, or could not be compared."""
        return bool(self.changes) or any(each.reason or each.left_out for each in self.compared)
