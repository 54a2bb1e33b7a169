"""Commands that copy, pack, read or change a root file, and patches of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec.structs import replace

from composerefactor.compose.paths import directory_of
from composerefactor.discovery.command_files import scripts_of
from composerefactor.discovery.files import Listing
from composerefactor.discovery.resolve import local_path, working_directories
from composerefactor.discovery.script import Script
from composerefactor.discovery.shell import ShellCall
from composerefactor.discovery.shell import calls as calls_in
from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._patterns import alone, carried, matches

_COPYING = frozenset(
    {"scp", "pscp", "rsync", "cp", "install", "mv", "gsutil", "rclone", "aws", "gcloud", "az"}
    | {"kubectl", "docker-machine", "docker"}
)
"""Programs that copy files to the last argument."""

_PACKING = frozenset({"tar", "zip", "7z", "git"})
"""Programs that write archives."""

_READING = frozenset({"sed", "gsed", "grep", "egrep", "awk", "gawk", "yq", "envsubst", "perl"})
"""Programs that read or change text."""

_PROGRAMS = "|".join(sorted(_COPYING | _PACKING | _READING | {"curl"}))
_PROGRAM = re.compile(rf"(?:^|[/\s;&|(@'\"])(?:{_PROGRAMS})(?=$|\s)", re.MULTILINE)
_STATE = r"[=()]|\b(?:cd|pushd|popd|Set-Location)\b"
"""What a line has that sets a variable, moves to a directory, or begins or ends a subshell."""

_CARRYING = _COPYING | _PACKING | {"curl"}
_SUBCOMMANDS = {
    "aws": {"s3"},
    "gsutil": {"cp", "rsync", "mv"},
    "rclone": {"copy", "copyto", "sync"},
    "gcloud": {"scp", "cp"},
    "az": {"upload", "upload-batch"},
    "kubectl": {"cp"},
    "docker-machine": {"scp"},
    "docker": {"cp"},
    "git": {"archive"},
}
_UPLOAD = r"-T|--upload-file|(?:[\w-]+=)?@.+"


@reader("Copies", reads="scripts, CI files, Makefiles, documentation", include="told")
def copy_commands(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Commands such as scp, rsync and tar carry a root file away, to a server or into an archive.

    A root file without its modules does not start there. A command whose script carries the modules
    too, or the directory that contains them, is fine; a copy in the same directory is, too. The
    others are pointed out, since only their author knows what the destination needs.
    """
    for calls in _shell_calls(around, split):
        copied = [(call, path) for call in calls for path in _copied(call, around)]
        named = [
            (path, Location(around.path(call.script.path), call.line), _said(call))
            for call, path in copied
        ]
        everything = {path for _, path in copied}
        yield from alone(split, named, everything, "copy {} too")


def _said(call: ShellCall) -> str:
    program = _carrier(call)
    return f"{program} {'packs' if program in _PACKING else 'copies'} {{}}"


def _carrier(call: ShellCall) -> str:
    names = [posixpath.basename(word) for word in call.words[:8]]
    return next((name for name in names if name in _CARRYING), "")


def _copied(call: ShellCall, around: Surroundings) -> Iterator[str]:
    """Yield the files and directories of the project that *call* copies elsewhere."""
    program = _carrier(call)
    words = list(call.words)
    start = next((n for n, w in enumerate(words) if posixpath.basename(w) == program), 0) + 1
    arguments = words[start:]
    subcommands = _SUBCOMMANDS.get(program)
    if not program or (subcommands and not subcommands & set(arguments[:4])):
        return
    if program == "curl":
        arguments = [
            word.partition("@")[2] if "@" in word else after
            for word, after in pairwise([*arguments, ""])
            if re.fullmatch(_UPLOAD, word)
        ]
    if program in _PACKING and not _packs(program, arguments):
        return
    plain = [word for word in arguments if not word.startswith("-")]
    target = None
    if program in _COPYING and len(plain) > 1:
        target = plain.pop()
    for word in plain:
        path = _local_file(call, word, around.listing)
        if path is not None and not (target and _stays(word, target, call, around)):
            yield path


def _packs(program: str, arguments: list[str]) -> bool:
    """Return whether an archive is written, not read."""
    if program == "tar":
        letters = arguments[0].lstrip("-") if arguments else ""
        return "--create" in arguments or (letters.isalpha() and bool({"c", "r"} & set(letters)))
    return program in {"zip", "git"} or arguments[:1] == ["a"]


def _stays(word: str, target: str, call: ShellCall, around: Surroundings) -> bool:
    """Return whether a copy of *word* at *target* is in the same directory: its includes work."""
    if ":" in target or target.endswith("/"):
        return False
    if _local_file(call, target, around.listing) in around.listing.directories:
        return False
    return posixpath.normpath(directory_of(word)) == posixpath.normpath(directory_of(target))


_FINDERS = frozenset({"grep", "egrep"})


@reader("Text commands", reads="scripts, CI files, Makefiles, documentation", include="no")
def text_commands(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Commands such as sed, grep and yq read or change the text of a root file.

    What they look for may be in a module after a split: an image tag that `sed -i` sets would
    silently stay as it is. Only their author knows what they look for, so each script is pointed
    out once, and so is a grep for the name of the file in a list of changes. Scripts that read the
    modules too are fine.
    """
    modules = {each.path: each.modules for each in split.splits}
    for calls in _shell_calls(around, split):
        yield from _names_in_patterns(around, split, calls)
        found: dict[str, dict[int, ShellCall]] = {}
        read: set[str] = set()
        for call in calls:
            if _program(call) not in _READING:
                continue
            for word in call.words[1:]:
                path = _local_file(call, word.lstrip("<>"), around.listing)
                if path is not None:
                    read.add(path)
                    found.setdefault(path, {}).setdefault(call.line, call)
        for path in sorted(found.keys() & modules.keys()):
            missing = [each for each in modules[path] if not carried(each, read)]
            yield _text_outcome(around, path, found[path], split.covering(missing))


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


def _text_outcome(
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


_PATCH = re.compile(r".*\.(?:patch|diff)")
_PATCHED_FILE = r"(?m)^--- (?:a/)?(?P<path>[^\t\n]{1,400})"


@reader("Patches", reads="*.patch, *.diff", include="no")
def patches(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Patch files change the text of a root file, and no longer apply when it moves to modules.

    Only their author can make them anew, so each is pointed out.
    """
    roots = {each.path for each in split.splits if each.created}
    for file in around.files(_PATCH, anywhere=True):
        for match in re.finditer(_PATCHED_FILE, file.text):
            if match["path"].strip() in roots:
                yield Outcome(
                    "named",
                    file.location(match.start()),
                    f"changes lines of {match['path'].strip()} that move to modules",
                    "make the patch anew",
                )


def _shell_calls(around: Surroundings, split: PlannedSplit) -> list[list[ShellCall]]:
    """Return the commands that copy, pack or read files, by the file that contains them.

    Files that do not name a split file are left out. All readers of commands share the result.
    """
    key = "shell_calls"
    if key not in around.read_once:
        around.read_once[key] = list(_found_calls(around, split))
    calls: list[list[ShellCall]] = around.read_once[key]
    return calls


def _found_calls(around: Surroundings, split: PlannedSplit) -> Iterator[list[ShellCall]]:
    for path in around.scripts:
        file = around.file(path)
        text = file.text if file is not None else ""
        plain = text.replace("\\", "")  # in a regular expression a dot may have a backslash
        if split.is_named_in(plain) and _PROGRAM.search(text):
            scripts = (_relevant(script, split) for script in scripts_of(path, text))
            found = [call for script in scripts for call in calls_in(script, _PROGRAM)]
            if found:
                yield found


def _relevant(script: Script, split: PlannedSplit) -> Script:
    """Return *script* without the lines that neither name a file nor set or move anything."""
    lines = tuple(
        line
        for line in script.lines
        if re.search(_STATE, line.text)
        or _PROGRAM.search(line.text)
        or split.is_named_in(line.text)
    )
    return replace(script, lines=lines)


def _local_file(call: ShellCall, word: str, listing: Listing) -> str | None:
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
