"""Which files move into the directory of the roots, and what speaks against it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import SECTION_ORDER, ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, project_directory
from composerefactor.discovery.readers import OtherReader
from composerefactor.edit.apply import edited
from composerefactor.edit.operations import AddKey
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.refactoring.join.relocate import following, root
from composerefactor.refactoring.move_roots.words import VARIABLE, Span
from composerefactor.yaml.source import Source

_SAFE = re.compile(r"[\w.@+-]+(?:/[\w.@+-]+)*")
_LIKE_THE_ENGINE = frozenset({"docker-compose 1.x"})
"""Other readers that know ``--project-directory`` (Docker documentation, Compose 1.10)."""


class Relocation(Struct, frozen=True):
    """Root files that go to *directory*: their new paths by the old ones."""

    directory: str
    files: Mapping[str, str] = {}

    def path(self, path: str) -> str:
        """Return where the file *path* stands afterwards."""
        return self.files.get(path, path)

    def moves(self, entry: Invocation) -> bool:
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


_QUOTES = "\"'\\"
_DEFAULT = re.compile(r".*\$\{\w+:?-(.*)")
_ACTIONS = re.compile(r"\$\{\{[^{}]{0,200}\}\}")


def name_at(text: str, span: Span, names: Iterable[str]) -> int | None:
    """Return where in ``text[span]`` the name of one of the files *names* begins, or None.

    A name that holds variables counts where one of *names* has its form.
    """
    names = list(names)
    literal = tokens(names).search(text, span.start, span.end)
    if literal is not None:
        return literal.start()
    raw = text[span.start : span.end]
    blank = VARIABLE.sub(_same_length, _ACTIONS.sub(_same_length, raw))
    at = blank.rfind("/") + 1
    at += len(blank[at:]) - len(blank[at:].lstrip(_QUOTES))
    written = blank[at:].rstrip(_QUOTES)
    fixed = re.sub("\0+", "\0", written)
    if not re.search(r"\w", fixed.replace("\0", "").partition(".")[0]):
        return None
    form = re.compile(r"[\w.-]{1,80}".join(map(re.escape, fixed.split("\0"))))
    return span.start + at if any(form.fullmatch(name) for name in names) else None


def tokens(names: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern that finds each of *names* where it stands as a word or ends a path."""
    ordered = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w.-])(?:{ordered})(?![\w-]|\.\w)")


def directory_before(text: str, span: Span, at: int) -> str | None:
    """Return how ``text[span]``, whose file name begins at *at*, spells the directory of it.

    Of a default (``${FILE:-$HERE/x.yml}``) that is what stands in the default. None where it cannot
    be told.
    """
    raw = text[span.start : at]
    quote = next((q for q in ('\\"', "\\'", '"', "'") if raw.startswith(q)), "")
    path = raw.rstrip("/") or ("/" if raw.startswith("/") else "")
    if not _is_balanced(path):
        default = _DEFAULT.fullmatch(path)
        if default is None:
            return None
        path = quote + default.group(1)
    if path.strip(_QUOTES) in {"", "."}:
        return "."
    if not _is_balanced(path):
        return None
    opened = path.count(quote) % 2 if quote else 0
    return path + quote if opened else path


def _is_balanced(path: str) -> bool:
    return all(path.count(one) == path.count(other) for one, other in ("{}", "()"))


def _same_length(match: re.Match[str]) -> str:
    return "\0" * len(match.group())


def started(entry: Invocation, found: Relocation, *, in_files: bool) -> Invocation:
    """Return *entry* as the command that gives the same model after the move.

    Unless the pins are *in_files* it names the project directory, which is that of the first file
    otherwise; with it stay the project's name, all paths, and the ``.env`` that is read (observed:
    v2.24.1 to v5.6.1).
    """
    if not found.moves(entry):
        return entry
    pinned = entry.project_directory
    if entry.base in found.files and not in_files:
        pinned = project_directory(entry)
    files = tuple(map(found.path, entry.files))
    return replace(entry, files=files, project_directory=pinned, implicit=False)


def pinned(file: ComposeFile, found: Relocation, name: str) -> PlannedFile:
    """Return the root *file* with the *name* of the project, and paths from where *found* has it.

    No name is written where *name* is empty, or the file has one. Raises RefusedError or
    CannotJoinError for a text that cannot be changed so.
    """
    source = file.source
    if name and "name" not in file.root_keys:
        is_ordered = "version" in file.root_keys
        order = SECTION_ORDER if is_ordered else ()
        above = "" if is_ordered else file.root.entries[0].name or ""
        text = edited(file, [AddKey(file.path, (), "name", name, order=order, above=above)])
        file = ComposeFile.parse(Source(file.path, text, source.has_bom))
    pieces = root(file, ".", found.directory, found.files).cut(0, len(file.source.text))
    return PlannedFile(file.path, tuple(pieces), source.has_bom)


def followed(file: ComposeFile, found: Relocation) -> PlannedFile:
    """Return the root *file* with the new paths of the roots that it extends.

    The paths in those are seen from the new place then, though commands name the project directory.
    """
    pieces = following(file, ".", ".", found.files).cut(0, len(file.source.text))
    return PlannedFile(file.path, tuple(pieces), file.source.has_bom)
