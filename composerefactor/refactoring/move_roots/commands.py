"""Commands that name a file which moves: rewritten in the files of the project, and read again.

:func:`rewritten_references` finds the commands, rewrites them, and checks that the discovery reads
the expected start commands from the new text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from composerefactor.compose.invocation import Invocation
from composerefactor.discovery.files import Listing
from composerefactor.discovery.find import commands
from composerefactor.discovery.resolve import (
    UnresolvedCall,
    local_path,
    named_files,
    resolve_call,
    search_upwards,
    working_directories,
)
from composerefactor.discovery.script import OPEN, UNKNOWN, LocatedText, Script
from composerefactor.discovery.shell import ShellCall, WrittenWord, split_option, written_words
from composerefactor.edit.planned_files import PlannedFile, Replacement
from composerefactor.errors import Location, RefusedError
from composerefactor.refactoring.move_roots.relocation import (
    Relocation,
    directory_before,
    file_name_pattern,
)
from composerefactor.yaml.source import Source


class CommandChange(Struct, frozen=True):
    """A command in a file that has to change.

    Attributes:
        call: The call of Compose, with the offsets of its words.
        before: The start commands that it stands for now.
        after: Those that it has to stand for.
        place: The directory in which it runs, as far as that is known.
        files: The words that name files which move, in ``-f`` or in ``COMPOSE_FILE``.
    """

    call: ShellCall
    before: tuple[Invocation, ...]
    after: tuple[Invocation, ...]
    place: str
    files: tuple[str, ...]

    @property
    def options(self) -> str:
        """The options to add to a command without ``-f``."""
        entry = self.after[0]
        named = [("-f", file) for file in entry.files] if self.before[0].implicit else []
        if self.needs_directory and entry.project_directory is not None:
            named.insert(0, ("--project-directory", entry.project_directory))
        return "".join(f" {name} {posixpath.relpath(path, self.place)}" for name, path in named)

    @property
    def needs_directory(self) -> bool:
        """True if the command has to name the project directory, and does not yet."""
        return any(
            new.project_directory is not None and old.project_directory is None
            for old, new in zip(self.before, self.after, strict=True)
        )


def insertions(
    text: str, changes: Iterable[CommandChange], relocation: Relocation
) -> dict[int, str]:
    """Return the texts to insert in *text*, by offset, for *changes* of its commands.

    What cannot be rewritten, such as a file name of which two variables contain a part each, gets
    no insertion.
    """
    rewriter = _Rewriter(text, relocation)
    for change in changes:
        rewriter.rewrite(change)
    return rewriter.inserted


class _FileName(Struct, frozen=True):
    """The name of a file that moves, in a word.

    Attributes:
        start: Where the path begins, including a quote.
        offset: Where the name begins.
        others: Where the same name begins in other definitions of the same variable.
    """

    start: int
    offset: int
    others: tuple[int, ...] = ()


class _Rewriter:
    """Collects the insertions for the text of one file."""

    def __init__(self, text: str, relocation: Relocation) -> None:
        self.text, self.relocation = text, relocation
        self.inserted: dict[int, str] = {}
        self._pattern = file_name_pattern(relocation.files)
        self._words: dict[int, list[WrittenWord]] = {}

    def rewrite(self, change: CommandChange) -> None:
        """Add the insertions for *change*."""
        invocation = change.call.invocation
        if invocation is None:
            return
        names = [self._file_name(file, change.call.script) for file in change.files]
        for name in names:
            if name is not None:
                for offset in (name.offset, *name.others):
                    self.inserted[offset] = f"{self.relocation.directory}/"
        if not invocation.files:
            if change.options and invocation.options_at is not None:
                self.inserted[invocation.options_at] = change.options
            return
        first = names[0] if names else None
        if not change.needs_directory or first is None or invocation.first_file_at is None:
            return
        directory = directory_before(self.text, first.start, first.offset)
        if directory is not None:
            self.inserted[invocation.first_file_at] = f"--project-directory {directory} "

    def _file_name(self, file: str, script: Script) -> _FileName | None:
        """Return the name at the end of the path *file*; None if it is not in one word."""
        at = file.rfind("/") + 1
        if not isinstance(file, LocatedText) or at == len(file):
            return None
        offset = file.starts[at]
        words = self._words.setdefault(id(script), [])
        if not words:
            words.extend(written_words(script))
        for word in words:
            if offset in word.text.starts and self._is_name(word.text, offset):
                value = split_option(word.text)[1]
                start = (value if isinstance(value, LocatedText) else word.text).start
                index = word.text.starts.index(offset)
                others = tuple(
                    other.text.starts[index]
                    for other in words
                    if other.name and other.name == word.name and other.text == word.text
                )
                return _FileName(start, offset, others)
        return None

    def _is_name(self, word: LocatedText, offset: int) -> bool:
        """Return whether the name of a file that moves begins at *offset*, at the end of *word*.

        A name with variables counts where one of the files matches it.
        """
        if self._pattern.match(self.text, offset):
            return True
        name = word[word.starts.index(offset) :]
        fixed = [re.escape(part) for part in UNKNOWN.split(name)[::2]]
        form = re.compile(r"[\w.-]{1,80}".join(fixed))
        has_words = re.search(r"\w", "".join(fixed).partition(".")[0])
        return bool(has_words) and any(map(form.fullmatch, self.relocation.files))


def with_insertions(inserted: Mapping[int, str], text: str) -> str:
    """Return *text* with the texts *inserted* at their offsets."""
    parts, at = [], 0
    for offset, new in sorted(inserted.items()):
        parts += [text[at:offset], new]
        at = offset
    return "".join([*parts, text[at:]])


AfterMove = Callable[[Invocation], Invocation]
"""Returns a start command as it is after the move."""

_MAX_MENTIONS = 200
_PROSE = (".md", ".markdown", ".rst", ".adoc", ".txt")


class References(Struct, frozen=True):
    """What refers to moved files.

    Attributes:
        planned_files: the files with rewritten commands.
        mentions: the places that still name a moved file by its old path.
        in_project_directory: the commands that worked in directories below the project directory
            too, since Docker Compose searches the parents for files that no option names.
    """

    planned_files: tuple[PlannedFile, ...] = ()
    mentions: tuple[Location, ...] = ()
    in_project_directory: tuple[Location, ...] = ()


def rewritten_references(
    listing: Listing,
    read: Callable[[str], bytes],
    relocation: Relocation,
    after_move: AfterMove,
) -> References:
    """Return the files of *listing* with the commands that name moved files rewritten.

    *read* returns the bytes of a file. Commands are read again from the new text: each has to stand
    for what *after_move* returns. Raises RefusedError for one that cannot be rewritten so.
    """
    changes = _command_changes(_with_offsets(listing), relocation, after_move)
    sources = {path: Source.decode(path, read(path)) for path in changes}
    inserted = {
        path: insertions(sources[path].text, at_path, relocation)
        for path, at_path in changes.items()
    }
    texts = {path: with_insertions(inserted[path], sources[path].text) for path in changes}
    _check_rewritten(changes, listing, _after_move(listing, relocation, texts), after_move)
    planned_files = [
        _planned_file(sources[path], new_texts) for path, new_texts in inserted.items() if new_texts
    ]
    in_project_directory = [
        Location(path, change.call.line)
        for path, at_path in changes.items()
        for change in at_path
        if change.before[0].implicit and _may_run_anywhere(change.call)
    ]
    mentions = tuple(_mentions(listing, relocation, texts))
    return References(tuple(planned_files), mentions, tuple(dict.fromkeys(in_project_directory)))


def _command_changes(
    listing: Listing, relocation: Relocation, after_move: AfterMove
) -> dict[str, list[CommandChange]]:
    """Return the commands that name moved files, by path of the file that they are in."""
    changes: dict[str, list[CommandChange]] = {}
    for call in commands(listing):
        before = tuple(e for e in resolve_call(call, listing) if isinstance(e, Invocation))
        if not any(map(relocation.moves, before)):
            continue
        after = tuple(map(after_move, before))
        files = tuple(_moving_files(call, listing, relocation))
        change = CommandChange(call, before, after, _place(call, listing), files)
        changes.setdefault(call.script.path, []).append(change)
    return changes


def _moving_files(call: ShellCall, listing: Listing, relocation: Relocation) -> Iterator[str]:
    """Yield the files that *call* names and that move, or may do so for an unknown variable."""
    directories = working_directories(call, listing)
    for file in named_files(call.invocation) if call.invocation else ():
        paths = (local_path(directory, file) for directory in directories)
        if OPEN in file or any(path in relocation.files for path in paths):
            yield file


def _may_run_anywhere(call: ShellCall) -> bool:
    """Return whether *call* may run in several directories."""
    return not call.moves and len(call.script.directories) > 1 and not _is_prose(call.script.path)


def _place(call: ShellCall, listing: Listing) -> str:
    """Return the directory in which *call* runs; for documentation the project directory."""
    if _is_prose(call.script.path) and not call.moves:
        return "."
    found = search_upwards(call, listing)
    return found[0] if found is not None else working_directories(call, listing)[0]


def _check_rewritten(
    paths: Collection[str], before: Listing, after: Listing, after_move: AfterMove
) -> None:
    """Raise RefusedError where a command in *paths* does not stand for what it should afterwards.

    *before* are the files before the move, *after* those with the rewritten commands.
    """
    old, new = _commands(paths, before), _commands(paths, after)
    wrong = [
        Location(*place)
        for place, invocations_ in old.items()
        for each in invocations_
        if isinstance(each, Invocation)
        and _comparison_key(after_move(each)) not in map(_comparison_key, new.get(place, ()))
    ]
    if wrong:
        others = ", ".join(map(str, list(dict.fromkeys(wrong))[1:8]))
        raise RefusedError(
            "this command names a root file in a way that cannot be rewritten"
            + (f"; so do {others}" if others else ""),
            location=wrong[0],
            remedy="write out its -f options, or leave the root files where they are",
        )


def _commands(
    paths: Collection[str], listing: Listing
) -> dict[tuple[str, int], list[Invocation | UnresolvedCall]]:
    """Return the start commands of the commands in *paths*, by path and line."""
    by_place: dict[tuple[str, int], list[Invocation | UnresolvedCall]] = {}
    for call in commands(listing):
        if call.script.path in paths:
            place = call.script.path, call.line
            by_place.setdefault(place, []).extend(resolve_call(call, listing))
    return by_place


def _comparison_key(result: Invocation | UnresolvedCall) -> str:
    if isinstance(result, UnresolvedCall):
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


def _planned_file(source: Source, inserted: Mapping[int, str]) -> PlannedFile:
    changes = [Replacement(at, at, text) for at, text in inserted.items()]
    return PlannedFile.of(source).rewritten(source, changes)


def _mentions(
    listing: Listing, relocation: Relocation, texts: Mapping[str, str]
) -> Iterator[Location]:
    """Yield where *listing*, with the new *texts*, still name a moved file by its old path."""
    names = file_name_pattern(relocation.files).pattern
    pattern = re.compile(rf"(?<!{re.escape(relocation.directory)}/)" + names)
    count = 0
    # Files that programs read come first: there is work left in them.
    for path in sorted(listing.paths, key=_is_prose):
        text = texts.get(path)
        if text is None:
            text = listing.read(path) or ""
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line[:2_000]):
                count += 1
                yield Location(path, number)
        if count > _MAX_MENTIONS:
            return


def _is_prose(path: str) -> bool:
    return path.lower().endswith(_PROSE)


def _with_offsets(listing: Listing) -> Listing:
    """Return *listing*; the words of commands that are read from it have offsets."""

    def read(path: str) -> str | None:
        text = listing.read(path)
        return None if text is None else LocatedText.of_file(text)

    return Listing(lambda: listing.paths, read)


def _after_move(listing: Listing, relocation: Relocation, texts: Mapping[str, str]) -> Listing:
    """Return *listing* after a move; *texts* are the new texts of files that change."""
    old = {new: old for old, new in relocation.files.items()}

    def read(path: str) -> str | None:
        return texts[path] if path in texts else listing.read(old.get(path, path))

    return Listing(lambda: sorted(map(relocation.path, listing.paths)), read)
