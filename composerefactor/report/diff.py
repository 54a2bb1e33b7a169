"""Words on a review that all its forms share."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from composerefactor.analysis.diff.change import RULES, Risk, UpEffect, listed
from composerefactor.analysis.diff.states import ComparedStart, LocatedImpact, Review
from composerefactor.analysis.findings import Area, Finding, Severity
from composerefactor.analysis.findings import RuleInfo as FindingRule
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.secrets import mask_value
from composerefactor.errors import Location
from composerefactor.proof.comparison import Difference, describe
from composerefactor.report.markdown import cell, code, details, fenced
from composerefactor.report.plan_json import SCHEMA
from composerefactor.report.text import Style, counted, limited, row

MOST_RECREATED = 8

MOST_NAMES = 3
"""More services that one change concerns are counted."""

_NOUNS = {"networks": "network", "volumes": "volume", "secrets": "secret", "configs": "config"}


def headline(found: Review) -> str:
    """Return how much changed and how risky it is, in one sentence."""
    entries = counted(len(found.compared), "entry point")
    if not found.changes:
        if any(each.reason for each in found.compared):
            return f"nothing could be told to have changed in {entries}"
        return f"nothing that runs changed in {entries}"
    counts = Counter(each.change.risk for each in found.changes)
    parts = ", ".join(f"{counts[risk]} {risk.word}" for risk in reversed(Risk) if counts[risk])
    words = f"{counted(len(found.changes), 'change')} in {entries}; risk: {parts}"
    known = [each for each in found.compared if each.recreated is not None]
    names = sorted({name for each in known for name in each.recreated or ()})
    if known:
        words += f"; {counted(len(names), 'container')} recreated"
        words += f": {listed(names, MOST_RECREATED)}" if names else ""
    return words


def about(each: LocatedImpact) -> str:
    """Return what a change is about: services by their names, else with the kind of thing."""
    change = each.change
    if each.services:
        return listed(each.services, MOST_NAMES)
    if len(change.path) > 1:
        noun = _NOUNS.get(change.path[0], change.path[0].removesuffix("s"))
        return f"{noun} {change.path[1]}"
    return "project"


def entries_of(each: LocatedImpact, found: Review) -> str:
    """Return the entry points that show a change, ``""`` where all that were compared do."""
    if len(each.entries) == len(found.compared) or not each.change.path:
        return ""
    if len(each.entries) == 1:
        return each.entries[0].title
    return f"{len(each.entries)} of {len(found.compared)} entry points"


def uncompared(found: Review) -> Iterator[str]:
    """Yield what was not compared, with the reason."""
    reasons: dict[str, list[str]] = {}
    for each in found.compared:
        if each.left_out:
            words = f"not compared: {', '.join(each.left_out)}, which the engine resolves with no "
            reasons.setdefault(f"{words}profile in one state at least", []).append(each.entry.title)
        if each.reason:
            reasons.setdefault(each.reason, []).append(each.entry.title)
    for reason, titles in reasons.items():
        yield f"{titles[0] if len(titles) == 1 else counted(len(titles), 'entry point')}: {reason}"


_COLOURS = {Risk.HIGH: "red", Risk.MEDIUM: "yellow", Risk.LOW: "cyan", Risk.NONE: "dim"}


def as_text(found: Review, style: Style, *, verbose: bool) -> Iterator[str]:
    """Yield the lines: what changed by service, its risk, effect and place."""
    most = 10_000 if verbose else 40
    engine = found.engine
    yield row("Engine", f"Docker Compose v{engine.version} ({engine.origin})", style)
    colour = _COLOURS[found.risk] if found.changes else "green"
    yield row("Change", style(headline(found), colour, "bold"), style)
    lines = []
    for subject, group in groupby(_by_subject(found.changes), key=about):
        lines.append(style(subject, "bold"))
        lines += [_line(each, found, style) for each in group]
    for line in limited(lines, most):
        yield row("", line, style)
    if verbose:
        for compared in found.compared:
            for difference in compared.evidence:
                words = f"{compared.entry.title}: {describe(difference)}"
                yield row("", style(words, "dim"), style)
    for words in uncompared(found):
        yield row("", style(words, "yellow"), style)
    for words in found.notes:
        yield row("", style(words, "dim"), style)


def _line(each: LocatedImpact, found: Review, style: Style) -> str:
    change = each.change
    risk = style(f"{change.risk.word:<6}", _COLOURS[change.risk])
    effect = f" [{change.effect or UpEffect.UNKNOWN}]"
    where = style(f" {each.location}" if each.location else "", "dim")
    of = entries_of(each, found)
    return f"  {risk}  {change.words}{effect}{where}" + (f" ({of})" if of else "")


def _by_subject(changes: tuple[LocatedImpact, ...]) -> list[LocatedImpact]:
    """Return the changes of one service together, the service with the highest risk first."""
    order: dict[str, int] = {}
    for each in changes:
        order.setdefault(about(each), len(order))
    return sorted(changes, key=lambda one: order[about(one)])


MAX_EVIDENCE = 24_000
"""Characters of evidence in all; what is more is counted."""

MAX_ROWS = 100
_MARKS = {Risk.HIGH: "🔴 high", Risk.MEDIUM: "🟠 medium", Risk.LOW: "🔵 low", Risk.NONE: "⚪ none"}


def as_markdown(found: Review) -> str:
    """Return *found* as Markdown: a table, and the evidence folded away. Secrets are masked."""
    lines = ["### Compose changes", "", f"**{cell(headline(found))}**", ""]
    if found.changes:
        lines += _table(found)
    for words in uncompared(found):
        lines += [f"> ⚠️ {cell(words)}", ""]
    lines += _evidence(found)
    notes = [f"- {cell(words)}" for words in found.notes]
    if notes:
        lines += [*details("What the comparison rests on", notes), ""]
    engine = found.engine
    lines.append(
        f"<sub>{code(found.old_name)} → {code(found.new_name)}, resolved by Docker Compose "
        f"v{cell(engine.version)}</sub>"
    )
    return "\n".join(lines) + "\n"


def _table(found: Review) -> Iterator[str]:
    yield "| risk | what | change | effect | where |"
    yield "| --- | --- | --- | --- | --- |"
    for each in found.changes[:MAX_ROWS]:
        yield _row(each, found)
    if len(found.changes) > MAX_ROWS:
        yield f"| | | and {len(found.changes) - MAX_ROWS} more | | |"
    yield ""


def _row(each: LocatedImpact, found: Review) -> str:
    change = each.change
    where = code(str(each.location)) if each.location else ""
    of = entries_of(each, found)
    cells = (
        _MARKS[change.risk],
        code(about(each)),
        cell(change.words) + (f"<br><sub>in {cell(of)}</sub>" if of else ""),
        cell(str(change.effect or UpEffect.UNKNOWN)),
        where + (" (before)" if where and change.was else ""),
    )
    return f"| {' | '.join(cells)} |"


def _evidence(found: Review) -> Iterator[str]:
    left = MAX_EVIDENCE
    for compared in found.compared:
        if not compared.evidence:
            continue
        lines: list[str] = []
        for n, difference in enumerate(compared.evidence):
            shown = list(_shown(difference))
            left -= sum(map(len, shown))
            if left < 0:
                lines.append(f"# and {len(compared.evidence) - n} more differences")
                break
            lines += shown
        yield from details(_title(compared), fenced(lines, "diff"))
        yield ""


def _title(compared: ComparedStart) -> str:
    number = len(compared.evidence)
    places = "1 place" if number == 1 else f"{number} places"
    return f"{code(compared.entry.title)}: the resolved models differ in {places}"


def _shown(found: Difference) -> Iterator[str]:
    path = ".".join(found.path)
    key = next((part for part in reversed(found.path) if not part.isdecimal()), "")
    if found.was:
        yield f"- {path}: {_value(found.before, key)}"
    if found.now:
        yield f"+ {path}: {_value(found.after, key)}"


def _value(value: Any, key: str) -> str:
    return json.dumps(mask_value(value, key), ensure_ascii=False, default=str)


def as_document(found: Review) -> dict[str, Any]:
    """Return *found* as plain values, with secret values masked."""
    return {
        "schema": SCHEMA,
        "command": "diff",
        "old": found.old_name,
        "new": found.new_name,
        "engine": {"version": found.engine.version, "origin": found.engine.origin},
        "differs": found.differs,
        "risk": found.risk.word,
        "changes": [_change(each) for each in found.changes],
        "entry_points": [_compared(each) for each in found.compared],
        "notes": list(found.notes),
    }


def _change(each: LocatedImpact) -> dict[str, Any]:
    change = each.change
    return {
        "rule": change.rule.id,
        "risk": change.risk.word,
        "effect": str(change.effect or UpEffect.UNKNOWN),
        "services": list(each.services),
        "path": list(change.path),
        "words": change.words,
        "side": "old" if change.was else "new",
        "file": each.location.path if each.location else None,
        "line": each.location.line or None if each.location else None,
        "entry_points": [entry.title for entry in each.entries],
    }


def _compared(each: ComparedStart) -> dict[str, Any]:
    return {
        "old": _files(each.old),
        "new": _files(each.new),
        "compared": not each.reason and each.old is not None and each.new is not None,
        "reason": each.reason or None,
        "left_out": list(each.left_out),
        "services": each.services,
        "recreated": None if each.recreated is None else list(each.recreated),
        "differences": [_difference(one) for one in each.evidence],
    }


def _files(entry: Invocation | None) -> list[str] | None:
    return None if entry is None else list(entry.files)


def _difference(found: Difference) -> dict[str, Any]:
    key = next((part for part in reversed(found.path) if not part.isdecimal()), "")
    values = (("before", found.was, found.before), ("after", found.now, found.after))
    return {"path": list(found.path)} | {
        name: mask_value(value, key) for name, is_there, value in values if is_there
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
"""What kinds of changes are about, by how their ids begin."""


def finding_rules() -> dict[str, FindingRule]:
    """Return the kinds of changes as rules of findings, by id."""
    return {
        rule.id: FindingRule(
            rule.id, _SEVERITIES[rule.risk], rule.title, rule.title, _area(rule.id)
        )
        for rule in RULES.values()
    }


def as_findings(found: Review) -> list[Finding]:
    """Return the changes that carry a risk; one that is gone is told where its service is now."""
    return [_finding(each) for each in found.changes if each.change.risk]


def _finding(each: LocatedImpact) -> Finding:
    change = each.change
    place = each.nearby or each.location or Location(each.entries[0].base)
    gone = f" (was at {each.location})" if change.was and each.location else ""
    effect = change.effect or UpEffect.UNKNOWN
    return Finding(
        change.rule.id,
        _SEVERITIES[change.risk],
        f"{about(each)}: {change.words}{gone} [{effect}]",
        place,
        service=change.service,
        subject=".".join((*change.path[2:], *change.marks)),
    )


def _area(rule: str) -> Area:
    return next((area for area, starts in _AREAS if rule.startswith(starts)), "configuration")
