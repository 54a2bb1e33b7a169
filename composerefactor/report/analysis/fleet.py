"""The overview of many projects: the summaries of ``analyze --recursive`` in three formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from composerefactor.analysis.fleet import ProjectSummary
from composerefactor.report import markdown
from composerefactor.report.markdown import escaped
from composerefactor.report.text import Style, counted, table

SCHEMA = 3
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
_NARROW = tuple(column for column in _COLUMNS if column != "Start commands")
_MAX_RULES = 10


def as_text(summaries: Sequence[ProjectSummary], style: Style, width: int = 80) -> list[str]:
    """Return the lines of a table of all projects, the worst first, and of a summary."""
    listed = [each for each in _ordered(summaries) if not each.error]
    lines = table(_NARROW, [_narrow_row(each) for each in listed], width)
    shown = [*(style(line, "dim") for line in lines.heading), *lines.rows]
    shown += [f"{style(each.path, 'yellow')}: {each.error}" for each in summaries if each.error]
    shown += [
        f"{style(each.path, 'yellow')}: {counted(each.unread, 'start command')} cannot be read"
        for each in summaries
        if each.unread
    ]
    shown += ["", *_totals(summaries)]
    return shown


def as_markdown(summaries: Sequence[ProjectSummary]) -> str:
    """Return the table and the summary as Markdown."""
    listed = [map(escaped, _row(each)) for each in _ordered(summaries) if not each.error]
    lines = ["# Docker Compose projects", "", *markdown.table(_COLUMNS, listed)]
    failed = [each for each in summaries if each.error]
    if failed:
        lines += ["", "## Not analysed", ""]
        lines += [f"- {escaped(each.path)}: {escaped(each.error)}" for each in failed]
    lines += ["", "## Totals", "", *(f"- {line}" for line in _totals(summaries))]
    return "\n".join(lines) + "\n"


def as_document(summaries: Sequence[ProjectSummary]) -> dict[str, Any]:
    """Return all summaries as plain values for JSON, sorted by path."""
    return {
        "schema": SCHEMA,
        "projects": [asdict(each) for each in sorted(summaries, key=lambda each: each.path)],
        "rules": dict(_rules(summaries).most_common()),
    }


def _ordered(summaries: Sequence[ProjectSummary]) -> list[ProjectSummary]:
    return sorted(summaries, key=lambda each: (each.score or 0.0, each.path))


def _row(each: ProjectSummary) -> tuple[str, ...]:
    return (
        each.path,
        f"{each.start_commands}" + (f" (+{each.unread} unread)" if each.unread else ""),
        str(each.services),
        each.word if each.score is None else f"{each.score:.1f} {each.word}",
        *(str(each.findings.get(name, 0)) for name in ("high", "medium", "low")),
        next(iter(each.rules), "-"),
    )


def _narrow_row(each: ProjectSummary) -> tuple[str, ...]:
    """Return the cells for a terminal, on which there is little room."""
    path, _, services, _, *others = _row(each)
    rating = "none" if each.score is None else f"{each.score:.1f}"
    return path, services, rating, *others


def _rules(summaries: Sequence[ProjectSummary]) -> Counter[str]:
    """Return the number of projects with findings, by rule."""
    return Counter(rule for each in summaries for rule in each.rules)


def _totals(summaries: Sequence[ProjectSummary]) -> list[str]:
    analysed = [each for each in summaries if not each.error]
    failed = len(summaries) - len(analysed)
    services = sum(each.services for each in analysed)
    total = f"{counted(len(analysed), 'project')} with {counted(services, 'service')}"
    lines = [total + (f"; {failed} could not be analysed" if failed else "")]
    scores = [each.score for each in analysed if each.score is not None]
    if scores:
        lines.append(f"average rating {sum(scores) / len(scores):.1f} of 10")
    lines += [
        f"{rule}: in {counted(number, 'project')}"
        for rule, number in _rules(summaries).most_common(_MAX_RULES)
    ]
    return lines
