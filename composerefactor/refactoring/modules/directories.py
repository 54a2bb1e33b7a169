"""New files: which are written for their own directory, and which are read in that of the root.

The paths in a module are written for the module's own directory, so that its include entry is
nothing but its path. Where that cannot be, the entry has ``project_directory: .``, and the text of
the module stays as it is.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from composerefactor.compose.dependencies import connected
from composerefactor.compose.paths import directory_of, path_from
from composerefactor.compose.references import includes
from composerefactor.edit.planned_files import PlannedFile, Replacement
from composerefactor.refactoring.modules.include import NO_VARIABLES, IncludeEntry, entries_of
from composerefactor.refactoring.modules.naming import Names
from composerefactor.refactoring.modules.paths import MovingPaths
from composerefactor.refactoring.modules.root_file import RootFile
from composerefactor.yaml.comments import full_line_comments

ENV_FILE_NAMES = ("empty.env", "empty-env", "no-variables")
"""Names for an env file without variables; git often ignores ``*.env``."""

SINCE_EXTENDS = "2.25.0"
"""Up to v2.24.7, what an included file extends is looked for in the current directory; v2.24.7 also
rejects ``depends_on`` in an extended file (observed)."""

SINCE_EXTENDS_IN_ROOT = "2.27.0"
"""v2.24.7 looks for what a file that is included with ``project_directory`` extends in the current
directory, v2.25.0 to v2.26.1 in that of the file (observed)."""

_COMMENTED_OUT_PATH = re.compile(r"#+\s*(?:-\s+|[\w.-]+:\s+){1,2}[\"']?(\.{1,2}/[\w./-]*)")

VERBATIM = "--verbatim"
"""The reason where the user wants no path rewritten."""


class IncludedFiles(Struct, frozen=True):
    """New files as they are written, and how a root file includes them.

    Attributes:
        files: the files by path.
        reasons: why the files that are read in the directory of the root are, by path.
        env_file: the env file without variables for their entries; ``""`` where none is needed.
        since: the oldest Docker Compose that reads the other files; ``""`` where all do.
        commented_out: a relative path in a comment of a file whose other paths are rewritten.
    """

    files: Mapping[str, PlannedFile]
    reasons: Mapping[str, str]
    env_file: str = ""
    since: str = ""
    commented_out: Mapping[str, str] = {}

    def entry(self, paths: Sequence[str], directory: str) -> IncludeEntry:
        """Return the entry for *paths*, which are merged, in a root file in *directory*."""
        local = tuple(posixpath.relpath(path, directory or ".") for path in paths)
        is_long = any(path in self.reasons for path in paths)
        return IncludeEntry(local, self.local_env_file(directory) if is_long else "")

    def entries(self, paths: Iterable[str], directory: str) -> list[IncludeEntry]:
        """Return the entries for *paths*, of which no two define the same service."""
        local = {path: posixpath.relpath(path, directory or ".") for path in paths}
        long = [local[path] for path in local if path in self.reasons]
        return entries_of(local.values(), long, self.local_env_file(directory))

    def local_env_file(self, directory: str) -> str:
        """Return the path of the env file for a root file in *directory*."""
        if not self.env_file or self.env_file == NO_VARIABLES:
            return self.env_file
        return posixpath.relpath(self.env_file, directory or ".")

    def notes(self) -> Iterable[str]:
        """Yield which files are read in the directory of the root, by reason."""
        by_reason: dict[str, list[str]] = {}
        for path, reason in self.reasons.items():
            if reason and reason != VERBATIM:
                by_reason.setdefault(reason, []).append(posixpath.basename(path))
        for reason, names in by_reason.items():
            yield f"included with project_directory, since {reason}: {', '.join(names)}"
        for path, text in self.commented_out.items():
            name = posixpath.basename(path)
            yield (
                f"comments in {name} stay as they are: paths in them, as {text}, are relative to "
                "the directory of the root file"
            )


def included_files(
    entries: Iterable[Sequence[str]],
    planned_files: Iterable[PlannedFile],
    paths_of: Callable[[str], MovingPaths],
    roots: Sequence[RootFile],
    names: Names,
    *,
    verbatim: bool,
    changes: Callable[[str], Sequence[Replacement]] = lambda _: (),
) -> IncludedFiles:
    """Return *planned_files* with paths that are right where the root files include them.

    Args:
        entries: the paths in each include entry, of all root files. Those in one entry are read in
            the directory of the first one (Compose specification).
        planned_files: the new files.
        paths_of: returns the paths of the file that a new file takes its text from.
        roots: the root files, which are in one directory.
        names: hands out the path of the env file.
        verbatim: True where no path may be rewritten.
        changes: returns further changes of a file that is read in a directory.
    """
    files = {planned_file.path: planned_file for planned_file in planned_files}
    project, directory = roots[0].project, roots[0].directory

    def why_long(path: str) -> str:
        if verbatim:
            return VERBATIM
        if project.exists(posixpath.join(posixpath.dirname(path), ".env")):
            return "its directory has a .env"
        return paths_of(path).why_fixed(files[path])

    reasons: dict[str, str] = {}
    since = ""
    for group in connected(map(tuple, entries), lambda entry: entry):
        paths = list(dict.fromkeys(path for entry in group for path in entry))
        places = {
            path: {_up(entry[0], directory) for entry in group if path in entry} for path in paths
        }
        found = {path: why_long(path) for path in paths}
        if any(found.values()) or any(len(ups) > 1 for ups in places.values()):
            reasons |= found
            for path in paths:
                source = paths_of(path).file.source
                if paths_of(path).extends_file(files[path]):
                    since = max(since, SINCE_EXTENDS_IN_ROOT)
                files[path] = files[path].rewritten(source, changes(directory))
            continue
        for path in paths:
            (up,) = places[path]
            place = posixpath.dirname(path)
            if paths_of(path).extends_file(files[path]):
                since = max(since, SINCE_EXTENDS)
            files[path] = paths_of(path).rewritten(files[path], up, changes(place))
    env_file = _env_file(roots, names) if reasons else ""
    elsewhere = [p for p in files if p not in reasons and _up(p, directory) != "."]
    commented_out = {p: text for p in elsewhere if (text := _commented_out_path(files[p]))}
    return IncludedFiles(files, reasons, env_file, since, commented_out)


def _commented_out_path(planned_file: PlannedFile) -> str:
    """Return the first relative path in a comment of *planned_file* that looks like YAML, or ""."""
    comments = full_line_comments("".join(piece.text for piece in planned_file.pieces))
    found = filter(None, map(_COMMENTED_OUT_PATH.match, comments))
    return next((match[1] for match in found), "")


def _up(path: str, directory: str) -> str:
    """Return the path from the directory of the file *path* to *directory*."""
    return posixpath.relpath(directory or ".", directory_of(path))


def _env_file(roots: Sequence[RootFile], names: Names) -> str:
    """Return the env file without variables that the root files name."""
    project = roots[0].project
    if any(root.file.path in project.included_by for root in roots):
        return NO_VARIABLES
    for root in roots:
        for written in (text for item in includes(root.file.root) for text in item.env_files):
            if posixpath.basename(written) in ENV_FILE_NAMES:
                return path_from(root.directory, written)
    into = path_from(roots[0].directory, roots[0].into)
    return names.env_file(into, ENV_FILE_NAMES)
