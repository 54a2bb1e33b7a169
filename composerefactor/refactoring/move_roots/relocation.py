"""Which root files move to which directory, what prevents it, and what they need afterwards.

:func:`plan_relocation` decides which files move. :func:`invocation_after` is a start command after
the move, and :func:`directory_before` the directory that it has to name. :func:`root_with_pins`
writes the project name and the paths to the file itself instead.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import SECTION_ORDER, ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, project_directory
from composerefactor.discovery.readers import COMPOSE_1, PUBLISH, OtherReader
from composerefactor.edit.apply import apply_edits
from composerefactor.edit.operations import AddKey
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.refactoring.join.rewritten_paths import root_text, text_with_moved_extends
from composerefactor.yaml.source import Source

_SAFE = r"[\w.@+-]+(?:/[\w.@+-]+)*"
_WITH_PROJECT_DIRECTORY = frozenset({COMPOSE_1, PUBLISH})
"""Other readers with an option ``--project-directory`` (Docker documentation, Compose 1.10)."""


class Relocation(Struct, frozen=True):
    """A move of root files.

    Attributes:
        directory: the directory to which they move.
        files: their new paths by their old ones.
    """

    directory: str
    files: Mapping[str, str] = {}

    def path(self, path: str) -> str:
        """Return the path of the file *path* after the move."""
        return self.files.get(path, path)

    def moves(self, entry: Invocation) -> bool:
        """Return whether a file of *entry* moves."""
        return any(file in self.files for file in entry.files)


def plan_relocation(
    project: Project, readers: Iterable[OtherReader], directory: str, *, is_directory: bool
) -> Relocation:
    """Return what moves to *directory*: the files of start commands at the top of the project.

    A file that other programs read does not move, and neither does one that is only used with it.

    Args:
        project: the project.
        readers: other programs that read Compose files.
        directory: the new directory of the root files.
        is_directory: whether *directory* may be one: nothing else has its path.

    Returns:
        The move.

    Raises:
        UsageError: *directory* is not below the project directory.
        InputError: a file cannot be read.
        RefusedError: a file can neither move nor stay: its new path is taken, git ignores it,
            another file includes or extends it, or a program reads it that has no option for the
            project directory.
    """
    normal = posixpath.normpath(directory)
    if normal.startswith(".") or not re.fullmatch(_SAFE, normal):
        raise UsageError(
            f"--move-roots {directory!r} is not a directory for root files",
            remedy="give a directory below the project directory, as docker-compose",
        )
    if not is_directory:
        raise RefusedError("exists, and is not a directory", location=Location(normal))
    others = [reader for reader in readers if reader.name not in _WITH_PROJECT_DIRECTORY]
    read = {reader.path for reader in others}
    used = [e for e in project.entries if not set(e.files) <= read]
    names = sorted({f for e in used for f in e.files if "/" not in f})
    for entry, unreadable in project.errors.items():
        if not set(entry.files).isdisjoint(names):
            raise unreadable
    relocation = Relocation(normal, {name: f"{normal}/{name}" for name in names})
    for error in _refusals(project, others, relocation):
        raise error
    return relocation


def _refusals(
    project: Project, readers: Iterable[OtherReader], relocation: Relocation
) -> Iterator[RefusedError]:
    """Yield what prevents the move."""
    for reader in readers:
        if reader.path in relocation.files:
            yield RefusedError(
                f"{reader.name} reads {reader.path}, and uses the directory of the file as the "
                "project directory",
                location=Location(reader.evidence.path, reader.evidence.line),
                remedy="leave the root files where they are, without --move-roots",
            )
    yield from _dangling_links(project, relocation)
    for old, new in relocation.files.items():
        if project.exists(new):
            yield RefusedError(
                f"already exists, so {old} cannot move there",
                location=Location(new),
                remedy="give another directory with --move-roots",
            )
        if project.is_ignored(old):
            yield RefusedError(
                "is ignored by git, so it would move only in this copy of the project",
                location=Location(old),
                remedy="leave the root files where they are, or add the file to git first",
            )
        for location in _references_to(project, old, relocation):
            yield RefusedError(
                f"refers to {old}, which therefore cannot move",
                location=location,
                remedy="move what it needs to a file that is not a root file, or name the root "
                f"files without {old} with --entry",
            )
    for entry in project.entries:
        own = f"{entry.directory}/.env"
        is_elsewhere = project_directory(entry) != entry.directory
        if relocation.moves(entry) and entry.implicit and is_elsewhere:
            yield RefusedError(
                f"is only read while the command in {entry.directory} names no file",
                location=Location(own),
                remedy="name it with --env-file in the command first",
            )


def _dangling_links(project: Project, relocation: Relocation) -> Iterator[RefusedError]:
    """Yield the links to files that move."""
    for link, target in project.links.items():
        if target in relocation.files:
            yield RefusedError(
                f"a symbolic link to {target}, which would lead nowhere after the move",
                location=Location(link),
                remedy="leave the root files where they are, or replace the link by a file",
            )


def _references_to(project: Project, path: str, relocation: Relocation) -> Iterator[Location]:
    """Yield where files that do not move extend *path*, and where any file includes it."""
    extensions = project.extensions.get(path, ())
    extending = {e.location.path for e in extensions} & relocation.files.keys()
    yield from (e.location for e in extensions if e.location.path not in extending)
    including = project.included_by.get(path, set())
    others = including | (project.referenced_by(path) - extending)
    for other in sorted(others - {path}):
        yield Location(other)


_QUOTES = "\"'\\"
_DEFAULT = r".*\$\{\w+:?-(.*)"


def file_name_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for each of *names* as a word of its own or at the end of a path."""
    ordered = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w.-])(?:{ordered})(?![\w-]|\.\w)")


def directory_before(text: str, start: int, at: int) -> str | None:
    """Return the directory, as it is written, of the path at *start* with the file name at *at*.

    Of a default (``${FILE:-$HERE/x.yml}``) it is the directory in the default. None where it cannot
    be determined.
    """
    raw = text[start:at]
    quote = next((q for q in ('\\"', "\\'", '"', "'") if raw.startswith(q)), "")
    path = raw.rstrip("/") or ("/" if raw.startswith("/") else "")
    if not _is_balanced(path):
        default = re.fullmatch(_DEFAULT, path)
        if default is None:
            return None
        path = quote + default.group(1)
    if path.strip(_QUOTES) in {"", "."}:
        return "."
    if not _is_balanced(path):
        return None
    is_open = path.count(quote) % 2 if quote else 0
    return path + quote if is_open else path


def _is_balanced(path: str) -> bool:
    return all(path.count(one) == path.count(other) for one, other in ("{}", "()"))


def invocation_after(entry: Invocation, relocation: Relocation, *, in_files: bool) -> Invocation:
    """Return the start command that gives the same resolved configuration after the move.

    Unless the files themselves pin the project name and paths (*in_files*), the command names the
    project directory, which would otherwise be that of the first file. It keeps the project name,
    all paths, and the ``.env`` that is read (observed: v2.24.1 to v5.6.1).
    """
    if not relocation.moves(entry):
        return entry
    directory = entry.project_directory
    if entry.root_file in relocation.files and not in_files:
        directory = project_directory(entry)
    files = tuple(map(relocation.path, entry.files))
    return replace(entry, files=files, project_directory=directory, implicit=False)


def root_with_pins(file: ComposeFile, relocation: Relocation, name: str) -> PlannedFile:
    """Return the root *file* with the project *name*, and with paths relative to its new place.

    No name is written where *name* is empty, or where the file has one. Raises RefusedError for a
    text that cannot be changed in this way.
    """
    source = file.source
    if name and "name" not in file.root_keys:
        is_ordered = "version" in file.root_keys
        order = SECTION_ORDER if is_ordered else ()
        first = next(iter(file.root.entries), None)
        above = first.name or "" if first and not is_ordered else ""
        text = apply_edits(file, [AddKey(file.path, (), "name", name, order=order, above=above)])
        file = ComposeFile.parse(Source(file.path, text, source.has_bom))
    text_there = root_text(file, relocation.directory, relocation.files)
    pieces = text_there.cut(0, len(file.source.text))
    return PlannedFile(file.path, tuple(pieces), source.has_bom)


def root_with_moved_extends(file: ComposeFile, relocation: Relocation) -> PlannedFile:
    """Return the root *file* with the new paths of the root files that it extends.

    Paths in an extended file are relative to its own directory, even where the command names the
    project directory.
    """
    pieces = text_with_moved_extends(file, ".", relocation.files).cut(0, len(file.source.text))
    return PlannedFile(file.path, tuple(pieces), file.source.has_bom)
