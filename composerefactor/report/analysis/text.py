"""An analysis for a terminal."""

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


SCHEMA = 1
_COLUMNS = ("Project", "Entry points", "Services", "Rating", "High", "Medium", "Low", "Above all")
_MOST = 10


def fleet_text(found: Sequence[ProjectSummary], style: Style, width: int = 80) -> list[str]:
    """Return the lines of a table of all projects, the worst first, and what most of them lack."""
    lines = table(_COLUMNS, [_row(each) for each in _ordered(found) if not each.error], width)
    heading = len(table(_COLUMNS, [], width))
    shown = [style(joined(cells), "dim") for cells in lines[:heading]]
    shown += [joined(cells) for cells in lines[heading:]]
    for each in found:
        if each.error:
            shown.append(f"{style(each.path, 'yellow')}: {each.error}")
    shown += ["", *_sums(found)]
    return shown


def fleet_markdown(found: Sequence[ProjectSummary]) -> str:
    """Return the table as Markdown."""
    lines = ["# Docker Compose projects", "", f"| {' | '.join(_COLUMNS)} |"]
    lines.append(f"|{' --- |' * len(_COLUMNS)}")
    lines += [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in _row(each))} |"
        for each in _ordered(found)
        if not each.error
    ]
    failed = [each for each in found if each.error]
    if failed:
        lines += ["", "## Not analysed", ""]
        lines += [f"- {each.path}: {each.error}" for each in failed]
    lines += ["", "## Sums", "", *(f"- {line}" for line in _sums(found))]
    return "\n".join(lines) + "\n"


def fleet_document(found: Sequence[ProjectSummary]) -> dict[str, Any]:
    """Return all summaries as plain values, sorted by path."""
    return {
        "schema": SCHEMA,
        "projects": [asdict(each) for each in sorted(found, key=lambda each: each.path)],
        "rules": dict(_rules(found).most_common()),
    }


def _ordered(found: Sequence[ProjectSummary]) -> list[ProjectSummary]:
    return sorted(found, key=lambda each: (each.score, each.path))


def _row(each: ProjectSummary) -> tuple[str, ...]:
    return (
        each.path,
        f"{each.entry_points}" + (f" (+{each.unread} unread)" if each.unread else ""),
        str(each.services),
        f"{each.score:.1f} {each.word}",
        *(str(each.findings.get(name, 0)) for name in ("high", "medium", "low")),
        next(iter(each.rules), "-"),
    )


def _rules(found: Sequence[ProjectSummary]) -> Counter[str]:
    """Return in how many projects each rule finds something."""
    return Counter(rule for each in found for rule in each.rules)


def _sums(found: Sequence[ProjectSummary]) -> list[str]:
    done = [each for each in found if not each.error]
    failed = len(found) - len(done)
    services = sum(each.services for each in done)
    words = f"{counted(len(done), 'project')} with {counted(services, 'service')}"
    lines = [words + (f"; {failed} could not be analysed" if failed else "")]
    if done:
        lines.append(f"mean rating {sum(each.score for each in done) / len(done):.1f} of 10")
    lines += [
        f"{rule}: in {counted(number, 'project')}"
        for rule, number in _rules(found).most_common(_MOST)
    ]
    return lines
