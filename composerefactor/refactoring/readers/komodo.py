"""Komodo starts the stacks of its resource files with Docker Compose, so that it follows.

It shows only the services of the files in `file_paths` (moghtech/komodo#1462), so that a stack
whose services are all in modules looks empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from composerefactor.compose.paths import path_from
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader

_RESOURCES = re.compile(r".*\.toml")
_STACK = re.compile(r"^\[\[stack\]\]", re.MULTILINE)
_FILES = re.compile(r"^\s*file_paths\s*=\s*\[(?P<files>[^\]]{0,2000})\]", re.MULTILINE)
_DIRECTORY = re.compile(r"^\s*run_directory\s*=\s*\"(?P<directory>[^\"\n]*)\"", re.MULTILINE)
_STRING = re.compile(r"[\"']([^\"'\n]+)[\"']")


@reader("Komodo", reads="*.toml with [[stack]]", include="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each stack that names a file which is split."""
    roots = {each.path for each in split.splits}
    for file in around.files(_RESOURCES, anywhere=True):
        starts = [match.start() for match in _STACK.finditer(file.text)]
        for start, end in pairwise([*starts, len(file.text)]):
            stack = file.text[start:end]
            files = _FILES.search(stack)
            directory = _DIRECTORY.search(stack)
            below = directory["directory"].removeprefix("./") if directory else ""
            for match in _STRING.finditer(files["files"]) if files else ():
                path = path_from(below, match[1])
                if path in roots and files is not None:
                    at = start + files.start("files") + match.start()
                    said = f"starts {path} with Docker Compose; shows only services in this file"
                    yield Outcome("fine", file.location(at), said)
