"""What git knows of the project's files. The only module that starts git.

Asking runs no code of the project and writes nothing: hooks, file system monitors and content
filters that a repository's own settings name are switched off, and so are git's optional locks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct

from composerefactor.errors import InputError, Location
from composerefactor.workspace.files import SKIPPED_DIRECTORIES

_SAFE = (
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
)
_LITERAL = "--literal-pathspecs"  # a name with * or : is a name; not all commands know it
# All others go: those that git sets for its hooks would make it answer for another tree.
_KEPT_VARIABLES = frozenset(
    {
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CEILING_DIRECTORIES",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    }
)
_SECONDS = 60
_PATHS_PER_CALL = 200
_NO_REPOSITORY = ("not a git repository", "must be run in a work tree")


class Repository(Struct, frozen=True):
    """The git work tree that holds the project directory *root*.

    *prefix* is the root relative to *top*, POSIX, ``""`` where they are the same.
    """

    root: Path
    top: Path
    prefix: str

    def is_ignored(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the untracked ones of *paths* that git ignores, with the reason.

        *paths* are relative to the root and need not exist. A reason reads ``file:line:pattern``,
        where file is relative to the top level, or absolute for the user's own ignore file.
        """
        names = list(paths)
        if not names:
            return {}
        # behind ./ a leading colon has no meaning
        listed = b"".join(b"./" + os.fsencode(path) + b"\0" for path in names)
        # exit code 1: none is ignored
        output = ask(self.root, "check-ignore", "-v", "-z", "--stdin", stdin=listed, codes=(0, 1))
        fields = [os.fsdecode(field) for field in output.split(b"\0")[:-1]]
        ignored: dict[str, str] = {}
        for file, line, pattern, path in zip(*[iter(fields)] * 4, strict=True):
            # a pattern with ! is the one that decides, but against ignoring
            if not pattern.startswith("!"):
                ignored[path.removeprefix("./")] = f"{file}:{line}:{pattern}"
        return ignored

    def is_tracked(self, path: str) -> bool:
        """Return whether git has *path*, relative to the root."""
        return bool(ask(self.root, _LITERAL, "ls-files", "-z", "--", path))

    def earlier(self, path: str, most: int) -> Iterator[tuple[str, bytes]]:
        """Yield up to *most* committed texts of *path*, the latest first, with their short names.

        *path* is relative to the root. Nothing where git does not know it.
        """
        output = ask(
            self.root, _LITERAL, "log", "-z", f"-n{most}", "--format=%h", "--", path, codes=(0, 128)
        )
        below = f"{self.prefix}/{path}" if self.prefix else path
        for name in os.fsdecode(output).split("\0"):
            if not name:
                continue
            content = ask(self.root, "cat-file", "blob", f"{name}:{below}", codes=(0, 128))
            if content:
                yield name, content

    def dirty(self, paths: Iterable[str]) -> dict[str, str]:
        """Return those of *paths* that git could not bring back, with the reason in words.

        *paths* are relative to the root. A path that does not exist and that git does not know
        is clean: there is nothing to lose.
        """
        found: dict[str, str] = {}
        names = sorted(set(paths))
        filters = _filters_off(self.root)
        for start in range(0, len(names), _PATHS_PER_CALL):
            batch = names[start : start + _PATHS_PER_CALL]
            tracked = {
                os.fsdecode(path)
                for path in ask(self.root, _LITERAL, "ls-files", "-z", "--", *batch).split(b"\0")
            }
            status = ask(
                self.root,
                _LITERAL,
                *filters,
                "status",
                "--porcelain=v1",
                "-z",
                "--untracked-files=no",
                "--no-renames",
                "--ignore-submodules=all",
                "--",
                *batch,
            )
            changed = dict(self._changed(status))
            for path in batch:
                if path in changed:
                    found[path] = changed[path]
                elif path not in tracked and os.path.lexists(self.root / path):
                    found[path] = "not in git"
        return found

    def _changed(self, status: bytes) -> Iterator[tuple[str, str]]:
        """Yield path and reason for each record of ``git status --porcelain=v1 -z``."""
        start = f"{self.prefix}/" if self.prefix else ""
        for record in status.split(b"\0")[:-1]:
            code, path = os.fsdecode(record[:2]), os.fsdecode(record[3:])
            if "U" in code or code in {"AA", "DD"}:
                reason = "has a merge conflict"
            elif code[1] == " ":
                reason = "staged, not committed"
            else:
                reason = "changed since the last commit"
            yield path.removeprefix(start), reason


def find_repository(root: Path) -> Repository | None:
    """Return the repository of the directory *root*; None without git or without a repository.

    Raises InputError where git refuses to answer, as it does for a repository of another user.
    """
    if not _may_be_in_one(root):
        return None

    if shutil.which("git") is None:
        return None
    try:
        output = ask(root, "rev-parse", "--show-toplevel", "--show-prefix")
    except InputError as error:
        if any(words in error.message for words in _NO_REPOSITORY):
            return None
        raise
    top, prefix = os.fsdecode(output).split("\n")[:2]
    return Repository(root, Path(top), prefix.rstrip("/"))


def _may_be_in_one(directory: Path) -> bool:
    """Return whether git may find a repository: starting it takes as long as parsing a file."""
    here = directory.resolve()
    try:
        return any((each / ".git").exists() for each in (here, *here.parents))
    except OSError:
        return True


def _filters_off(root: Path) -> list[str]:
    """Return options that switch off every content filter: its program would be run to compare."""
    names = ask(
        root, "config", "--null", "--name-only", "--get-regexp", r"^filter\..*", codes=(0, 1)
    )
    drivers = {os.fsdecode(name).rpartition(".")[0] for name in names.split(b"\0")[:-1]}
    options: list[str] = []
    for driver in sorted(drivers):
        for setting in ("clean=", "smudge=", "process=", "required=false"):
            options += ["-c", f"{driver}.{setting}"]
    return options


def ask(directory: Path, *arguments: str, stdin: bytes = b"", codes: Sequence[int] = (0,)) -> bytes:
    """Return what git prints in *directory*, with none of the project's or the user's code run.

    Raises InputError with git's own words where its exit code is another, and without git.
    """
    git = shutil.which("git")
    if git is None:
        raise InputError("git is not installed")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT_VARIABLES
    }
    environment |= {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }
    try:
        done = subprocess.run(
            [git, *_SAFE, *arguments],
            cwd=directory,
            env=environment,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"git did not answer within {_SECONDS} seconds", location=Location(str(directory))
        ) from None
    if done.returncode not in codes:
        words = done.stderr.decode("utf-8", "replace").strip()
        raise InputError(f"git says: {words}", location=Location(str(directory)))
    return done.stdout


MAX_BLOB = 1024 * 1024
MAX_TOTAL = 128 * 1024 * 1024
"""Bytes; larger files are no texts of a project, and more of them are not compared."""


def export(repository: Repository, revision: str, target: Path) -> Path:
    """Write the files of *revision* below *target*; return the project directory there.

    The whole work tree is looked at, since a project reads ``../`` paths too, and scripts of any
    name say how it is started. Links, files of more than :data:`MAX_BLOB` bytes and what a partial
    clone has not fetched are left out.
    Raises InputError for a revision that git does not know, and for more than :data:`MAX_TOTAL`.
    """
    tree = f"{revision}^{{tree}}"
    listing = ask(
        repository.top, "ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options", tree
    )
    wanted: list[tuple[bytes, str]] = []
    total = 0
    for record in listing.split(b"\0")[:-1]:
        about, _, name = record.partition(b"\t")
        mode, kind, digest, size = about.split()
        path = os.fsdecode(name)
        # git says BAD for what a partial clone has not fetched
        is_file = kind == b"blob" and mode != b"120000" and size.isdigit()
        is_file = is_file and int(size) <= MAX_BLOB
        if is_file and not SKIPPED_DIRECTORIES & set(PurePosixPath(path).parts):
            total += int(size)
            wanted.append((digest, path))
    if total > MAX_TOTAL:
        raise InputError(
            f"the files of this revision have {total:,} bytes",
            location=Location(revision),
            remedy="check the revision out and give its directory",
        )
    base = target / repository.top.name
    root = base / repository.prefix
    root.mkdir(parents=True)
    digests = b"".join(digest + b"\n" for digest, _ in wanted)
    answer = ask(repository.top, "cat-file", "--batch", stdin=digests)
    at = 0
    for _, path in wanted:
        head = answer.index(b"\n", at)
        size_of = int(answer[at:head].split()[2])
        place = base / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(answer[head + 1 : head + 1 + size_of])
        at = head + 1 + size_of + 1
    return root
