"""What git knows about the project's files. This is the only module that runs git.

These git commands run no code of the project and write nothing: all settings of a repository with
which one of them would start a program or connect to a server are overridden (git-config(1),
observed: v2.39), and git's optional locks are disabled.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from msgspec import Struct

from composerefactor.errors import InputError, Location
from composerefactor.programs import find_program, search_path
from composerefactor.workspace.files import SKIPPED_DIRECTORIES

_SAFE_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.sshCommand": "false",
    "core.gitProxy": "none",
    "core.askPass": "false",
    "core.alternateRefsCommand": "false",
    "credential.helper": "",
    "diff.external": "",
    "gpg.program": "false",
    "gpg.openpgp.program": "false",
    "gpg.x509.program": "false",
    "gpg.ssh.program": "false",
    "gc.auto": "0",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
    "status.submoduleSummary": "false",
}
_SAFE_OPTIONS = (
    "--no-pager",
    *(word for setting in _SAFE_SETTINGS.items() for word in ("-c", "=".join(setting))),
)
_LITERAL_PATHS = (
    "--literal-pathspecs"  # * and : in a path have no special meaning; not all commands know it
)
# All other GIT_* variables are removed: those that git sets for hooks select another work tree.
_KEPT_VARIABLES = frozenset(
    {
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CEILING_DIRECTORIES",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    }
)
_TIMEOUT = 60
_PATHS_PER_CALL = 200
_NO_REPOSITORY = (
    "not a git repository",
    "must be run in a work tree",
    "cannot use bare repository",
)


class Repository(Struct, frozen=True):
    """The git work tree that contains the project directory.

    Attributes:
        root: The project directory.
        top: The top level of the work tree.
        prefix: The root relative to the top level, POSIX; ``""`` if they are the same.
    """

    root: Path
    top: Path
    prefix: str

    def is_ignored(self, paths: Iterable[str]) -> dict[str, str]:
        """Return those of *paths* that are untracked and ignored by git, each with the pattern.

        *paths* are relative to the root and need not exist. The pattern has the form
        ``file:line:pattern``; the file is relative to the top level, or absolute for the user's own
        ignore file.
        """
        own, nested = self._by_work_tree(paths)
        ignored = {
            f"{directory}/{path}": pattern
            for directory, names in nested.items()
            for path, pattern in self._nested(directory).is_ignored(names).items()
        }
        names = [path for path in own if not _is_beyond_link(self.root, path)]
        if not names:
            return ignored
        # after ./ a leading colon has no special meaning
        listed = b"".join(b"./" + os.fsencode(path) + b"\0" for path in names)
        # exit code 1: no path is ignored
        output = run_git(
            self.root, "check-ignore", "-v", "-z", "--stdin", stdin=listed, codes=(0, 1)
        )
        fields = [os.fsdecode(field) for field in output.split(b"\0")[:-1]]
        for file, line, pattern, path in zip(*[iter(fields)] * 4, strict=True):
            # a deciding pattern that begins with ! means: not ignored
            if not pattern.startswith("!"):
                ignored[path.removeprefix("./")] = f"{file}:{line}:{pattern}"
        return ignored

    def _by_work_tree(self, paths: Iterable[str]) -> tuple[list[str], dict[str, list[str]]]:
        """Return those of *paths* that are in this work tree, and the others by work tree.

        Those are in a submodule, or in another repository, below the root; git answers no
        questions about them. The keys are its directory, relative to the root, and the values are
        relative to it.
        """
        own: list[str] = []
        nested: dict[str, list[str]] = {}
        for path in paths:
            directory = self.nested_at(path)
            if directory:
                nested.setdefault(directory, []).append(path.removeprefix(f"{directory}/"))
            else:
                own.append(path)
        return own, nested

    def nested_at(self, path: str) -> str:
        """Return the directory of the work tree below the root that contains *path*, or ``""``.

        Both are relative to the root.
        """
        parents = (str(parent) for parent in PurePosixPath(path).parents)
        return next((each for each in parents if self._is_work_tree(each)), "")

    def _is_work_tree(self, directory: str) -> bool:
        return directory != "." and _work_tree(self.root / directory, self.top) is not None

    def submodule_at(self, path: str) -> Repository | None:
        """Return the submodule at *path*, relative to the top level, if it is checked out."""
        return _work_tree(self.top / path, self.top)

    def _nested(self, directory: str) -> Repository:
        """Return the work tree at *directory*, relative to the root."""
        return Repository(self.root / directory, self.root / directory, "")

    def is_tracked(self, path: str) -> bool:
        """Return whether git tracks *path*, relative to the root."""
        _, nested = self._by_work_tree([path])
        for directory, names in nested.items():
            return self._nested(directory).is_tracked(names[0])
        return bool(run_git(self.root, _LITERAL_PATHS, "ls-files", "-z", "--", path))

    def remotes(self) -> frozenset[str]:
        """Return the names of the remotes' repositories on their servers, such as ``acme/shop``."""
        output = run_git(
            self.root, "config", "-z", "--get-regexp", r"^remote\..*\.url$", codes=(0, 1)
        )
        urls = [os.fsdecode(each).partition("\n")[2] for each in output.split(b"\0")]
        paths = [url.removesuffix("/").removesuffix(".git").replace(":", "/") for url in urls]
        return frozenset("/".join(path.split("/")[-2:]) for path in paths if "/" in path)

    def earlier(self, path: str, most: int) -> Iterator[tuple[str, bytes]]:
        """Yield up to *most* committed contents of *path*, latest first, as (commit, content).

        *path* is relative to the root; commits are abbreviated. Yields nothing for a path that git
        does not know.
        """
        output = run_git(
            self.root,
            _LITERAL_PATHS,
            "log",
            "-z",
            f"-n{most}",
            "--format=%h",
            "--",
            path,
            codes=(0, 128),
        )
        full_path = f"{self.prefix}/{path}" if self.prefix else path
        for commit in os.fsdecode(output).split("\0"):
            if not commit:
                continue
            content = run_git(
                self.root, "cat-file", "blob", f"{commit}:{full_path}", codes=(0, 128)
            )
            if content:
                yield commit, content

    def dirty(self, paths: Iterable[str]) -> dict[str, str]:
        """Return those of *paths* with content that git could not restore, each with the reason.

        *paths* are relative to the root. A path that does not exist and that git does not track is
        clean, since nothing can be lost.
        """
        own, nested = self._by_work_tree(sorted(set(paths)))
        reasons = {
            f"{directory}/{path}": reason
            for directory, names in nested.items()
            for path, reason in self._nested(directory).dirty(names).items()
        }
        if not own:
            return reasons
        filters_off = _filters_off(self.root)
        for start in range(0, len(own), _PATHS_PER_CALL):
            batch = own[start : start + _PATHS_PER_CALL]
            tracked = {
                os.fsdecode(path)
                for path in run_git(
                    self.root, _LITERAL_PATHS, "ls-files", "-z", "--", *batch
                ).split(b"\0")
            }
            status = run_git(
                self.root,
                _LITERAL_PATHS,
                "status",
                "--porcelain=v1",
                "-z",
                "--untracked-files=no",
                "--no-renames",
                "--ignore-submodules=all",
                "--",
                *batch,
                settings=filters_off,
            )
            changed = dict(self._changed(status))
            for path in batch:
                if path in changed:
                    reasons[path] = changed[path]
                elif path not in tracked and os.path.lexists(self.root / path):
                    reasons[path] = "not tracked by git"
        return reasons

    def _changed(self, status: bytes) -> Iterator[tuple[str, str]]:
        """Yield path and reason for each record of ``git status --porcelain=v1 -z``."""
        start = f"{self.prefix}/" if self.prefix else ""
        for record in status.split(b"\0")[:-1]:
            code, path = os.fsdecode(record[:2]), os.fsdecode(record[3:])
            if "U" in code or code in {"AA", "DD"}:
                reason = "has a merge conflict"
            elif code[1] == " ":
                reason = "staged but not committed"
            else:
                reason = "changed since the last commit"
            yield path.removeprefix(start), reason


def find_repository(root: Path) -> Repository | None:
    """Return the repository of the directory *root*; None without git or without a repository.

    Raises:
        InputError: Git fails, as it does for a repository that another user owns.
    """
    if not _may_have_repository(root):
        return None

    if find_program("git") is None:
        return None
    try:
        output = run_git(root, "rev-parse", "--show-toplevel", "--show-prefix")
    except InputError as error:
        if any(words in error.message for words in _NO_REPOSITORY):
            return None
        raise
    top, prefix = os.fsdecode(output).split("\n")[:2]
    return Repository(root, Path(top), prefix.rstrip("/"))


def _may_have_repository(directory: Path) -> bool:
    """Return whether git may find a repository.

    This saves running git, which takes as long as parsing a file.
    """
    here = directory.resolve()
    try:
        return any((parent / ".git").exists() for parent in (here, *here.parents))
    except OSError:
        return True


def _work_tree(directory: Path, top: Path) -> Repository | None:
    """Return the work tree that begins at *directory*, which is below that at *top*, or None."""
    if not os.path.lexists(directory / ".git"):
        return None
    repository = find_repository(directory)
    return repository if repository is not None and repository.top != top else None


def _is_beyond_link(root: Path, path: str) -> bool:
    """Return whether a directory on the way from *root* to *path* is a symbolic link."""
    return any((root / parent).is_symlink() for parent in PurePosixPath(path).parents)


def _filters_off(root: Path) -> dict[str, str]:
    """Return settings that disable all content filters; git would run their programs to compare.

    Raises:
        InputError: git is older than v2.31, and cannot override a filter with ``=`` in its name.
    """
    probe = "filter.composerefactor.required"
    output = run_git(
        root,
        *("config", "--null", "--name-only", "--get-regexp", r"^filter\..*"),
        settings={probe: "false"},
        codes=(0, 1),
    )
    names = [os.fsdecode(name) for name in output.split(b"\0")[:-1]]
    if probe not in names:
        raise InputError("git is too old", remedy="install git 2.31 or later")
    drivers = sorted({name.rpartition(".")[0] for name in names})
    off = {"clean": "", "smudge": "", "process": "", "required": "false"}
    return {f"{driver}.{name}": value for driver in drivers for name, value in off.items()}


def run_git(
    directory: Path,
    *arguments: str,
    stdin: bytes = b"",
    codes: Sequence[int] = (0,),
    settings: Mapping[str, str] | None = None,
) -> bytes:
    """Run git in *directory* and return its output; runs no code of the project or the user.

    Args:
        directory: The working directory.
        arguments: The arguments of git.
        stdin: The input of git.
        codes: Exit codes that are not errors.
        settings: Settings of git that override those of the repository; unlike those of ``-c``,
            their names may contain ``=``.

    Raises:
        InputError: Git is not installed, takes too long, or exits with another code; then the
            message is git's.
    """
    git = find_program("git")
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
        "GIT_ALLOW_PROTOCOL": "none",
        "PATH": search_path(),
        "GIT_CONFIG_COUNT": str(len(settings or {})),
    }
    for number, (name, value) in enumerate((settings or {}).items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    try:
        done = subprocess.run(
            [git, *_SAFE_OPTIONS, *arguments],
            cwd=directory,
            env=environment,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"git did not finish within {_TIMEOUT} seconds", location=Location(str(directory))
        ) from None
    if done.returncode not in codes:
        message = done.stderr.decode("utf-8", "replace").strip()
        raise InputError(f"git failed: {message}", location=Location(str(directory)))
    return done.stdout


MAX_EXPORTED_FILE = 1024 * 1024
"""Bytes; a larger file is not exported, since it is hardly a text file of a project."""

MAX_EXPORTED_TOTAL = 128 * 1024 * 1024
"""Bytes; a revision with more is refused."""


class Exported(Struct, frozen=True):
    """The files of a revision.

    Attributes:
        root: The project directory.
        missing: The files that a partial clone has not fetched, relative to the top level.
    """

    root: Path
    missing: frozenset[str]


def export(repository: Repository, revision: str, target: Path) -> Exported:
    """Write the files of *revision* below *target*, and return the project directory there.

    The whole work tree is exported, since a project also reads ``../`` paths, and scripts of any
    name may start it. Symbolic links, files of more than :data:`MAX_EXPORTED_FILE` bytes and files
    that a partial clone has not fetched are skipped.

    Raises:
        InputError: Git does not know the revision, or its files, with those of submodules, have
            more than :data:`MAX_EXPORTED_TOTAL` bytes.
    """
    base = target / repository.top.name
    root = base / repository.prefix
    root.mkdir(parents=True)
    missing, _ = _export_tree(repository, revision, base, 0)
    return Exported(root, frozenset(missing))


def _export_tree(
    repository: Repository, revision: str, base: Path, total: int
) -> tuple[set[str], int]:
    """Write the files of *revision* below *base*; return the paths of those that are missing.

    The submodules that are checked out are exported at the commits that *revision* names. *total*
    is the number of bytes that are exported before; the one after is returned, too.
    """
    exported: list[_Entry] = []
    submodules: list[_Entry] = []
    missing: set[str] = set()
    for entry in _entries_of(repository, f"{revision}^{{tree}}"):
        if SKIPPED_DIRECTORIES & set(PurePosixPath(entry.path).parts):
            continue
        if entry.kind == "submodule":
            submodules.append(entry)
        elif entry.size is None:
            missing.add(entry.path)
        elif entry.size <= MAX_EXPORTED_FILE:
            total += entry.size
            exported.append(entry)
    if total > MAX_EXPORTED_TOTAL:
        raise InputError(
            f"the files of this revision are too large: {total:,} bytes",
            location=Location(revision),
            remedy="check out the revision and give its directory",
        )
    _write_files(repository, exported, base)
    for entry in submodules:
        nested = repository.submodule_at(entry.path)
        commit = entry.digest.decode()
        known = nested and run_git(nested.top, "cat-file", "-t", commit, codes=(0, 128))
        if nested is not None and known == b"commit\n":
            place = base / entry.path
            place.mkdir(parents=True, exist_ok=True)
            inside, total = _export_tree(nested, commit, place, total)
            missing |= {f"{entry.path}/{name}" for name in inside}
    return missing, total


def _write_files(repository: Repository, entries: Sequence[_Entry], base: Path) -> None:
    """Write the files and symbolic links *entries* below *base*."""
    digests = b"".join(entry.digest + b"\n" for entry in entries)
    contents = run_git(repository.top, "cat-file", "--batch", stdin=digests)
    position = 0
    links: dict[Path, bytes] = {}
    for entry in entries:
        head = contents.index(b"\n", position)
        size = int(contents[position:head].split()[2])
        content = contents[head + 1 : head + 1 + size]
        position = head + 1 + size + 1
        place = base / entry.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "link":
            links[place] = content
        else:
            place.write_bytes(content)
    for place, to in links.items():  # last, so that nothing is written through a link
        if not os.path.lexists(place):  # as it can in a damaged tree
            place.symlink_to(os.fsdecode(to))
    inside = base.resolve()
    for place in filter(Path.is_symlink, links):
        try:
            leads_out = not place.resolve().is_relative_to(inside)
        except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
            leads_out = True
        if leads_out:
            place.unlink()


class _Entry(Struct, frozen=True):
    """A file, a symbolic link or a submodule of a revision.

    Attributes:
        kind: Which of them.
        digest: Its digest; that of its commit for a submodule.
        size: Its size; None for a submodule, and for a file that a partial clone lacks.
        path: Its path relative to the top level.
    """

    kind: Literal["file", "link", "submodule"]
    digest: bytes
    size: int | None
    path: str


def _entries_of(repository: Repository, tree: str) -> Iterator[_Entry]:
    """Yield the files, symbolic links and submodules of *tree*."""
    arguments = ("-r", "-z", "--full-tree", "--end-of-options", tree)
    sizes: dict[bytes, bytes] = {}
    try:
        listing = run_git(repository.top, "ls-tree", "-l", *arguments)
    except InputError as error:
        if "Not a valid object name" in error.message:
            revision = tree.removesuffix("^{tree}")
            raise InputError(
                "neither a file, nor a directory, nor a git revision", location=Location(revision)
            ) from None
        if "promisor remote" not in error.message:
            raise
        sizes = _sizes(repository, tree)
        listing = run_git(repository.top, "ls-tree", *arguments)
    for record in listing.split(b"\0")[:-1]:
        fields, _, name = record.partition(b"\t")
        mode, kind, digest, *listed = fields.split()
        size = listed[0] if listed else sizes.get(digest, b"")
        # older versions of git list BAD for a file that a partial clone has not fetched
        known = int(size) if size.isdigit() else None
        what: Literal["file", "link"] = "link" if mode == b"120000" else "file"
        yield _Entry("submodule" if kind == b"commit" else what, digest, known, os.fsdecode(name))


def _sizes(repository: Repository, tree: str) -> dict[bytes, bytes]:
    """Return the sizes of the objects of *tree* that a partial clone has, by digest."""
    arguments = ("--objects", "--missing=print", "--no-object-names", "--end-of-options", tree)
    listed = run_git(repository.top, "rev-list", *arguments).splitlines()
    present = b"".join(digest + b"\n" for digest in listed if not digest.startswith(b"?"))
    check = ("cat-file", "--batch-check=%(objectname) %(objectsize)")
    lines = run_git(repository.top, *check, stdin=present).splitlines()
    return dict(line.split() for line in lines)
