"""The ``include`` list of a root: a new one, or entries added to the one that is there.

Each entry says ``project_directory: .``, so that no path in a module changes, and
``env_file: /dev/null``, without which the included text reads the root ``.env`` a second time and
changes the model of every command with ``--env-file`` (observed on v2.21.0 to v5.6.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from composerefactor.compose.files import ComposeFile, Section
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.edit.planned_files import NewText, Piece, Slice
from composerefactor.yaml import nodes as yaml

MAX_PATHS = 8
"""Paths in one entry. The engine's time is quadratic in them (v5.6.1, 34 modules, 1,700 lines: the
monolith 0.34 s, in entries of 17 0.84 s, of 10 0.66 s, of 5 0.43 s)."""

WHY_ENV_FILE = "  # variables come from the command's own environment, as before"


class IncludeEdit(Struct, frozen=True):
    """Lists modules in the root *file*; *entries* are paths relative to the project directory.

    *fill* lets them join an entry of an earlier run that has room.
    """

    file: ComposeFile
    entries: tuple[tuple[str, ...], ...]
    fill: bool = True

    @classmethod
    def of(cls, file: ComposeFile, paths: Sequence[str]) -> IncludeEdit:
        """Return the edit that lists *paths*, which share no service, in entries of any kind."""
        return cls(file, tuple(map(tuple, _chunks(paths))))

    @property
    def appends(self) -> bool:
        """True where the root has an ``include`` already."""
        return "include" in (self.file.sections or {})

    @property
    def anchor_section(self) -> str:
        """The section in whose place a new list is put."""
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
        whole_end = region.end
        if not isinstance(value, yaml.SequenceNode) or value.flow or not value.items:
            yield from self._appended_to_flow(section)
            return
        cuts: list[tuple[int, str]] = []
        left = [path for entry in self.entries for path in entry] if self.fill else []
        for item in value.items:
            room = self._room(item)
            if room and left:
                fits, left = left[: room[1]], left[room[1] :]
                line_end = source.next_line(room[0].end - 1)
                lead = source.text[source.line_start(room[0].start) : room[0].start]
                cuts.append((line_end, "".join(lead + p + source.newline for p in fits)))
        entries = _chunks(left) if self.fill else self.entries
        if entries:
            at = source.line_start(value.items[-1].start)
            dash = source.text.rfind("-", at, value.items[-1].outer_start)
            indent = source.text[at:dash] if dash >= 0 else self.unit
            text = "".join(self._entry(c, indent, explained=False) for c in entries)
            cuts.append((region.tail, text))
        start = region.lead
        for at, text in cuts:
            yield Slice(source, start, at)
            yield NewText(text)
            start = at
        if start < whole_end:
            yield Slice(source, start, whole_end)

    def _room(self, item: yaml.Node) -> tuple[yaml.Node, int] | None:
        """Return the last path, and how many more fit, of an entry that this tool wrote earlier."""
        here = scalar_text(merged_get(item, "project_directory")) == "."
        null = scalar_text(merged_get(item, "env_file")) == "/dev/null"
        paths = merged_get(item, "path")
        if not (here and null and isinstance(paths, yaml.SequenceNode) and not paths.flow):
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
    """Divide *paths* into as few entries as possible, all of about the same length."""
    count = -(-len(paths) // MAX_PATHS)
    size = -(-len(paths) // max(count, 1))
    return [paths[i : i + size] for i in range(0, len(paths), size)] if paths else []


class RootInclude(IncludeEdit, frozen=True):
    """Keeps the comments on the key ``services``, which stands no more: *titles*, each from ``#``.

    Modules cannot take them, since one may hold the services of several roots.
    """

    titles: tuple[str, ...] = ()

    def created(self) -> Iterator[Piece]:
        """Yield a new section; what stands above the key stays there, what stands behind goes."""
        source, region = self.file.source, (self.file.sections or {})["services"].region
        behind = source.text[region.key : source.next_line(region.key)]
        yield from self._written(title for title in self.titles if title in behind)
        yield from IncludeEdit.created(self)

    def appended(self, section: Section) -> Iterator[Piece]:
        """Yield the existing *section* with the modules, and then what titled the services."""
        yield from IncludeEdit.appended(self, section)
        yield from self._written(self.titles)

    def _written(self, found: Iterator[str] | tuple[str, ...]) -> Iterator[Piece]:
        for title in found:
            yield NewText(title + self.file.source.newline)
