"""The result of ``diff``: as text, Markdown, JSON, and as findings."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from composerefactor.analysis.diff.impact import UpEffect, listed
from composerefactor.analysis.diff.kinds import RULES, Risk
from composerefactor.analysis.diff.states import ComparedStart, LocatedImpact, Review
from composerefactor.analysis.findings import Finding, Severity
from composerefactor.analysis.rule import Area
from composerefactor.analysis.rule import RuleInfo as FindingRule
from composerefactor.compose.files import SECTION_NOUNS
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import GENERAL
from composerefactor.errors import Location, first_of
from composerefactor.proof.comparison import Difference, describe
from composerefactor.report.markdown import code, details, escaped, fenced, table
from composerefactor.report.plan_json import SCHEMA
from composerefactor.report.plan_text import MOST_RECREATED, RISK_COLOURS
from composerefactor.report.text import Style, contents_line, counted, limited, row

MOST_NAMES = 3
"""More services of one change are counted, not named."""


def headline(result: Review) -> str:
    """Return how many changes there are, with their risk, in one sentence."""
    entries = counted(len(result.compared), "start command")
    if not result.changes:
        not_compared = sum(bool(compared.reason) for compared in result.compared)
        if not_compared == len(result.compared) > 0:
            return f"no change could be determined in {entries}"
        if not_compared:
            equal = counted(len(result.compared) - not_compared, "start command")
            return f"{equal} equal, 0 containers recreated; {not_compared} not compared"
        return f"{entries} equal, 0 containers recreated"
    counts = Counter(impact.change.risk for impact in result.changes)
    parts = ", ".join(f"{counts[risk]} {risk.word}" for risk in reversed(Risk) if counts[risk])
    text = f"{counted(len(result.changes), 'change')} in {entries}; risk: {parts}"
    resolved = [compared for compared in result.compared if compared.recreated is not None]
    names = sorted({name for compared in resolved for name in compared.recreated or ()})
    if resolved:
        text += f"; {counted(len(names), 'container')} recreated"
        text += f": {listed(names, MOST_RECREATED)}" if names else ""
    return text


def about(impact: LocatedImpact) -> str:
    """Return the subject of a change: its services, another resource, or the project."""
    change = impact.change
    if impact.services:
        return listed(impact.services, MOST_NAMES)
    if len(change.path) > 1:
        noun = SECTION_NOUNS.get(change.path[0], change.path[0])
        return f"{noun} {change.path[1]}"
    return "project"


def entries_of(impact: LocatedImpact, result: Review) -> str:
    """Return the start commands that a change affects.

    ``""`` if it affects all, or only the one of the file that it is in.
    """
    if len(impact.entries) == len(result.compared) or not impact.change.path:
        return ""
    if len(impact.entries) == 1:
        title = impact.entries[0].title
        return "" if impact.location and title == impact.location.path else title
    return f"{len(impact.entries)} of {len(result.compared)} start commands"


def uncompared(result: Review) -> Iterator[str]:
    """Yield what was not compared, with the reason."""
    titles_by_reason: dict[str, list[str]] = {}
    for compared in result.compared:
        if compared.excluded:
            reason = f"not compared: {', '.join(compared.excluded)}, which Docker Compose does not "
            reason += "resolve with any profile in at least one state"
            titles_by_reason.setdefault(reason, []).append(compared.entry.title)
        if compared.reason:
            titles_by_reason.setdefault(compared.reason, []).append(compared.entry.title)
    for reason, titles in titles_by_reason.items():
        subject = titles[0] if len(titles) == 1 else counted(len(titles), "start command")
        yield f"{subject}: {reason}"
    if result.contents:
        yield contents_line(result.contents)


def as_text(result: Review, style: Style, *, verbose: bool) -> Iterator[str]:
    """Yield the lines: the changes by service, each with its risk, effect and place."""
    most = 10_000 if verbose else 40
    engine = result.engine
    yield row("Engine", f"Docker Compose v{engine.version} ({engine.origin})", style)
    colour = RISK_COLOURS[result.risk] if result.changes else "green"
    yield row("Change", style(headline(result), colour, "bold"), style)
    lines = []
    for subject, group in groupby(_by_subject(result.changes), key=about):
        lines.append(style(subject, "bold"))
        lines += [_line(impact, result, style) for impact in group]
    for line in limited(lines, most):
        yield row("", line, style)
    if verbose:
        for compared in result.compared:
            for difference in compared.evidence:
                line = f"{compared.entry.title}: {describe(difference)}"
                yield row("", style(line, "dim"), style)
    for line in uncompared(result):
        yield row("", style(line, "yellow"), style)
    for note in result.notes:
        yield row("", style(note, "dim"), style)


def _line(impact: LocatedImpact, result: Review, style: Style) -> str:
    change = impact.change
    risk = style(f"{change.risk.word:<6}", RISK_COLOURS[change.risk])
    effect = f" [{change.effect or UpEffect.UNKNOWN}]"
    place = style(f" {_places(impact)}" if impact.location else "", "dim")
    entries = entries_of(impact, result)
    return f"  {risk}  {change.message}{effect}{place}" + (f" ({entries})" if entries else "")


def _places(impact: LocatedImpact) -> str:
    """Return the place of a change, and how many more it has."""
    places = list(dict.fromkeys(str(each.location) for each in impact.single if each.location))
    return first_of(places, 1) if places else ""


def _by_subject(changes: tuple[LocatedImpact, ...]) -> list[LocatedImpact]:
    """Return *changes* grouped by subject, in the order of the first change of each subject."""
    order: dict[str, int] = {}
    for impact in changes:
        order.setdefault(about(impact), len(order))
    return sorted(changes, key=lambda impact: order[about(impact)])


MAX_EVIDENCE = 24_000
"""Most characters of differences in all; further differences are counted."""

MAX_ROWS = 100
_MARKS = {Risk.HIGH: "🔴 high", Risk.MEDIUM: "🟠 medium", Risk.LOW: "🔵 low", Risk.NONE: "⚪ none"}


def as_markdown(result: Review) -> str:
    """Return *result* as Markdown: a table, and the differences in collapsed sections.

    Secrets are masked.
    """
    lines = ["### Compose changes", "", f"**{escaped(headline(result))}**", ""]
    if result.changes:
        lines += _table(result)
    for line in uncompared(result):
        lines += [f"> ⚠️ {escaped(line)}", ""]
    lines += _evidence(result)
    notes = [f"- {escaped(note)}" for note in result.notes]
    if notes:
        lines += [*details("Assumptions of the comparison", notes), ""]
    engine = result.engine
    lines.append(
        f"<sub>{_state(result.old_name)} → {_state(result.new_name)}, resolved by Docker Compose "
        f"v{escaped(engine.version)}</sub>"
    )
    return "\n".join(lines) + "\n"


def _state(name: str) -> str:
    """Return what a comment calls a state: the hash of a commit is shortened, as git does."""
    if name == ".":
        return "working tree"
    return code(name[:12] if re.fullmatch("[0-9a-f]{40}", name) else name)


def _table(result: Review) -> Iterator[str]:
    rows = (_cells(impact, result) for impact in result.changes[:MAX_ROWS])
    yield from table(("risk", "what", "change", "effect", "where"), rows)
    if len(result.changes) > MAX_ROWS:
        yield f"| | | and {len(result.changes) - MAX_ROWS} more | | |"
    yield ""


def _cells(impact: LocatedImpact, result: Review) -> tuple[str, ...]:
    change = impact.change
    place = code(_places(impact)) if impact.location else ""
    entries = entries_of(impact, result)
    return (
        _MARKS[change.risk],
        code(about(impact)),
        escaped(change.message) + (f"<br><sub>in {escaped(entries)}</sub>" if entries else ""),
        escaped(str(change.effect or UpEffect.UNKNOWN)),
        place + (" (before)" if place and change.was else ""),
    )


def _evidence(result: Review) -> Iterator[str]:
    """Yield the differences; start commands with the same ones share a section."""
    alike: dict[tuple[tuple[str, ...], ...], list[ComparedStart]] = {}
    for compared in result.compared:
        if compared.evidence:
            key = tuple(tuple(_difference_lines(each)) for each in compared.evidence)
            alike.setdefault(key, []).append(compared)
    room = MAX_EVIDENCE
    for differences, starts in alike.items():
        lines: list[str] = []
        for n, shown in enumerate(differences):
            room -= sum(map(len, shown))
            if room < 0:
                lines.append(f"# and {len(differences) - n} more differences")
                break
            lines += shown
        yield from details(_title(starts), fenced(lines, "diff"))
        yield ""


def _title(starts: Sequence[ComparedStart]) -> str:
    names = ", ".join(code(each.entry.title) for each in starts)
    evidence = starts[0].evidence
    if all(difference.path[0].startswith("x-") for difference in evidence):
        return f"{names}: only x- blocks differ, which Docker Compose ignores"
    return f"{names}: the resolved configurations differ in {counted(len(evidence), 'place')}"


def _difference_lines(difference: Difference) -> Iterator[str]:
    path = ".".join(difference.path)
    if difference.was:
        yield f"- {path}: {_value(difference.before, difference.key)}"
    if difference.now:
        yield f"+ {path}: {_value(difference.after, difference.key)}"


def _value(value: Any, key: str) -> str:
    return json.dumps(GENERAL.value(value, key), ensure_ascii=False, default=str)


def as_document(result: Review) -> dict[str, Any]:
    """Return *result* as plain values, with secret values masked."""
    return {
        "schema": SCHEMA,
        "command": "diff",
        "old": result.old_name,
        "new": result.new_name,
        "engine": {"version": result.engine.version, "origin": result.engine.origin},
        "differs": result.differs,
        "risk": result.risk.word,
        "changes": [_change(impact) for impact in result.changes],
        "start_commands": [_compared(compared) for compared in result.compared],
        "contents": list(result.contents),
        "notes": list(result.notes),
    }


def _change(impact: LocatedImpact) -> dict[str, Any]:
    change = impact.change
    return {
        "rule": change.rule.id,
        "risk": change.risk.word,
        "effect": str(change.effect or UpEffect.UNKNOWN),
        "services": list(impact.services),
        "path": list(change.path),
        "message": change.message,
        "side": "old" if change.was else "new",
        "file": impact.location.path if impact.location else None,
        "line": impact.location.line or None if impact.location else None,
        "places": [str(each.location) for each in impact.single if each.location],
        "start_commands": [entry.title for entry in impact.entries],
    }


def _compared(compared: ComparedStart) -> dict[str, Any]:
    return {
        "old": _files(compared.old),
        "new": _files(compared.new),
        "compared": not compared.reason and compared.old is not None and compared.new is not None,
        "reason": compared.reason or None,
        "excluded_services": list(compared.excluded),
        "services": compared.services,
        "recreated": None if compared.recreated is None else list(compared.recreated),
        "differences": [_difference(difference) for difference in compared.evidence],
    }


def _files(entry: Invocation | None) -> list[str] | None:
    return None if entry is None else list(entry.files)


def _difference(difference: Difference) -> dict[str, Any]:
    values = (
        ("before", difference.was, difference.before),
        ("after", difference.now, difference.after),
    )
    return {"path": list(difference.path)} | {
        name: GENERAL.value(value, difference.key) for name, exists, value in values if exists
    }


_SEVERITIES = {
    Risk.HIGH: Severity.HIGH,
    Risk.MEDIUM: Severity.MEDIUM,
    Risk.LOW: Severity.LOW,
    Risk.NONE: Severity.INFO,
}
_AREAS: tuple[tuple[Area, tuple[str, ...]], ...] = (
    ("data", ("volume", "mount", "bind", "data-store", "project-renamed", "image-base")),
    (
        "security",
        (
            *("port", "privileged", "host", "capability", "confinement", "runs-as", "device"),
            *("secret", "writable", "network-opened"),
        ),
    ),
    ("reliability", ("healthcheck", "dependency", "limit", "restart", "log", "no-longer")),
    ("validity", ("rejected", "not-compared", "accepted")),
)
"""The area of a kind of change, by how its id begins."""


def finding_rules() -> dict[str, FindingRule]:
    """Return the kinds of changes as rules of findings, by id."""
    return {
        rule.id: FindingRule(
            rule.id, _SEVERITIES[rule.risk], rule.title, rule.title, _area(rule.id)
        )
        for rule in RULES.values()
    }


def as_findings(result: Review) -> list[Finding]:
    """Return the changes with a risk; a removed setting is located at its service."""
    return [
        _finding(each) for impact in result.changes if impact.change.risk for each in impact.single
    ]


def _finding(impact: LocatedImpact) -> Finding:
    change = impact.change
    place = impact.nearby or impact.location or Location(impact.entries[0].root_file)
    old_place = f" (was at {impact.location})" if change.was and impact.location else ""
    effect = change.effect or UpEffect.UNKNOWN
    return Finding(
        change.rule.id,
        _SEVERITIES[change.risk],
        f"{about(impact)}: {change.message}{old_place} [{effect}]",
        place,
        service=change.service,
        subject=".".join((*change.path[2:], *change.marks)),
    )


def _area(rule: str) -> Area:
    return next((area for area, starts in _AREAS if rule.startswith(starts)), "configuration")
