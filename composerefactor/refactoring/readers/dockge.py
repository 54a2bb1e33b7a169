"""Dockge starts a stack with Docker Compose in its directory, so that it follows.

Its editor shows the root file alone (hamphh/dockge#9). A file with `x-dockge` is taken for one of
Dockge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._platforms import mentions

_KEY = re.compile(r"^x-dockge\s*:", re.MULTILINE)


@reader("Dockge", reads="Compose files", include="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each split file of Dockge."""
    said = "Dockge starts it with Docker Compose; its editor shows only the root file"
    return mentions(around, split, _KEY, "fine", said)
