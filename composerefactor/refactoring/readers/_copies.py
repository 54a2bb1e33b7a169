"""Places that carry files away: whether they carry a root file without its modules."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from msgspec.structs import replace

from composerefactor.discovery.command_files import scripts_of
from composerefactor.discovery.files import Listing
from composerefactor.discovery.resolve import local_path, working_directories
from composerefactor.discovery.script import Script
from composerefactor.discovery.shell import ShellCall, calls
from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, ReaderFile, Surroundings
from composerefactor.refactoring.readers._globs import matches

COPYING = frozenset(
    {"scp", "pscp", "rsync", "cp", "install", "mv", "gsutil", "rclone", "aws", "gcloud", "az"}
    | {"kubectl", "docker-machine", "docker"}
)
"""Programs that copy files to the last argument."""

PACKING = frozenset({"tar", "zip", "7z", "git"})
"""Programs that write archives."""

READING = frozenset({"sed", "gsed", "grep", "egrep", "awk", "gawk", "yq", "envsubst", "perl"})
"""Programs that read or change text."""

_PROGRAMS = "|".join(sorted(COPYING | PACKING | READING | {"curl"}))
_PROGRAM = re.compile(rf"(?:^|[/\s;&|(@'\"])(?:{_PROGRAMS})(?=$|\s)", re.MULTILINE)
_STATE = re.compile(r"[=()]|\b(?:cd|pushd|popd|Set-Location)\b")
"""What a line has that sets a variable, moves to a directory, or begins or ends a subshell."""

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


def shell_calls(around: Surroundings, split: PlannedSplit) -> list[list[ShellCall]]:
    """Return the commands that copy, pack or read files, by the file that contains them.

    Files that do not name a split file are left out. All readers of commands share the result.
    """
    key = "shell_calls"
    if key not in around.read_once:
        around.read_once[key] = list(_shell_calls(around, split))
    calls: list[list[ShellCall]] = around.read_once[key]
    return calls


def _shell_calls(around: Surroundings, split: PlannedSplit) -> Iterator[list[ShellCall]]:
    for path in around.scripts:
        file = around.file(path)
        text = file.text if file is not None else ""
        plain = text.replace("\\", "")  # in a regular expression a dot may have a backslash
        if split.is_named_in(plain) and _PROGRAM.search(text):
            scripts = (_relevant(script, split) for script in scripts_of(path, text))
            found = [call for script in scripts for call in calls(script, _PROGRAM)]
            if found:
                yield found


def _relevant(script: Script, split: PlannedSplit) -> Script:
    """Return *script* without the lines that neither name a file nor set or move anything."""
    lines = tuple(
        line
        for line in script.lines
        if _STATE.search(line.text) or _PROGRAM.search(line.text) or split.is_named_in(line.text)
    )
    return replace(script, lines=lines)


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
        if missing and path not in split.files:
            said = f"{verb.format(path)}, which moves"
            instead = action.format(targets).replace(" too", " instead")
            yield Outcome("named", location, said, instead)
        elif missing:
            said = f"{verb.format(path)} without its modules"
            yield Outcome("named", location, said, action.format(targets))
        else:
            yield Outcome("fine", location, f"{verb.format(path)} with its modules")
