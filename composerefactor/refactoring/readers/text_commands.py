"""Commands such as sed, grep and yq read or change the text of a root file.

What they look for may be in a module after a split: an image tag that `sed -i` sets would silently
stay as it is. Only their author knows what they look for, so each is pointed out. Commands that
read the modules too are fine.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._copies import carried, local_file, shell_calls

_PROGRAMS = frozenset({"sed", "gsed", "grep", "egrep", "awk", "gawk", "yq", "envsubst", "perl"})
_PROGRAM = re.compile(rf"(?:^|[/\s;&|(])(?:{'|'.join(sorted(_PROGRAMS))})(?=$|\s)", re.MULTILINE)


@reader("Text commands", reads="scripts, CI files, Makefiles, documentation", include="no")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each command that reads the text of a file which is split."""
    modules = {each.path: each.modules for each in split.splits}
    for calls in shell_calls(around, split, _PROGRAM):
        for call in calls:
            program = posixpath.basename(call.words[0])
            if program not in _PROGRAMS:
                continue
            paths = {
                around.place(path)
                for word in call.words[1:]
                if (path := local_file(call, word.lstrip("<>"), around.listing)) is not None
            }
            location = Location(call.script.path, call.line)
            for path in sorted(paths & modules.keys()):
                missing = [each for each in modules[path] if not carried(each, paths)]
                verb = "changes" if program == "sed" and "-i" in call.words else "reads"
                said = f"{program} {verb} the text of {path}"
                if not missing:
                    yield Outcome("fine", location, f"{said} and of its modules")
                    continue
                targets = ", ".join(split.covering(missing))
                yield Outcome(
                    "named",
                    location,
                    f"{said}; what it looks for may be in a module",
                    f"look in {targets} too",
                    breaks=False,
                )
