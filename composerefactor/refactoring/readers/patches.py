"""Patch files change the text of a root file, and no longer apply when it moves to modules.

Only their author can make them anew, so each is pointed out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader

_PATCH = re.compile(r".*\.(?:patch|diff)")
_FILE = re.compile(r"^--- (?:a/)?(?P<path>[^\t\n]{1,400})", re.MULTILINE)


@reader("Patches", reads="*.patch, *.diff", include="no")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each patch of a file which is split."""
    roots = {each.path for each in split.splits if each.created}
    for file in around.files(_PATCH, anywhere=True):
        for match in _FILE.finditer(file.text):
            if match["path"].strip() in roots:
                yield Outcome(
                    "named",
                    file.location(match.start()),
                    f"changes lines of {match['path'].strip()} that move to modules",
                    "make the patch anew",
                )
