"""Coolify parses one Compose file by itself, and ignores what it includes.

A file that is written for it, with its variables or labels, stays whole (coollabsio/coolify#2859,
#5921).
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.discovery.readers import COOLIFY
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._whole import whole


@reader("Coolify", reads="Compose files", include="no")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that the reader reads."""
    del split  # a file that it reads is not split
    return whole(around, COOLIFY)
