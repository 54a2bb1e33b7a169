"""Places that carry files away: whether they carry a root file without its modules."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from composerefactor.discovery.command_files import reader_for, scripts_of
from composerefactor.discovery.files import Listing
from composerefactor.discovery.resolve import local_path, working_directories
from composerefactor.discovery.shell import ShellCall, calls
from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings
from composerefactor.refactoring.readers._globs import matches

MAX_FILES = 600
"""Files of one kind that are read, at most."""


def shell_calls(
    around: Surroundings, split: PlannedSplit, programs: re.Pattern[str]
) -> Iterator[list[ShellCall]]:
    """Yield the commands of each file that start one of *programs* and name a split file.

    Commands of a file that does not contain the name of a split file are left out.
    """
    names = {posixpath.basename(each.path) for each in split.splits}
    read = 0
    for path in around.listing.paths:
        if reader_for(path) is None:
            continue
        read += 1
        if read > MAX_FILES:
            return
        text = around.listing.read(path) or ""
        plain = text.replace("\\", "")  # in a regular expression a dot may have a backslash
        if not any(name in plain for name in names) or not programs.search(text):
            continue
        found = [call for script in scripts_of(path, text) for call in calls(script, programs)]
        if found:
            yield found


def local_file(call: ShellCall, word: str, listing: Listing) -> str | None:
    """Return the file or directory of the project that *word* of *call* names; None if none.

    The directory of the script comes before those above it, so that a script beside another Compose
    file of the same name is about that one.
    """
    if not word or ":" in word or word.startswith("-"):
        return None
    directories = working_directories(call, listing)
    for directory in sorted(directories, key=lambda each: -each.count("/") - (each != ".")):
        path = local_path(directory, word)
        if path is not None and (listing.exists(path) or path in listing.directories):
            return path
        if path is not None and "*" in word and any(matches(path, p) for p in listing.paths):
            return path
    return None


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
        if missing:
            said = f"{verb.format(path)} without its modules"
            yield Outcome("named", location, said, action.format(targets))
        else:
            yield Outcome("fine", location, f"{verb.format(path)} with its modules")
