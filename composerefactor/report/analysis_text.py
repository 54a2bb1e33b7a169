"""An analysis for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from composerefactor.analysis.analysis import Analysis
from composerefactor.report.analysis_sections import sections
from composerefactor.report.sections import Listing, Section, Table
from composerefactor.report.sections_summary import severities
from composerefactor.report.style import Style
from composerefactor.report.tables import joined, table

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

    What matters most comes last, where a terminal shows it. *verbose* adds the sections that list
    everything.
    """
    found = sections(analysis, with_details=verbose)
    ordered = [s for s in found if s.id not in _LAST] + [s for s in found if s.id in _LAST]
    for each in ordered:
        if each.is_empty and not each.empty:
            continue
        yield style(each.title, "bold")
        yield from _body(each, style, width)
        yield ""
    rating = analysis.rating
    yield style(f"{rating.score:.1f} of 10, {rating.word}", "bold") + (
        f"; findings: {severities(analysis.findings)}"
    )
    if not verbose:
        yield style("-v lists each finding, --format markdown writes a document", "dim")


def _body(section: Section, style: Style, width: int) -> Iterator[str]:
    if section.intro:
        yield from (style(f"  {line}", "dim") for line in textwrap.wrap(section.intro, width - 2))
    if section.is_empty:
        yield f"  {section.empty}"
        return
    for part in section.parts:
        if isinstance(part, Table) and part.rows:
            yield from _titled(part.title, style)
            yield from _table(part, style, width)
        elif isinstance(part, Listing) and part.lines:
            yield from _titled(part.title, style)
            yield from _listing(part, width)


def _titled(title: str, style: Style) -> Iterator[str]:
    if title:
        yield f"  {style(_plain(title), _COLOURS.get(title, 'cyan'))}"


def _table(part: Table, style: Style, width: int) -> Iterator[str]:
    kept = [
        n
        for n, column in enumerate(part.columns)
        if column not in part.spare and any(row[n] for row in part.rows)
    ]
    columns = [_plain(part.columns[n]) for n in kept]
    rows = [[_plain(row[n]) for n in kept] for row in part.rows]
    lines = table(columns, rows, width - 2)
    heading = len(table(columns, [], width - 2))
    for number, cells in enumerate(lines):
        line = joined(cells)
        if number < heading:
            yield f"  {style(line, 'dim')}"
        else:
            yield f"  {_painted(line, style)}"


def _painted(line: str, style: Style) -> str:
    for word, colour in _COLOURS.items():
        if word.isupper() and word in line:
            line = line.replace(word, style(word, colour))
    return line


def _listing(part: Listing, width: int) -> Iterator[str]:
    for line in part.lines:
        if part.code:
            yield f"  {line}"
            continue
        mark = "[ ] " if part.checks else ""
        yield from textwrap.wrap(
            mark + _plain(line),
            width,
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
        )


def _plain(text: str) -> str:
    """Return *text* without the marks of Markdown."""
    return text.replace("`", "")
