"""Which files move into the directory of the roots, and what speaks against it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.project import Project, project_directory
from composerefactor.entrypoints.readers import OtherReader
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.patterns import regex

_SAFE = regex(r"[\w.@+-]+(?:/[\w.@+-]+)*")
_LIKE_THE_ENGINE = frozenset({"docker-compose 1.x"})
"""Other readers that know ``--project-directory`` (Docker documentation, Compose 1.10)."""


class Relocation(Struct, frozen=True):
    """Root files that go to *directory*: their new paths by the old ones."""

    directory: str
    files: Mapping[str, str] = {}

    def path(self, path: str) -> str:
        """Return where the file *path* stands afterwards."""
        return self.files.get(path, path)

    def moves(self, entry: EntryPoint) -> bool:
        """Return whether a file of *entry* goes elsewhere."""
        return any(file in self.files for file in entry.files)


def relocation(
    project: Project, readers: Iterable[OtherReader], directory: str, *, is_directory: bool
) -> Relocation:
    """Return what moves to *directory*: the files of the entry points at the project's top level.

    A file that other programs read stays, and so does what is only used with it. *is_directory*
    tells whether *directory* may be one: nothing else stands at its path.

    Raises UsageError for a *directory* that is none below the project, InputError for a file that
    cannot be read, and RefusedError for a file
    that can neither move nor stay: its new place is taken, git ignores it, another file includes or
    extends it, or a program reads it that knows no project directory.
    """
    normal = posixpath.normpath(directory)
    if normal.startswith(".") or not _SAFE.fullmatch(normal):
        raise UsageError(
            f"--move-roots {directory!r} is no directory for root files",
            remedy="give one below the project directory, as docker-compose",
        )
    if not is_directory:
        raise RefusedError("exists already, and is no directory", location=Location(normal))
    others = [reader for reader in readers if reader.name not in _LIKE_THE_ENGINE]
    read = {reader.path for reader in others}
    used = [e for e in project.entries if not set(e.files) <= read]
    names = sorted({f for e in used for f in e.files if "/" not in f})
    for entry, unreadable in project.errors.items():
        if not set(entry.files).isdisjoint(names):
            raise unreadable
    found = Relocation(normal, {name: f"{normal}/{name}" for name in names})
    for error in _objections(project, others, found):
        raise error
    return found


def _objections(
    project: Project, readers: Iterable[OtherReader], found: Relocation
) -> Iterator[RefusedError]:
    for reader in readers:
        if reader.path in found.files:
            yield RefusedError(
                f"{reader.name} reads {reader.path}, and takes the directory of the file for that "
                "of the project",
                location=Location(reader.evidence.path, reader.evidence.line),
                remedy="leave the roots where they are, without --move-roots",
            )
    for old, new in found.files.items():
        if project.exists(new):
            yield RefusedError(
                f"exists already, so {old} cannot move there",
                location=Location(new),
                remedy="give another directory with --move-roots",
            )
        if project.is_ignored(old):
            yield RefusedError(
                "git ignores it, and only this copy of the project would have it elsewhere",
                location=Location(old),
                remedy="leave the roots where they are, or put it into git first",
            )
        for location in _users(project, old, found):
            yield RefusedError(
                f"names {old}, which has to stay where it is for that",
                location=location,
                remedy=f"put what it needs into a file that is no root, or name roots without "
                f"{old} by --entry",
            )
    for entry in project.entries:
        own = f"{entry.directory}/.env"
        if found.moves(entry) and entry.implicit and project_directory(entry) != entry.directory:
            yield RefusedError(
                f"is read only as long as the command in {entry.directory} names no file",
                location=Location(own),
                remedy="name it with --env-file in the command first",
            )


def _users(project: Project, path: str, found: Relocation) -> Iterator[Location]:
    """Yield where files that stay extend *path*, and where any includes it."""
    extensions = project.extensions.get(path, ())
    extending = {e.location.path for e in extensions} & found.files.keys()
    yield from (e.location for e in extensions if e.location.path not in extending)
    including = project.included_by.get(path, set())
    others = including | (project.referenced_by(path) - extending)
    for other in sorted(others - {path}):
        yield Location(other)
