"""The verdict on two states of a project, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from composerefactor.planning.compare import Comparison
from composerefactor.planning.settle import locate
from composerefactor.proof.comparison import ProofFinding
from composerefactor.proof.engine import Engine
from composerefactor.proof.live import ContainerResult, LiveResult
from composerefactor.report.plan_json import SCHEMA, verdict_document
from composerefactor.report.text import Style, counted, limited, reservations, row


def result_text(found: Comparison, style: Style, *, verbose: bool) -> Iterator[str]:
    """Yield the lines of the verdict: the differences with their places, or the proof."""
    most = 10_000 if verbose else 20
    proof, engine = found.proof, found.engine
    yield row("Engine", f"Docker Compose v{engine.version} ({engine.origin})", style)
    for entry, words in found.rejected.items():
        yield row("", style(f"{entry.title}: the old state is rejected: {words}", "yellow"), style)
    for entry, error in found.old.project.errors.items():
        yield row("", style(f"not covered: {entry.title}: {error}", "yellow"), style)
    entries = len(found.old.project.readable) - len(found.rejected)
    recreated = len({name for names in proof.recreated.values() for name in names})
    containers = len(found.old.project.services)
    if proof.ok:
        words = f"equal: {counted(entries, 'entry point')}"
        words += f", {recreated} of {containers} containers recreated"
        yield row("Proof", style(words, "green", "bold"), style)
    else:
        words = f"they differ in {counted(len(proof.differences), 'place')}"
        yield row("Proof", style(words, "red", "bold"), style)
    for line in limited([_finding(found, f) for f in proof.differences], most):
        yield row("", line, style)
    yield row("", f"{proof.covered} comparisons, {proof.runs} engine runs", style)
    yield from reservations(proof, style, most)


def _finding(found: Comparison, finding: ProofFinding) -> str:
    place = locate(found.old.project, finding.entry, finding.path)
    now = locate(found.new.project, finding.entry, finding.path)
    where = f"{place or now}: " if place or now else ""
    if place and now and place != now:
        where = f"{place} -> {now}: "
    return f"{where}{finding.words} ({finding.entry.title}, {finding.scenario})"


def result_document(found: Comparison) -> dict[str, Any]:
    """Return the verdict as plain values."""
    return {
        "schema": SCHEMA,
        "command": "verify",
        "equal": found.proof.ok,
        "rejected": [
            {"files": list(e.files), "words": words} for e, words in found.rejected.items()
        ],
        "unreadable": [
            {"files": list(e.files), "words": str(error)}
            for e, error in found.old.project.errors.items()
        ],
        "proof": verdict_document(found.proof, found.engine, found.old.project),
    }


def live_text(found: LiveResult, engine: Engine, style: Style, *, verbose: bool) -> Iterator[str]:
    """Yield the lines: each container with what becomes of it and why."""
    yield row("Engine", f"Docker Compose v{engine.version} ({engine.origin})", style)
    names = ", ".join(found.projects)
    if not found.proofs:
        words = f"no container of {names} is there: nothing was compared"
        yield row("Live", style(words, "yellow", "bold"), style)
    else:
        anew, all_ = len(found.recreated), counted(len(found.proofs), "container")
        colour = "red" if anew else "green"
        words = f"{anew} of {all_} of {names} would be recreated"
        yield row("Live", style(words, colour, "bold"), style)
    for line in limited([_line(v, style) for v in found.proofs], 10_000 if verbose else 60):
        yield row("", line, style)
    if found.created:
        yield row("", f"would be created: {', '.join(found.created)}", style)
    for words in found.not_compared:
        yield row("", style(f"not compared: {words}", "yellow"), style)


def _line(found: ContainerResult, style: Style) -> str:
    state = {True: style("recreated", "red"), False: style("kept", "green"), None: "left"}
    why = f": {'; '.join(found.reasons)}" if found.reasons else ""
    name = style(found.container.name, "bold")
    return f"{name} ({found.container.state})  {state[found.recreated]}{why}"


def live_document(found: LiveResult, engine: Engine) -> dict[str, Any]:
    """Return *found* as plain values."""
    return {
        "schema": SCHEMA,
        "command": "verify --live",
        "engine": {"version": engine.version, "origin": engine.origin},
        "projects": list(found.projects),
        "containers": [
            {
                "name": each.container.name,
                "service": each.container.service,
                "state": each.container.state,
                "files": list(each.entry.files),
                "outcome": {True: "recreated", False: "kept", None: "left"}[each.recreated],
                "reasons": list(each.reasons),
            }
            for each in found.proofs
        ],
        "created": list(found.created),
        "not_compared": list(found.not_compared),
    }
