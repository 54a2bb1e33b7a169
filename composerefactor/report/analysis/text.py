"""The whole report of ``analyze`` for a terminal: :func:`full_text` renders its sections."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from composerefactor.analysis.analysis import Analysis
from composerefactor.report.analysis.model import Listing, Section, Table
from composerefactor.report.analysis.summary import SECTIONS, sections
from composerefactor.report.text import Style, table

_COLOURS = {
    "High priority": "red",
    "Medium priority": "yellow",
    "CONFLICT": "red",
    "MISSING": "yellow",
}


def full_text(
    analysis: Analysis, style: Style, *, width: int = 80, names: Sequence[str] = ()
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
    for part in section.parts:
        if isinstance(part, Table) and part.rows:
            yield from _heading(part.title, style)
            yield from _table(part, style, width)
        elif isinstance(part, Listing) and part.lines:
            yield from _heading(part.title, style)
            yield from _listing(part, width)


def _heading(title: str, style: Style) -> Iterator[str]:
    if title:
        yield f"  {style(_plain(title), _COLOURS.get(title, 'cyan'))}"


def _table(part: Table, style: Style, width: int) -> Iterator[str]:
    shown = [n for n in part.used if part.columns[n] not in part.spare]
    columns = [_plain(part.columns[n]) for n in shown]
    rows = [[_plain(row[n]) for n in shown] for row in part.rows]
    lines = table(columns, rows, width - 2)
    yield from (f"  {style(line, 'dim')}" for line in lines.heading)
    yield from (f"  {_coloured(line, style)}" for line in lines.rows)


def _coloured(line: str, style: Style) -> str:
    for word, colour in _COLOURS.items():
        if word.isupper() and word in line:
            line = line.replace(word, style(word, colour))
    return line


def _listing(part: Listing, width: int) -> Iterator[str]:
    for line in part.lines:
        if part.code:
            yield f"  {line}"
            continue
        checkbox = "[ ] " if part.checks else ""
        yield from textwrap.wrap(
            checkbox + _plain(line),
            width,
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
        )


def _plain(text: str) -> str:
    """Return *text* without backticks."""
    return text.replace("`", "")
