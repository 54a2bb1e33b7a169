"""The report of ``analyze`` for a terminal: :func:`analysis_text` renders its sections."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from composerefactor.analysis.analysis import Analysis
from composerefactor.report.analysis.model import Listing, Section, Table
from composerefactor.report.analysis.summary import sections, severities
from composerefactor.report.text import Style, joined, table

_LAST = ("rating", "priorities")
_COLOURS = {
    "High priority": "red",
    "Medium priority": "yellow",
    "CONFLICT": "red",
    "MISSING": "yellow",
}


def analysis_text(
    analysis: Analysis, style: Style, *, width: int = 80, verbose: bool = False
) -> Iterator[str]:
    """Yield the lines of a report that fits *width* columns.

    The most important sections come last, where a terminal shows them. *verbose* adds the sections
    that list everything.
    """
    all_sections = sections(analysis, with_details=verbose)
    ordered = [s for s in all_sections if s.id not in _LAST]
    ordered += [s for s in all_sections if s.id in _LAST]
    for section in ordered:
        if section.is_empty and not section.empty:
            continue
        yield style(section.title, "bold")
        yield from _body(section, style, width)
        yield ""
    rating = analysis.rating
    yield style(f"{rating.score:.1f} of 10, {rating.word}", "bold") + (
        f"; findings: {severities(analysis.findings)}"
    )
    if not verbose:
        yield style("-v lists every finding, --format markdown writes a document", "dim")


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
    heading_lines = len(table(columns, [], width - 2))
    for number, cells in enumerate(lines):
        line = joined(cells)
        if number < heading_lines:
            yield f"  {style(line, 'dim')}"
        else:
            yield f"  {_coloured(line, style)}"


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
