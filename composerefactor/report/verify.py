"""The results of ``verify`` and ``verify --live``, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from composerefactor.errors import first_of
from composerefactor.planning.settle import locate
from composerefactor.planning.verify import StateComparison
from composerefactor.proof.comparison import ProofFinding
from composerefactor.proof.engine import Engine
from composerefactor.proof.live import ContainerResult, LiveResult
from composerefactor.proof.scenarios import OWN
from composerefactor.report.plan_json import SCHEMA, proof_document
from composerefactor.report.text import (
    MOST_PLACES,
    Style,
    assumptions,
    contents_line,
    counted,
    limited,
    not_covered,
    row,
    rows,
    usage_text,
)


def result_text(comparison: StateComparison, style: Style, *, verbose: bool) -> Iterator[str]:
    """Yield what could not be compared, the differences with their places, and the result last."""
    engine = comparison.engine
    yield row("Engine", f"Docker Compose v{engine.version} ({engine.origin})", style)
    yield from rows("Proof", _proof(comparison, style, verbose=verbose), style)


def _proof(comparison: StateComparison, style: Style, *, verbose: bool) -> Iterator[str]:
    most = 10_000 if verbose else 20
    proof = comparison.proof
    if verbose:
        comparisons = counted(proof.covered, "comparison")
        yield f"{comparisons}, {usage_text(comparison.engine)}"
        yield from assumptions(proof, style, most)
    yield from not_covered(proof, style, most, comparison.rejected)
    for entry, message in comparison.rejected.items():
        line = f"{entry.title}: Docker Compose rejects the old state: {message}"
        yield style(line, "yellow")
    for entry, error in comparison.old.project.errors.items():
        yield style(f"not verified: {entry.title}: {error}", "yellow")
    differences = list(_differences(comparison))
    yield from limited(differences, most)
    if comparison.contents:
        line = contents_line(comparison.contents, most if verbose else MOST_PLACES)
        yield style(line, "yellow")
    entries = len(comparison.old.project.readable) - len(comparison.rejected)
    containers = len(comparison.old.project.containers)
    effect = f"{len(proof.recreated_names)} of {counted(containers, 'container')} recreated"
    if proof.ok:
        line = f"{counted(entries, 'start command')} equal, {effect}"
        yield style(line, "green", "bold")
    else:
        line = f"different in {counted(len(differences), 'place')}, {effect}"
        yield style(line, "red", "bold")


def _differences(comparison: StateComparison) -> Iterator[str]:
    """Yield a line for each difference, with where it is found unless that is everywhere."""
    circumstances: dict[str, dict[str, None]] = {}
    for finding in comparison.proof.differences:
        names = [finding.entry.title] if len(comparison.old.project.readable) > 1 else []
        names += [finding.scenario] if finding.scenario != OWN else []
        circumstances.setdefault(_difference(comparison, finding), {})[", ".join(names)] = None
    everywhere = {entry.title for entry in comparison.old.project.readable}
    for difference, found in circumstances.items():
        where = "" if found.keys() >= everywhere else first_of(list(filter(None, found)), 2)
        yield difference + (f" ({where})" if where else "")


def _difference(comparison: StateComparison, finding: ProofFinding) -> str:
    """Return *finding* with its place; with the old one too if that is in another file."""
    before = locate(comparison.old.project, finding.entry, finding.path)
    after = locate(comparison.new.project, finding.entry, finding.path)
    if before and after and before.path != after.path:
        return f"{before} -> {after}: {finding.message}"
    place = f"{after or before}: " if after or before else ""
    return f"{place}{finding.message}"


def result_document(comparison: StateComparison) -> dict[str, Any]:
    """Return the result as plain values."""
    return {
        "schema": SCHEMA,
        "command": "verify",
        "equal": comparison.proof.ok,
        "rejected": [
            {"files": list(e.files), "message": message}
            for e, message in comparison.rejected.items()
        ],
        "unreadable": [
            {"files": list(e.files), "message": str(error)}
            for e, error in comparison.old.project.errors.items()
        ],
        "contents": list(comparison.contents),
        "proof": proof_document(comparison.proof, comparison.engine, comparison.old.project),
    }


def live_text(result: LiveResult, engine: Engine, style: Style, *, verbose: bool) -> Iterator[str]:
    """Yield the lines: for each container whether `up` would keep or recreate it, and why."""
    yield row("Engine", f"Docker Compose v{engine.version} ({engine.origin})", style)
    names = ", ".join(result.projects)
    if not result.containers:
        line = f"{names} has no containers: nothing was compared"
        yield row("Live", style(line, "yellow", "bold"), style)
    else:
        recreated, total = len(result.recreated), counted(len(result.containers), "container")
        colour = "red" if recreated else "green"
        line = f"{recreated} of {total} of {names} would be recreated"
        yield row("Live", style(line, colour, "bold"), style)
    lines = [_container_line(container, style) for container in result.containers]
    for line in limited(lines, 10_000 if verbose else 60):
        yield row("", line, style)
    if result.created:
        yield row("", f"would be created: {', '.join(result.created)}", style)
    for reason in result.not_compared:
        yield row("", style(f"not compared: {reason}", "yellow"), style)


_OUTCOMES = {True: "recreated", False: "kept", None: "orphan"}
"""Orphan is what Docker Compose calls a container of a service that the project does not define."""

_OUTCOME_COLOURS = {True: "red", False: "green", None: "dim"}


def _container_line(result: ContainerResult, style: Style) -> str:
    outcome = style(_OUTCOMES[result.recreated], _OUTCOME_COLOURS[result.recreated])
    reasons = f": {'; '.join(result.reasons)}" if result.reasons else ""
    name = style(result.container.name, "bold")
    return f"{name} ({result.container.state})  {outcome}{reasons}"


def live_document(result: LiveResult, engine: Engine) -> dict[str, Any]:
    """Return *result* as plain values."""
    return {
        "schema": SCHEMA,
        "command": "verify --live",
        "engine": {"version": engine.version, "origin": engine.origin},
        "projects": list(result.projects),
        "containers": [
            {
                "name": found.container.name,
                "service": found.container.service,
                "state": found.container.state,
                "files": list(found.entry.files),
                "outcome": _OUTCOMES[found.recreated],
                "reasons": list(found.reasons),
            }
            for found in result.containers
        ],
        "created": list(result.created),
        "not_compared": list(result.not_compared),
    }
