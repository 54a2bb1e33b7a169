"""The commands of a project that name a file which moves, written anew and read again."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from composerefactor.compose.invocation import Invocation
from composerefactor.discovery.files import FileReader, Listing
from composerefactor.discovery.find import commands
from composerefactor.discovery.resolve import Unresolved, entry_points, places, upwards
from composerefactor.discovery.shell import SUBCOMMANDS, ShellCall
from composerefactor.edit.planned_files import PlannedFile, Replacement, Slice
from composerefactor.errors import Location, RefusedError
from composerefactor.refactoring.move_roots.relocation import (
    Relocation,
    directory_before,
    name_at,
    tokens,
)
from composerefactor.refactoring.move_roots.words import (
    Definitions,
    Options,
    Span,
    invocations,
    logical_end,
    names_in,
    unfolded,
)
from composerefactor.yaml.source import Source

_COMPOSE_FILES = re.compile(r"\"dockerComposeFile\"\s*:\s*(\[[^\]]*|\"[^\"]*)")


class Need(Struct, frozen=True):
    """A command at *line* that needs another form: *before* and *after* say what it starts.

    *place* is where it runs, as far as that is known. *is_implicit* is True where it names no file,
    *is_set* where ``COMPOSE_FILE`` in its environment does. *is_anywhere* is True for one that may
    run in several directories.
    """

    line: int
    before: tuple[Invocation, ...]
    after: tuple[Invocation, ...]
    place: str
    is_implicit: bool
    is_set: bool = False
    is_anywhere: bool = False

    @property
    def options(self) -> str:
        """The options for a command that named no file."""
        entry = self.after[0]
        named = [("-f", file) for file in entry.files]
        if self.pins and entry.project_directory is not None:
            named.insert(0, ("--project-directory", entry.project_directory))
        return "".join(f" {name} {posixpath.relpath(path, self.place)}" for name, path in named)

    @property
    def pins(self) -> bool:
        """Whether the command has to name the project directory, and does not yet."""
        return any(
            new.project_directory is not None and old.project_directory is None
            for old, new in zip(self.before, self.after, strict=True)
        )


def insertions(source: Source, needs: Iterable[Need], found: Relocation) -> dict[int, str]:
    """Return what is inserted in *source* at which offset."""
    return _Rewriter(source, found).run(list(needs))


class _Rewriter:
    """Collects the insertions for one file."""

    def __init__(self, source: Source, found: Relocation) -> None:
        is_yaml = source.path.endswith((".yml", ".yaml"))
        self.source, self.found = source, found
        self.text = unfolded(source.text) if is_yaml else source.text
        self.definitions = Definitions(self.text)
        self.inserted: dict[int, str] = {}

    def run(self, needs: list[Need]) -> dict[int, str]:
        if posixpath.basename(self.source.path).endswith("devcontainer.json"):
            for value in _COMPOSE_FILES.finditer(self.text):
                for name in tokens(self.found.files).finditer(self.text, *value.span(1)):
                    self.prefixed(name.start())
            return self.inserted
        if posixpath.basename(self.source.path) == ".env":
            self.paths(["COMPOSE_FILE"])
            return self.inserted
        by_line: dict[int, list[Need]] = {}
        for need in needs:
            by_line.setdefault(need.line, []).append(need)
        for line, at_line in by_line.items():
            self.line(line, at_line)
        return self.inserted

    def line(self, line: int, needs: list[Need]) -> None:
        if line > len(self.source.line_starts):
            return
        start = self.source.line_starts[line - 1]
        end = logical_end(self.text, start)
        calls = [
            c for c in invocations(self.text, start, end, self.definitions.is_program) if _reads(c)
        ]
        waiting = [need for need in needs if need.is_implicit]
        pins = any(need.pins for need in needs)
        for call in calls:
            if call.files:
                self.named(call, pins=pins)
            elif needs[0].is_set:
                self.paths(["COMPOSE_FILE"])
                if pins and not call.names_directory:
                    place = posixpath.relpath(".", needs[0].place)
                    self.inserted[call.start] = f" --project-directory {place}"
            elif not self.definitions.names_files(call) and waiting:
                need = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                self.inserted[call.start] = need.options
        self.variables(
            names_in(self.text, Span(start, end)),
            pins=pins and not any(call.files for call in calls),
        )

    def named(self, call: Options, *, pins: bool) -> None:
        """Change the files that *call* names."""
        for number, file in enumerate(call.files):
            at = name_at(self.text, file, self.found.files)
            if at is not None:
                self.prefixed(at)
            else:
                self.paths(names_in(self.text, file))
            if number == 0 and pins and not call.names_directory:
                self.pin(call, file, at)

    def pin(self, call: Options, file: Span, at: int | None) -> None:
        """Name the project directory in *call*: the one that its first *file* stood in."""
        if at is not None:
            directory = directory_before(self.text, file, at)
        else:
            found = {
                directory_before(self.text, span, place)
                for name in names_in(self.text, file)
                for span in self.definitions.values(name)
                if (place := name_at(self.text, span, self.found.files)) is not None
            }
            directory = found.pop() if len(found) == 1 else None
        if directory is not None:
            self.inserted[call.first] = f"--project-directory {directory} "

    def variables(self, names: Iterable[str], *, pins: bool) -> None:
        """Change the files that the definitions of *names* name, and those that they refer to."""
        for value in self.definitions.reached(names):
            for call in self.definitions.groups(value):
                self.named(call, pins=pins and value not in self.definitions.appended)

    def paths(self, names: Iterable[str]) -> None:
        """Change the paths that the definitions of *names* are."""
        pattern = tokens(self.found.files)
        for value in self.definitions.reached(names):
            for match in pattern.finditer(self.text, value.start, value.end):
                self.prefixed(match.start())

    def prefixed(self, at: int) -> None:
        self.inserted[at] = f"{self.found.directory}/"


def _reads(call: Options) -> bool:
    """Return whether *call* may read the project: what is unknown may."""
    return bool(call.files) or not call.subcommand or call.subcommand in SUBCOMMANDS


def unified(inserted: Mapping[int, str], text: str) -> str:
    """Return *text* with what is *inserted*."""
    parts, at = [], 0
    for offset, words in sorted(inserted.items()):
        parts += [text[at:offset], words]
        at = offset
    return "".join([*parts, text[at:]])


Started = Callable[[Invocation], Invocation]
"""Gives the command of an entry point after the move."""

_MAX_MENTIONS = 200
_PROSE = (".md", ".markdown", ".rst", ".adoc", ".txt")


class References(Struct, frozen=True):
    """Files with commands written anew.

    *mentions* are the places that name a moved file as before, *bound* the commands that were found
    in the directories below as well, since the engine looks upwards for files that nothing names.
    """

    planned_files: tuple[PlannedFile, ...] = ()
    mentions: tuple[Location, ...] = ()
    bound: tuple[Location, ...] = ()


def references(
    files: FileReader, read: Callable[[str], bytes], found: Relocation, started: Started
) -> References:
    """Return the files of *files* whose commands change, since *found* moves what they name.

    *read* gives the bytes of a file. The commands are read again from the new text: each has to
    start what *started* gives. Raises RefusedError for one that cannot be written anew so.
    """
    needs = _needs(Listing(files), found, started)
    inserted: dict[str, dict[int, str]] = {}
    sources: dict[str, Source] = {}
    for path, at_path in needs.items():
        sources[path] = Source.decode(path, read(path))
        inserted[path] = insertions(sources[path], at_path, found)
    texts = {path: unified(inserted[path], sources[path].text) for path in needs}
    _check(needs, files, _FilesAfterMove(files, found, texts), started)
    planned_files = [
        _draft(sources[path], changes) for path, changes in inserted.items() if changes
    ]
    bound = [
        Location(path, need.line)
        for path, at_path in needs.items()
        for need in at_path
        if need.is_anywhere
    ]
    mentions = tuple(_mentions(files, found, texts))
    return References(tuple(planned_files), mentions, tuple(dict.fromkeys(bound)))


def _needs(listing: Listing, found: Relocation, started: Started) -> dict[str, list[Need]]:
    needs: dict[str, list[Need]] = {}
    for call in commands(listing):
        before = tuple(e for e in entry_points(call, listing) if isinstance(e, Invocation))
        if not any(map(found.moves, before)):
            continue
        after = tuple(map(started, before))
        implicit, named = before[0].implicit, call.invocation and call.invocation.files
        is_set = not implicit and not named
        place = _place(call, listing)
        is_anywhere = implicit and not call.moves and _is_started_anywhere(call)
        need = Need(call.line, before, after, place, implicit, is_set, is_anywhere)
        needs.setdefault(call.script.path, []).append(need)
    return needs


def _is_started_anywhere(call: ShellCall) -> bool:
    return len(call.script.directories) > 1 and not _is_prose(call.script.path)


def _place(call: ShellCall, listing: Listing) -> str:
    """Return where *call* runs; what documents show is meant for the project directory."""
    if _is_prose(call.script.path) and not call.moves:
        return "."
    found = upwards(call, listing)
    return found[0] if found is not None else places(call, listing)[0]


def _check(paths: Collection[str], before: FileReader, after: FileReader, started: Started) -> None:
    """Raise RefusedError where a command in *paths* does not start *after* what it should."""
    wanted, now = _commands(paths, before), _commands(paths, after)
    wrong = [
        Location(*place)
        for place, found in wanted.items()
        for each in found
        if isinstance(each, Invocation) and _key(started(each)) not in map(_key, now.get(place, ()))
    ]
    if wrong:
        others = ", ".join(map(str, list(dict.fromkeys(wrong))[1:8]))
        raise RefusedError(
            "this command names a root file in a way that cannot be written anew"
            + (f"; so do {others}" if others else ""),
            location=wrong[0],
            remedy="write its -f options out, or leave the roots where they are",
        )


def _commands(
    paths: Collection[str], files: FileReader
) -> dict[tuple[str, int], list[Invocation | Unresolved]]:
    """Return what the commands in *paths* start, by path and line."""
    listing = Listing(files)
    found: dict[tuple[str, int], list[Invocation | Unresolved]] = {}
    for call in commands(listing):
        if call.script.path in paths:
            place = call.script.path, call.line
            found.setdefault(place, []).extend(entry_points(call, listing))
    return found


def _key(result: Invocation | Unresolved) -> str:
    if isinstance(result, Unresolved):
        return result.reason
    return repr(
        (
            result.files,
            result.project_directory,
            result.env_files,
            result.project_name,
            result.profiles,
        )
    )


def _draft(source: Source, inserted: Mapping[int, str]) -> PlannedFile:
    whole = Slice(source, 0, len(source.text))
    changes = [Replacement(at, at, words) for at, words in inserted.items()]
    return PlannedFile(source.path, (whole,), source.has_bom).rewritten(source, changes)


def _mentions(files: FileReader, found: Relocation, texts: Mapping[str, str]) -> Iterator[Location]:
    """Yield where a moved file is still named by its old path."""
    pattern = re.compile(rf"(?<!{re.escape(found.directory)}/)" + tokens(found.files).pattern)
    count = 0
    # What is run or read by programs comes first: there it is work left.
    for path in sorted(files.paths(), key=_is_prose):
        text = texts.get(path)
        if text is None:
            text = files.read(path) or ""
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line[:2_000]):
                count += 1
                yield Location(path, number)
        if count > _MAX_MENTIONS:
            return


def _is_prose(path: str) -> bool:
    return path.lower().endswith(_PROSE)


class _FilesAfterMove:
    """The files of a project after a move; *texts* have other words in them."""

    def __init__(self, files: FileReader, found: Relocation, texts: Mapping[str, str]) -> None:
        self._files, self._texts = files, texts
        self._paths = sorted(map(found.path, files.paths()))
        self._old = {new: old for old, new in found.files.items()}

    def paths(self) -> Sequence[str]:
        """Return the paths of all files."""
        return self._paths

    def read(self, path: str) -> str | None:
        """Return the text of *path*."""
        return (
            self._texts[path]
            if path in self._texts
            else self._files.read(self._old.get(path, path))
        )
