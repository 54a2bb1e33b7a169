"""What would become of the running containers, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from composerefactor.report.document import SCHEMA
from composerefactor.report.rows import counted, limited, row
from composerefactor.report.style import Style
from composerefactor.verify.engine import Engine
from composerefactor.verify.live import Live, Verdict


def as_text(found: Live, engine: Engine, style: Style, *, verbose: bool) -> Iterator[str]:
    """Yield the lines: each container with what becomes of it and why."""
    yield row("Engine", f"Docker Compose v{engine.version} ({engine.origin})", style)
    names = ", ".join(found.projects)
    if not found.verdicts:
        words = f"no container of {names} is there: nothing was compared"
        yield row("Live", style(words, "yellow", "bold"), style)
    else:
        anew, all_ = len(found.recreated), counted(len(found.verdicts), "container")
        colour = "red" if anew else "green"
        words = f"{anew} of {all_} of {names} would be recreated"
        yield row("Live", style(words, colour, "bold"), style)
    for line in limited([_line(v, style) for v in found.verdicts], 10_000 if verbose else 60):
        yield row("", line, style)
    if found.created:
        yield row("", f"would be created: {', '.join(found.created)}", style)
    for words in found.not_compared:
        yield row("", style(f"not compared: {words}", "yellow"), style)


def _line(found: Verdict, style: Style) -> str:
    state = {True: style("recreated", "red"), False: style("kept", "green"), None: "left"}
    why = f": {'; '.join(found.reasons)}" if found.reasons else ""
    name = style(found.container.name, "bold")
    return f"{name} ({found.container.state})  {state[found.recreated]}{why}"


def as_document(found: Live, engine: Engine) -> dict[str, Any]:
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
            for each in found.verdicts
        ],
        "created": list(found.created),
        "not_compared": list(found.not_compared),
    }
