"""Readers for which a root file stays whole; the discovery finds them before a plan is made."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, Surroundings


def whole(around: Surroundings, name: str) -> Iterator[Outcome]:
    """Yield an outcome for each Compose file that the other reader *name* reads."""
    for other in around.others:
        if other.name == name:
            location = Location(other.evidence.path or other.path, other.evidence.line)
            yield Outcome("whole", location, f"{other.evidence.reason}: {other.path} stays whole")
