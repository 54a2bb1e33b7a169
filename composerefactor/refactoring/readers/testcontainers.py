"""Testcontainers starts a Compose file in tests, often with a copy of that file in a container.

A file that test code names stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._whole import whole


@reader("Testcontainers", reads="test code", include="no", extends="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that the reader reads."""
    del split  # a file that it reads is not split
    return whole(around, "Testcontainers")
