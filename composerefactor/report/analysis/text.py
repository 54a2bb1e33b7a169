"""The whole report of ``analyze`` for a terminal: :func:`full_text` renders its sections."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from msgspec import Struct

from composerefactor.analysis.analysis import Analysis
from composerefactor.report.analysis.model import NOTHING, Section, Table, TextBlock
from composerefactor.report.analysis.summary import SECTIONS, sections
from composerefactor.report.text import Style, TableLines, columns_of, filled, table

_COLOURS = {
    "High priority": "red",
    "Medium priority": "yellow",
    "CONFLICT": "red",
    "MISSING": "yellow",
    "high": "red",
    "medium": "yellow",
}
_ALWAYS_A_TABLE = 2
"""Tables with at most so many columns can be read whatever their cells are."""

_MOST_LINES = 1.5
"""How many lines a row may have, on average, so that a table is readable."""


def full_text(
    analysis: Analysis, style: Style, *, width: int, names: Sequence[str]
) -> Iterator[str]:
    """Yield the lines of a report that fits *width* columns.

    Args:
        analysis: The analysis.
        style: The colours.
        width: The columns of the terminal.
        names: The ids of the sections, all if there are none. Empty sections are only shown if
            they are named.
    """
    shown = [SECTIONS[name](analysis) for name in names] or sections(analysis)
    for section in shown:
        if section.is_empty and not names:
            continue
        yield style(section.title, "bold")
        yield from _body(section, style, width)
        yield ""


def _body(section: Section, style: Style, width: int) -> Iterator[str]:
    if section.intro:
        yield from (style(f"  {line}", "dim") for line in textwrap.wrap(section.intro, width - 2))
    if section.is_empty:
        yield f"  {section.empty}"
        return
    grids = [_grid(part, width) if isinstance(part, Table) else None for part in section.parts]
    in_blocks = {grid.columns for grid in grids if grid is not None and grid.is_tall}
    for part, grid in zip(section.parts, grids, strict=True):
        if isinstance(part, Table) and grid is not None and part.rows:
            yield from _heading(part.title, style)
            if grid.columns in in_blocks:
                yield from _blocks(grid, part.lead, style, width)
            else:
                yield from (f"  {style(line, 'dim')}" for line in grid.lines.heading)
                yield from (f"  {_coloured(line, style)}" for line in grid.lines.rows)
        elif isinstance(part, TextBlock) and part.lines:
            yield from _heading(part.title, style)
            yield from _listing(part, width)


def _heading(title: str, style: Style) -> Iterator[str]:
    if title:
        yield f"  {style(_plain(title), _COLOURS.get(title, 'cyan'))}"


class _Grid(Struct, frozen=True):
    """The cells of a table without empty columns, and its lines as a table.

    Attributes:
        columns: The headings.
        rows: The cells of each row.
        lines: The lines.
    """

    columns: tuple[str, ...]
    rows: list[list[str]]
    lines: TableLines

    @property
    def is_tall(self) -> bool:
        """True if rows take so many lines that they cannot be read as a table."""
        is_wide = len(self.columns) > _ALWAYS_A_TABLE
        return is_wide and len(self.lines.rows) > _MOST_LINES * len(self.rows)


def _grid(part: Table, width: int) -> _Grid:
    shown = [n for n in part.used if part.columns[n] not in part.spare]
    columns = tuple(_plain(part.columns[n]) for n in shown)
    rows = [[_plain(row[n]) for n in shown] for row in part.rows]
    return _Grid(columns, rows, table(columns, rows, width - 2))


def _blocks(grid: _Grid, lead: int, style: Style, width: int) -> Iterator[str]:
    """Yield each row as a block: its first *lead* cells, then the others, each with its column.

    Rows with the same first cells follow one another without these.
    """
    before: list[str] = []
    for row in grid.rows:
        if row[:lead] != before:
            first, *others = filled("  ".join(row[:lead]), width, "  ", " " * 6)
            words = row[0] if lead > 1 else first.strip()
            yield first.replace(words, style(words, _COLOURS.get(row[0], "bold")), 1)
            yield from others
        before = row[:lead]
        line = ""
        for column, cell in zip(grid.columns[lead:], row[lead:], strict=True):
            field = f"{column}: {cell}"
            if cell in NOTHING:
                continue
            if line and columns_of(f"    {line}  {field}") > width:
                yield from _field_lines(line, style, width)
                line = field
            else:
                line = f"{line}  {field}" if line else field
        yield from _field_lines(line, style, width)


def _field_lines(text: str, style: Style, width: int) -> Iterator[str]:
    yield from (_coloured(line, style) for line in filled(text, width, "    ", " " * 6))


def _coloured(line: str, style: Style) -> str:
    for word, colour in _COLOURS.items():
        if word.isupper() and word in line:
            line = line.replace(word, style(word, colour))
    return line


def _listing(part: TextBlock, width: int) -> Iterator[str]:
    for line in part.lines:
        if part.code:
            yield f"  {line}"
            continue
        checkbox = "[ ] " if part.checks else ""
        yield from filled(checkbox + _plain(line), width, "  ", "    ")


def _plain(text: str) -> str:
    """Return *text* without backticks."""
    return text.replace("`", "")
