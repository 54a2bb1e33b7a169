"""The ``include`` list of a root file: a new list, or entries added to an existing one.

An entry is the path of a module, as people write it. Docker Compose reads a module in its own
directory, so the paths in it are written for that place; the ``.env`` of the root applies as
before, since the directory of the modules has none.

Where a path in a module cannot be rewritten, its entry has ``project_directory: .`` instead, so
that no path in the module changes. It also has an ``env_file`` without variables: without it the
included text reads the root ``.env`` a second time, and the resolved configuration of every command
with ``--env-file`` changes (observed on v2.21.0 to v5.6.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from composerefactor.compose.files import ComposeFile, FileSection
from composerefactor.edit.planned_files import NewText, Piece, PlannedFile, Slice
from composerefactor.yaml.nodes import Node, SequenceNode, own_entries
from composerefactor.yaml.values import merged_get, text_below

MAX_PATHS = 20
"""Paths in one entry without an environment file.

The time that Docker Compose takes is quadratic in them: up to 20 cost about 30 ms more than one
entry each, 300 take 17 s (observed: v5.6.1).
"""

NO_VARIABLES = "/dev/null"
"""The ``env_file`` without variables of a list that another file includes.

There, every other path is relative to the current directory (observed: v2.24.1 to v5.6.1).
"""

WHY_ENV_FILE = "  # variables come from the command's own environment, as before"

EMPTY_ENV_FILE = """\
# Empty on purpose: the modules get their variables from the command's own environment, as before.
"""


def empty_env_file(path: str) -> PlannedFile:
    """Return the env file without variables at *path*. ``/dev/null`` is missing on Windows."""
    return PlannedFile(path, (NewText(EMPTY_ENV_FILE),))


class IncludeEntry(Struct, frozen=True):
    """One entry of an include list.

    Attributes:
        paths: the paths of files that are merged, relative to the project directory.
        env_file: the file without variables for an entry with ``project_directory: .``; ``""``
            where the paths in the files are written for the directory of the first one.
    """

    paths: tuple[str, ...]
    env_file: str = ""

    @property
    def is_path(self) -> bool:
        """True where the entry is nothing but a path."""
        return not self.env_file and len(self.paths) == 1

    def lines(self, indent: str, newline: str, *, explained: bool = False) -> str:
        """Return the lines of the entry; *explained* adds why it has an ``env_file``."""
        inner = indent + "  "
        if self.is_path:
            lines = [f"{indent}- {self.paths[0]}"]
        elif not self.env_file:
            lines = [f"{indent}- path:", *(f"{inner}  - {path}" for path in self.paths)]
        else:
            lines = [
                f"{indent}- project_directory: .",
                f"{inner}env_file: {self.env_file}{WHY_ENV_FILE if explained else ''}",
                f"{inner}path:",
                *(f"{inner}  - {path}" for path in self.paths),
            ]
        return "".join(line + newline for line in lines)

    def flow(self) -> str:
        """Return the entry in flow style."""
        if self.is_path:
            return self.paths[0]
        place = f"project_directory: ., env_file: {self.env_file}, " if self.env_file else ""
        return f"{{{place}path: [{', '.join(self.paths)}]}}"


def entries_of(paths: Iterable[str], long: Sequence[str], env_file: str) -> list[IncludeEntry]:
    """Return the entries for *paths*, of which no two define the same service.

    Those that are in *long* too are in as few entries as possible, with *env_file*.
    """
    short = [IncludeEntry((path,)) for path in paths if path not in long]
    return [*short, *(IncludeEntry(tuple(c), env_file) for c in _chunks(long))]


def indentation_unit(file: ComposeFile) -> str:
    """Return one step of the indentation of *file*, which has services."""
    services = (file.sections or {})["services"].value
    entries = own_entries(services)
    column = file.source.column(entries[0].start) if entries else 2
    return " " * (column or 2)


class IncludeEdit(Struct, frozen=True):
    """Lists modules in a root file.

    Attributes:
        file: the root file.
        entries: what is added.
        fill: True where paths with an ``env_file`` may be added to an entry of an earlier run.
    """

    file: ComposeFile
    entries: tuple[IncludeEntry, ...]
    fill: bool = True

    @property
    def appends(self) -> bool:
        """True where the file has an ``include`` already."""
        return "include" in (self.file.sections or {})

    @property
    def anchor_section(self) -> str:
        """The section above which a new list is written, or whose place it takes."""
        names = self.file.sections or {}
        return next(n for n in names if n not in {"version", "name"} and not n.startswith("x-"))

    @property
    def unit(self) -> str:
        """One step of the file's own indentation."""
        return indentation_unit(self.file)

    def created(self) -> Iterator[Piece]:
        """Yield a whole ``include`` section."""
        newline = self.file.source.newline
        first = next((entry for entry in self.entries if entry.env_file), None)
        text = "include:" + newline
        for entry in self.entries:
            text += entry.lines(self.unit, newline, explained=entry is first)
        yield NewText(text)

    def appended(self, section: FileSection) -> Iterator[Piece]:
        """Yield the existing *section* with the modules added to it."""
        source, region, value = self.file.source, section.region, section.region.entry.value
        if not isinstance(value, SequenceNode) or value.flow or not value.items:
            yield from self._appended_to_flow(section)
            return
        insertions, left = self._filled(value)
        if left:
            at = source.line_start(value.items[-1].start)
            dash = source.text.rfind("-", at, value.items[-1].outer_start)
            indent = source.text[at:dash] if dash >= 0 else self.unit
            text = "".join(entry.lines(indent, source.newline) for entry in left)
            insertions.append((region.tail, text))
        start = region.lead
        for at, text in insertions:
            if not source.text[:at].endswith(("\n", "\r")):  # the last line of the file
                text = source.newline + text.removesuffix(source.newline)  # noqa: PLW2901
            yield Slice(source, start, at)
            yield NewText(text)
            start = at
        if start < region.end:
            yield Slice(source, start, region.end)

    def _filled(self, existing: SequenceNode) -> tuple[list[tuple[int, str]], list[IncludeEntry]]:
        """Return the lines to insert in *existing* entries with room, and the entries left."""
        source = self.file.source
        long = [entry for entry in self.entries if entry.env_file and self.fill]
        left = [entry for entry in self.entries if entry not in long]
        more = [path for entry in long for path in entry.paths]
        env_file = long[0].env_file if long else ""
        insertions: list[tuple[int, str]] = []
        for item in existing.items:
            room = self._room(item, env_file) if more else None
            if room:
                last_path, count = room
                added, more = more[:count], more[count:]
                line_end = source.next_line(last_path.end - 1)
                lead = source.text[source.line_start(last_path.start) : last_path.start]
                insertions.append((line_end, "".join(lead + p + source.newline for p in added)))
        return insertions, [*left, *entries_of((), more, env_file)]

    def _room(self, item: Node, env_file: str) -> tuple[Node, int] | None:
        """Return the last path of *item*, and how many more fit.

        None for an entry that this tool did not write, or that is full.
        """
        is_here = text_below(item, "project_directory") == "."
        written = text_below(item, "env_file")
        paths = merged_get(item, "path")
        if not is_here or written not in {NO_VARIABLES, env_file}:
            return None
        if not isinstance(paths, SequenceNode) or paths.flow:
            return None
        if not paths.items or len(paths.items) >= MAX_PATHS:
            return None
        return paths.items[-1], MAX_PATHS - len(paths.items)

    def _appended_to_flow(self, section: FileSection) -> Iterator[Piece]:
        source, region, value = self.file.source, section.region, section.region.entry.value
        items = ", ".join(entry.flow() for entry in self.entries)
        if isinstance(value, SequenceNode) and value.flow:
            at = value.end - 1
            before = source.text[value.start + 1 : at].rstrip()
            comma = "" if not before.strip() or before.endswith(",") else ", "
            yield Slice(source, region.lead, at)
            text = comma + items
        else:
            at = value.end
            yield Slice(source, region.lead, at)
            text = f" [{items}]"
        line_end = source.next_line(at)
        yield NewText(text + source.text[at:line_end])
        if line_end < region.end:
            yield Slice(source, line_end, region.end)


def _chunks(paths: Sequence[str]) -> list[Sequence[str]]:
    """Return *paths* in as few entries as possible, all of about the same length."""
    count = -(-len(paths) // MAX_PATHS)
    size = -(-len(paths) // max(count, 1))
    return [paths[i : i + size] for i in range(0, len(paths), size)] if paths else []


class RootInclude(IncludeEdit, frozen=True):
    """The include list of a root file whose services all move: it keeps their section's comments.

    A module cannot have them, since it may have services of several root files.

    Attributes:
        titles: the comments on the key ``services``, each from its ``#`` on.
    """

    titles: tuple[str, ...] = ()

    def created(self) -> Iterator[Piece]:
        """Yield a new section, below the comments on the key ``services``.

        Where the section takes the place of the services, those above the key stay where they are.
        """
        source, region = self.file.source, (self.file.sections or {})["services"].region
        key_line = source.text[region.key : source.next_line(region.key)]
        takes_place = self.anchor_section == "services"
        yield from self._comments(
            title for title in self.titles if not takes_place or title in key_line
        )
        yield from IncludeEdit.created(self)

    def appended(self, section: FileSection) -> Iterator[Piece]:
        """Yield the existing *section* with the modules, and then the comments."""
        yield from IncludeEdit.appended(self, section)
        yield from self._comments(self.titles)

    def _comments(self, titles: Iterable[str]) -> Iterator[Piece]:
        for title in titles:
            yield NewText(title + self.file.source.newline)
