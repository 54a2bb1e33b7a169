"""The commands of a project that name a file which moves, written anew and read again."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.edits.drafts import Draft, Replacement, Slice
from composerefactor.entrypoints.files import FileReader, Listing
from composerefactor.entrypoints.find import commands
from composerefactor.entrypoints.resolve import Unresolved, entry_points, places, upwards
from composerefactor.entrypoints.shell import Call
from composerefactor.errors import Location, RefusedError
from composerefactor.moving.paths import tokens
from composerefactor.moving.relocation import Relocation
from composerefactor.moving.rewriting import Need, insertions, unified
from composerefactor.source import Source

Started = Callable[[EntryPoint], EntryPoint]
"""Gives the command of an entry point after the move."""

_MAX_MENTIONS = 200
_PROSE = (".md", ".markdown", ".rst", ".adoc", ".txt")


class References(Struct, frozen=True):
    """Files with commands written anew.

    *mentions* are the places that name a moved file as before, *bound* the commands that were found
    in the directories below as well, since the engine looks upwards for files that nothing names.
    """

    drafts: tuple[Draft, ...] = ()
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
    _check(needs, files, _Moved(files, found, texts), started)
    drafts = [_draft(sources[path], changes) for path, changes in inserted.items() if changes]
    bound = [
        Location(path, need.line)
        for path, at_path in needs.items()
        for need in at_path
        if need.is_anywhere
    ]
    mentions = tuple(_mentions(files, found, texts))
    return References(tuple(drafts), mentions, tuple(dict.fromkeys(bound)))


def _needs(listing: Listing, found: Relocation, started: Started) -> dict[str, list[Need]]:
    needs: dict[str, list[Need]] = {}
    for call in commands(listing):
        before = tuple(e for e in entry_points(call, listing) if isinstance(e, EntryPoint))
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


def _is_started_anywhere(call: Call) -> bool:
    return len(call.script.directories) > 1 and not _is_prose(call.script.path)


def _place(call: Call, listing: Listing) -> str:
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
        if isinstance(each, EntryPoint) and _key(started(each)) not in map(_key, now.get(place, ()))
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
) -> dict[tuple[str, int], list[EntryPoint | Unresolved]]:
    """Return what the commands in *paths* start, by path and line."""
    listing = Listing(files)
    found: dict[tuple[str, int], list[EntryPoint | Unresolved]] = {}
    for call in commands(listing):
        if call.script.path in paths:
            place = call.script.path, call.line
            found.setdefault(place, []).extend(entry_points(call, listing))
    return found


def _key(result: EntryPoint | Unresolved) -> str:
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


def _draft(source: Source, inserted: Mapping[int, str]) -> Draft:
    whole = Slice(source, 0, len(source.text))
    changes = [Replacement(at, at, words) for at, words in inserted.items()]
    return Draft(source.path, (whole,), source.has_bom).rewritten(source, changes)


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


class _Moved:
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
