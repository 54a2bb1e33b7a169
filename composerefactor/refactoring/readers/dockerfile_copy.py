"""A Dockerfile that copies a root file into an image carries it away alone.

`COPY` and `ADD` of the root file without its modules, or of a directory that does not contain them,
are pointed out. Paths are relative to the build context: the directory of the Dockerfile, or one
above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.compose.paths import path_from
from composerefactor.discovery.script import ancestors
from composerefactor.errors import Location
from composerefactor.images.dockerfiles import instructions
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._copies import alone, files_that_name

_DOCKERFILE = re.compile(
    r"(?:.*/)?(?:[Dd]ockerfile(?:\.[\w.-]+)?|[\w.-]+\.[Dd]ockerfile|Containerfile)"
)


@reader("Dockerfiles", reads="Dockerfile", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each instruction that copies a file which is split."""
    for file in files_that_name(around, split, _DOCKERFILE):
        named: list[tuple[str, Location, str]] = []
        everything: set[str] = set()
        for each in instructions(file.text):
            if each.name not in {"COPY", "ADD"} or "from" in each.flags:
                continue
            words = each.words if each.words is not None else tuple(each.text.split())
            for word in words[:-1]:
                if "<<" in word or "$" in word:
                    continue
                for directory in ancestors(file.place, nearest_first=True):
                    path = path_from(directory, word.lstrip("/"))
                    if around.listing.exists(path) or path in around.listing.directories:
                        everything.add(path)
                        location = Location(file.path, each.line)
                        named.append((path, location, "copies {} to an image"))
                        break
        yield from alone(split, named, everything, "copy {} too")
