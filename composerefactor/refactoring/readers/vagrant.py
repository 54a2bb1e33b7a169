"""Vagrant starts Docker Compose in its machine, or copies a root file there.

The provisioner `docker_compose` runs in the directory of the `Vagrantfile`, which the machine sees
as `/vagrant`, so that it follows. A provisioner that copies the root file without its modules is
pointed out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.compose.paths import path_from
from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._copies import alone, files_that_name

_FILE = re.compile(r"(?:.*/)?Vagrantfile(?:\.[\w.]+)?")
_STARTED = re.compile(r"[\"']/vagrant/(?P<path>[^\"'\n]{1,300})[\"']")
_COPIED = re.compile(r"\bsource\s*(?::|=>)\s*[\"'](?P<path>[^\"'#\n]{1,300})[\"']")


@reader("Vagrant", reads="Vagrantfile", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each place that starts or copies a file which is split."""
    roots = {each.path for each in split.splits}
    for file in files_that_name(around, split, _FILE):
        directory = posixpath.dirname(file.place)
        copied: list[tuple[str, Location, str]] = []
        for start in file.source.line_starts:
            line = file.source.line(start)
            if line.lstrip().startswith("#"):
                continue
            for match in _STARTED.finditer(line) if "docker_compose" in line else ():
                path = path_from(directory, match["path"])
                if path in roots:
                    yield Outcome("fine", file.location(start), f"starts {path}")
            for match in _COPIED.finditer(line):
                path = path_from(directory, match["path"])
                copied.append((path, file.location(start), "copies {}"))
        yield from alone(split, copied, {path for path, _, _ in copied}, "copy {} too")
