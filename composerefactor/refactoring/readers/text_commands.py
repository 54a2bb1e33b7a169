"""Commands such as sed, grep and yq read or change the text of a root file.

What they look for may be in a module after a split: an image tag that `sed -i` sets would silently
stay as it is. Only their author knows what they look for, so each script is pointed out once, and
so is a grep for the name of the file in a list of changes. Scripts that read the modules too are
fine.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from composerefactor.discovery.shell import ShellCall
from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._copies import READING, carried, local_file, shell_calls

_FINDERS = frozenset({"grep", "egrep"})


@reader("Text commands", reads="scripts, CI files, Makefiles, documentation", include="no")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each command that reads the text of a file which is split."""
    modules = {each.path: each.modules for each in split.splits}
    for calls in shell_calls(around, split):
        yield from _names_in_patterns(around, split, calls)
        found: dict[str, dict[int, ShellCall]] = {}
        read: set[str] = set()
        for call in calls:
            if _program(call) not in READING:
                continue
            for word in call.words[1:]:
                path = local_file(call, word.lstrip("<>"), around.listing)
                if path is not None:
                    read.add(path)
                    found.setdefault(path, {}).setdefault(call.line, call)
        for path in sorted(found.keys() & modules.keys()):
            missing = [each for each in modules[path] if not carried(each, read)]
            yield _outcome(around, path, found[path], split.covering(missing))


def _program(call: ShellCall) -> str:
    return next((posixpath.basename(word) for word in call.words if word != "sudo"), "")


def _names_in_patterns(
    around: Surroundings, split: PlannedSplit, calls: Iterable[ShellCall]
) -> Iterator[Outcome]:
    """Yield the calls of grep that look for the name of a split file: in a list of changes."""
    for call in calls:
        for word in call.words[1:] if _program(call) in _FINDERS else ():
            name = word.strip("^$").replace("\\", "")
            each = next((each for each in split.splits if each.path == name != word), None)
            if each is not None:
                location = Location(around.path(call.script.path), call.line)
                yield Outcome(
                    "named",
                    location,
                    f"grep looks for the name {each.path}, which its modules do not have",
                    f"look for {', '.join(split.covering(each.modules))} too",
                    breaks=False,
                )


def _outcome(
    around: Surroundings, path: str, calls: Mapping[int, ShellCall], missing: Sequence[str]
) -> Outcome:
    """Return one outcome for all commands of a file that read the text of *path*."""
    first, *others = calls.values()
    programs = ", ".join(sorted(set(map(_program, calls.values()))))
    more = f" in {1 + len(others)} lines from here" if others else ""
    said = f"the text of {path} is read by {programs}{more}"
    location = Location(around.path(first.script.path), first.line)
    if not missing:
        return Outcome("fine", location, f"{said}, and so are its modules")
    return Outcome(
        "named",
        location,
        f"{said}; what they look for may be in a module",
        f"look in {', '.join(missing)} too",
        breaks=False,
    )
