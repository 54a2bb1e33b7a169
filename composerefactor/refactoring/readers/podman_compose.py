"""podman-compose supports `include` only in recent versions.

A file that a command gives to it stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._whole import whole


@reader("podman-compose", reads="scripts, CI files, documentation", include="no", extends="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that the reader reads."""
    del split  # a file that it reads is not split
    return whole(around, "podman-compose")
