"""A fleet of projects as one table, for people, documents and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from composerefactor.analysis.fleet import ProjectSummary
from composerefactor.report.rows import counted
from composerefactor.report.style import Style
from composerefactor.report.tables import joined, table

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
