"""The ``include`` list of a root file: a new list, or entries added to an existing one.

Each entry has ``project_directory: .``, so that no path in a module changes. It also has
``env_file: /dev/null``: without it the included text reads the root ``.env`` a second time, and the
resolved configuration of every command with ``--env-file`` changes (observed on v2.21.0 to v5.6.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from composerefactor.compose.files import ComposeFile, Section
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.edit.planned_files import NewText, Piece, Slice
from composerefactor.yaml import nodes as yaml

MAX_PATHS = 8
"""Paths in one entry.

The time that Docker Compose takes is quadratic in them (observed: v5.6.1 with 34 modules of 1,700
lines took 0.34 s for the monolith, and 0.84 s for entries of 17, 0.66 s of 10, 0.43 s of 5).
"""

WHY_ENV_FILE = "  # variables come from the command's own environment, as before"


class IncludeEdit(Struct, frozen=True):
    """Lists modules in a root file.

    Attributes:
        file: the root file.
        entries: the paths in each entry, relative to the project directory.
        fill: True where paths may be added to an entry of an earlier run.
    """

    file: ComposeFile
    entries: tuple[tuple[str, ...], ...]
    fill: bool = True

    @classmethod
    def of(cls, file: ComposeFile, paths: Sequence[str]) -> IncludeEdit:
        """Return the edit that lists *paths*, of which no two define the same service."""
        return cls(file, tuple(map(tuple, _chunks(paths))))

    @property
    def appends(self) -> bool:
        """True where the file has an ``include`` already."""
        return "include" in (self.file.sections or {})

    @property
    def anchor_section(self) -> str:
        """The section in whose place a new list is written."""
        return "services"

    @property
    def unit(self) -> str:
        """One step of the file's own indentation."""
        services = (self.file.sections or {})["services"].value
        entries = services.entries if isinstance(services, yaml.MappingNode) else []
        column = self.file.source.column(entries[0].start) if entries else 2
        return " " * (column or 2)

    def created(self) -> Iterator[Piece]:
        """Yield a whole ``include`` section."""
        newline = self.file.source.newline
        text = "include:" + newline
        for i, paths in enumerate(self.entries):
            text += self._entry(paths, self.unit, explained=i == 0)
        yield NewText(text)

    def appended(self, section: Section) -> Iterator[Piece]:
        """Yield the existing *section* with the modules added to it."""
        source, region, value = self.file.source, section.region, section.region.entry.value
        if not isinstance(value, yaml.SequenceNode) or value.flow or not value.items:
            yield from self._appended_to_flow(section)
            return
        insertions: list[tuple[int, str]] = []
        left = [path for entry in self.entries for path in entry] if self.fill else []
        for item in value.items:
            room = self._room(item)
            if room and left:
                last_path, count = room
                added, left = left[:count], left[count:]
                line_end = source.next_line(last_path.end - 1)
                lead = source.text[source.line_start(last_path.start) : last_path.start]
                insertions.append((line_end, "".join(lead + p + source.newline for p in added)))
        entries = _chunks(left) if self.fill else self.entries
        if entries:
            at = source.line_start(value.items[-1].start)
            dash = source.text.rfind("-", at, value.items[-1].outer_start)
            indent = source.text[at:dash] if dash >= 0 else self.unit
            text = "".join(self._entry(paths, indent, explained=False) for paths in entries)
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

    def _room(self, item: yaml.Node) -> tuple[yaml.Node, int] | None:
        """Return the last path of *item*, and how many more fit.

        None for an entry that this tool did not write, or that is full.
        """
        is_here = scalar_text(merged_get(item, "project_directory")) == "."
        has_no_env_file = scalar_text(merged_get(item, "env_file")) == "/dev/null"
        paths = merged_get(item, "path")
        if not (is_here and has_no_env_file):
            return None
        if not isinstance(paths, yaml.SequenceNode) or paths.flow:
            return None
        if not paths.items or len(paths.items) >= MAX_PATHS:
            return None
        return paths.items[-1], MAX_PATHS - len(paths.items)

    def _appended_to_flow(self, section: Section) -> Iterator[Piece]:
        source, region, value = self.file.source, section.region, section.region.entry.value
        items = ", ".join(
            "{project_directory: ., env_file: /dev/null, path: [" + ", ".join(c) + "]}"
            for c in self.entries
        )
        if isinstance(value, yaml.SequenceNode) and value.flow:
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

    def _entry(self, paths: Sequence[str], indent: str, *, explained: bool) -> str:
        newline = self.file.source.newline
        inner = indent + "  "
        lines = [
            f"{indent}- project_directory: .",
            f"{inner}env_file: /dev/null{WHY_ENV_FILE if explained else ''}",
            f"{inner}path:",
            *(f"{inner}  - {path}" for path in paths),
        ]
        return "".join(line + newline for line in lines)


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
        """Yield a new section, below the comments behind the key ``services``.

        Those above that key stay where they are.
        """
        source, region = self.file.source, (self.file.sections or {})["services"].region
        key_line = source.text[region.key : source.next_line(region.key)]
        yield from self._comments(title for title in self.titles if title in key_line)
        yield from IncludeEdit.created(self)

    def appended(self, section: Section) -> Iterator[Piece]:
        """Yield the existing *section* with the modules, and then the comments."""
        yield from IncludeEdit.appended(self, section)
        yield from self._comments(self.titles)

    def _comments(self, titles: Iterable[str]) -> Iterator[Piece]:
        for title in titles:
            yield NewText(title + self.file.source.newline)
