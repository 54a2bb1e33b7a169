"""Commands such as scp, rsync and tar carry a root file away, to a server or into an archive.

A root file without its modules does not start there. A command whose script carries the modules
too, or the directory that contains them, is fine; a copy in the same directory is, too. The others
are pointed out, since only their author knows what the destination needs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise

from composerefactor.discovery.shell import ShellCall
from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._copies import (
    COPYING,
    PACKING,
    alone,
    local_file,
    shell_calls,
)

_PROGRAMS = COPYING | PACKING | {"curl"}
_COPYING = {
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
_UPLOAD = re.compile(r"-T|--upload-file|(?:[\w-]+=)?@.+")


@reader("Copies", reads="scripts, CI files, Makefiles, documentation", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each command that copies a file which is split."""
    for calls in shell_calls(around, split):
        copied = [(call, path) for call in calls for path in _copied(call, around)]
        named = [
            (path, Location(around.path(call.script.path), call.line), _said(call))
            for call, path in copied
        ]
        everything = {path for _, path in copied}
        yield from alone(split, named, everything, "copy {} too")


def _said(call: ShellCall) -> str:
    program = _program(call)
    return f"{program} {'packs' if program in PACKING else 'copies'} {{}}"


def _program(call: ShellCall) -> str:
    names = [posixpath.basename(word) for word in call.words[:8]]
    return next((name for name in names if name in _PROGRAMS), "")


def _copied(call: ShellCall, around: Surroundings) -> Iterator[str]:
    """Yield the files and directories of the project that *call* copies elsewhere."""
    program = _program(call)
    words = list(call.words)
    start = next((n for n, w in enumerate(words) if posixpath.basename(w) == program), 0) + 1
    arguments = words[start:]
    subcommands = _COPYING.get(program)
    if not program or (subcommands and not subcommands & set(arguments[:4])):
        return
    if program == "curl":
        arguments = [
            word.partition("@")[2] if "@" in word else after
            for word, after in pairwise([*arguments, ""])
            if _UPLOAD.fullmatch(word)
        ]
    if program in PACKING and not _packs(program, arguments):
        return
    plain = [word for word in arguments if not word.startswith("-")]
    target = None
    if program in COPYING and len(plain) > 1:
        target = plain.pop()
    for word in plain:
        path = local_file(call, word, around.listing)
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
    if local_file(call, target, around.listing) in around.listing.directories:
        return False
    return posixpath.normpath(posixpath.dirname(word) or ".") == posixpath.normpath(
        posixpath.dirname(target) or "."
    )
