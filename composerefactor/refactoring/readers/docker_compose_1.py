"""docker-compose 1.x, the program written in Python, rejects `include`.

A file that is read in a place where a version 1 is installed stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._whole import whole


@reader("docker-compose 1.x", reads="requirements, scripts, CI files", include="no", extends="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that the reader reads."""
    del split  # a file that it reads is not split
    return whole(around, "docker-compose 1.x")
