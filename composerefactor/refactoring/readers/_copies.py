"""Places that carry files away: whether they carry a root file without its modules."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, ReaderFile, Surroundings
from composerefactor.refactoring.readers._patterns import matches

MAX_FILES = 600
"""Files of one kind that are read, at most."""


def files_that_name(
    around: Surroundings, split: PlannedSplit, pattern: re.Pattern[str]
) -> Iterator[ReaderFile]:
    """Yield the files at any depth that match *pattern* and contain the name of a split file.

    At most :data:`MAX_FILES` of those that match are read.
    """
    for file in islice(around.files(pattern, anywhere=True), MAX_FILES):
        if split.is_named_in(file.text):
            yield file


def carried(path: str, paths: Collection[str]) -> bool:
    """Return whether *path* is one of *paths*, in a directory of them, or matches a pattern."""
    return any(
        each in {path, "."} or path.startswith(f"{each.rstrip('/')}/") or matches(each, path)
        for each in paths
    )


def alone(
    split: PlannedSplit,
    named: Iterable[tuple[str, Location, str]],
    everything: Collection[str],
    action: str,
) -> Iterator[Outcome]:
    """Yield the outcomes for places that carry split files away.

    Args:
        split: The planned split.
        named: The files that are named, from the repository's top level, with the places and what
            the reader does there, with ``{}`` for the file.
        everything: The files and directories that the same file carries in all.
        action: What to do, with ``{}`` for the directories of the modules.
    """
    by_path: Mapping[str, tuple[str, ...]] = {each.path: each.modules for each in split.splits}
    for path, location, verb in dict.fromkeys(named):
        modules = by_path.get(path)
        if not modules:
            continue
        missing = [module for module in modules if not carried(module, everything)]
        targets = ", ".join(split.covering(missing))
        if missing and path not in split.files:
            said = f"{verb.format(path)}, which moves"
            instead = action.format(targets).replace(" too", " instead")
            yield Outcome("named", location, said, instead)
        elif missing:
            said = f"{verb.format(path)} without its modules"
            yield Outcome("named", location, said, action.format(targets))
        else:
            yield Outcome("fine", location, f"{verb.format(path)} with its modules")
