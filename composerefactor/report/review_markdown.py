"""What a change means, as a comment on a pull request. GitHub takes 65,536 characters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from composerefactor.impact.change import Effect, Risk
from composerefactor.report.markdown import cell, code, details, fenced
from composerefactor.report.review_words import about, entries_of, headline, uncompared
from composerefactor.review.reviewed import Compared, Review, Reviewed
from composerefactor.verify.masking import mask_value
from composerefactor.verify.models import Difference

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


def _row(each: Reviewed, found: Review) -> str:
    change = each.change
    where = code(str(each.location)) if each.location else ""
    of = entries_of(each, found)
    cells = (
        _MARKS[change.risk],
        code(about(each)),
        cell(change.words) + (f"<br><sub>in {cell(of)}</sub>" if of else ""),
        cell(str(change.effect or Effect.UNKNOWN)),
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


def _title(compared: Compared) -> str:
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
