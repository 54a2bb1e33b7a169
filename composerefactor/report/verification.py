"""The verdict on two states of a project, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from composerefactor.proposal.compare import Comparison
from composerefactor.proposal.locate import locate
from composerefactor.report.document import SCHEMA, verdict_document
from composerefactor.report.rows import counted, limited, reservations, row
from composerefactor.report.style import Style
from composerefactor.verify.verdict import Finding


def as_text(found: Comparison, style: Style, *, verbose: bool) -> Iterator[str]:
    """Yield the lines of the verdict: the differences with their places, or the proof."""
    most = 10_000 if verbose else 20
    verdict, engine = found.verdict, found.engine
    yield row("Engine", f"Docker Compose v{engine.version} ({engine.origin})", style)
    for entry, words in found.rejected.items():
        yield row("", style(f"{entry.title}: the old state is rejected: {words}", "yellow"), style)
    for entry, error in found.old.project.errors.items():
        yield row("", style(f"not covered: {entry.title}: {error}", "yellow"), style)
    entries = len(found.old.project.readable) - len(found.rejected)
    recreated = len({name for names in verdict.recreated.values() for name in names})
    containers = len(found.old.project.services)
    if verdict.ok:
        words = f"equal: {counted(entries, 'entry point')}"
        words += f", {recreated} of {containers} containers recreated"
        yield row("Proof", style(words, "green", "bold"), style)
    else:
        words = f"they differ in {counted(len(verdict.differences), 'place')}"
        yield row("Proof", style(words, "red", "bold"), style)
    for line in limited([_finding(found, f) for f in verdict.differences], most):
        yield row("", line, style)
    yield row("", f"{verdict.covered} comparisons, {verdict.runs} engine runs", style)
    yield from reservations(verdict, style, most)


def _finding(found: Comparison, finding: Finding) -> str:
    place = locate(found.old.project, finding.entry, finding.path)
    now = locate(found.new.project, finding.entry, finding.path)
    where = f"{place or now}: " if place or now else ""
    if place and now and place != now:
        where = f"{place} -> {now}: "
    return f"{where}{finding.words} ({finding.entry.title}, {finding.circumstance})"


def as_document(found: Comparison) -> dict[str, Any]:
    """Return the verdict as plain values."""
    return {
        "schema": SCHEMA,
        "command": "verify",
        "equal": found.verdict.ok,
        "rejected": [
            {"files": list(e.files), "words": words} for e, words in found.rejected.items()
        ],
        "unreadable": [
            {"files": list(e.files), "words": str(error)}
            for e, error in found.old.project.errors.items()
        ],
        "proof": verdict_document(found.verdict, found.engine, found.old.project),
    }
