"""`docker compose publish` uploads a project to a registry, and rejects local includes.

A file that is published stays whole, unless it is split with `--strategy extends`: extended files
are published too (observed: v5.6.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.discovery.readers import PUBLISH
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._whole import whole


@reader(
    "docker compose publish", reads="scripts, CI files, documentation", include="no", extends="yes"
)
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that the reader reads."""
    del split  # a file that it reads is not split
    return whole(around, PUBLISH)
