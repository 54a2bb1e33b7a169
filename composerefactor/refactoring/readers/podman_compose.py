"""podman-compose reads modules, but resolves relative paths in them in another way.

Version 1.6.0 resolves paths of an included file against the directory of the root file, does not
find mounts of an extended file in another directory, and stops at a list of files in `path`. A file
that a command gives to it stays whole; `composerefactor join` makes one file of a split project.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._whole import whole


@reader("podman-compose", reads="scripts, CI files, documentation", include="no", extends="no")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that the reader reads."""
    del split  # a file that it reads is not split
    return whole(around, "podman-compose")
