"""The report of ``analyze`` for a terminal, and the overview of many projects.

:func:`analysis_text` renders the sections of one project. The ``fleet_`` functions render the
summaries of ``analyze --recursive`` as text, Markdown and JSON.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import asdict

from composerefactor.analysis.analysis import Analysis
from composerefactor.analysis.fleet import ProjectSummary
from composerefactor.report.analysis.model import Listing, Section, Table
from composerefactor.report.analysis.summary import sections, severities
from composerefactor.report.markdown import cell
from composerefactor.report.text import Style, counted, joined, table

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


SCHEMA = 2
_COLUMNS = (
    "Project",
    "Start commands",
    "Services",
    "Rating",
    "High",
    "Medium",
    "Low",
    "Main finding",
)
_MAX_RULES = 10


def fleet_text(summaries: Sequence[ProjectSummary], style: Style, width: int = 80) -> list[str]:
    """Return the lines of a table of all projects, the worst first, and of a summary."""
    lines = table(_COLUMNS, [_row(each) for each in _ordered(summaries) if not each.error], width)
    heading_lines = len(table(_COLUMNS, [], width))
    shown = [style(joined(cells), "dim") for cells in lines[:heading_lines]]
    shown += [joined(cells) for cells in lines[heading_lines:]]
    for each in summaries:
        if each.error:
            shown.append(f"{style(each.path, 'yellow')}: {each.error}")
    shown += ["", *_totals(summaries)]
    return shown


def fleet_markdown(summaries: Sequence[ProjectSummary]) -> str:
    """Return the table and the summary as Markdown."""
    lines = ["# Docker Compose projects", "", f"| {' | '.join(_COLUMNS)} |"]
    lines.append(f"|{' --- |' * len(_COLUMNS)}")
    lines += [
        f"| {' | '.join(map(cell, _row(each)))} |" for each in _ordered(summaries) if not each.error
    ]
    failed = [each for each in summaries if each.error]
    if failed:
        lines += ["", "## Not analysed", ""]
        lines += [f"- {cell(each.path)}: {cell(each.error)}" for each in failed]
    lines += ["", "## Totals", "", *(f"- {line}" for line in _totals(summaries))]
    return "\n".join(lines) + "\n"


def fleet_document(summaries: Sequence[ProjectSummary]) -> dict[str, Any]:
    """Return all summaries as plain values for JSON, sorted by path."""
    return {
        "schema": SCHEMA,
        "projects": [asdict(each) for each in sorted(summaries, key=lambda each: each.path)],
        "rules": dict(_rules(summaries).most_common()),
    }


def _ordered(summaries: Sequence[ProjectSummary]) -> list[ProjectSummary]:
    return sorted(summaries, key=lambda each: (each.score, each.path))


def _row(each: ProjectSummary) -> tuple[str, ...]:
    return (
        each.path,
        f"{each.start_commands}" + (f" (+{each.unread} unread)" if each.unread else ""),
        str(each.services),
        f"{each.score:.1f} {each.word}",
        *(str(each.findings.get(name, 0)) for name in ("high", "medium", "low")),
        next(iter(each.rules), "-"),
    )


def _rules(summaries: Sequence[ProjectSummary]) -> Counter[str]:
    """Return the number of projects with findings, by rule."""
    return Counter(rule for each in summaries for rule in each.rules)


def _totals(summaries: Sequence[ProjectSummary]) -> list[str]:
    analysed = [each for each in summaries if not each.error]
    failed = len(summaries) - len(analysed)
    services = sum(each.services for each in analysed)
    total = f"{counted(len(analysed), 'project')} with {counted(services, 'service')}"
    lines = [total + (f"; {failed} could not be analysed" if failed else "")]
    if analysed:
        mean = sum(each.score for each in analysed) / len(analysed)
        lines.append(f"average rating {mean:.1f} of 10")
    lines += [
        f"{rule}: in {counted(number, 'project')}"
        for rule, number in _rules(summaries).most_common(_MAX_RULES)
    ]
    return lines
