"""kompose converts a Compose file to Kubernetes manifests, and does not read what it includes.

A file that a command gives to it stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._whole import whole


@reader("kompose", reads="scripts, CI files, documentation", include="no")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that the reader reads."""
    del split  # a file that it reads is not split
    return whole(around, "kompose")
