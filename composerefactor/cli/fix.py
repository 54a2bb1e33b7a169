"""``composerefactor fix``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from composerefactor.cli.completion import transform_names, transform_options
from composerefactor.cli.options import (
    GroupedCommand,
    ProjectOptions,
    RunOptions,
    examples,
    option,
    path_argument,
    project_options,
    run_options,
)
from composerefactor.cli.run import Run, carry_out
from composerefactor.confidence import Confidence
from composerefactor.errors import UsageError
from composerefactor.planning.fix_request import FixRequest, names_of
from composerefactor.planning.propose import Proposal, propose_fixes
from composerefactor.planning.settings import FixDefaults

if TYPE_CHECKING:
    from composerefactor.analysis.findings import Finding


@click.command(
    "fix",
    cls=GroupedCommand,
    epilog=examples(
        ("composerefactor fix --unsafe --dry-run", "Show all possible changes."),
        ("composerefactor fix --select add-healthchecks --unsafe", "Add only health checks."),
        ("composerefactor fix --unsafe --leave 1a2b3c4d", "Exclude one change."),
        ("composerefactor fix --unsafe --take 1a2b3c4d", "Make one change, also a guess."),
        ("composerefactor transforms add-healthchecks", "Explain a transform."),
    ),
)
@path_argument
@project_options
@option(FixDefaults, "select", metavar="A,B", multiple=False, shell_complete=transform_names)
@option(
    FixDefaults, "skip", metavar="A,B", multiple=False, default="", shell_complete=transform_names
)
@option(FixDefaults, "unsafe")
@option(FixDefaults, "confidence")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME.OPTION=VALUE",
    shell_complete=transform_options,
    help="Set an option of a transform (repeatable), such as add-networks.layout=tiers.",
)
@run_options
def command(
    path: Path,
    project: ProjectOptions,
    options: RunOptions,
    select: str | None,
    skip: str,
    settings: tuple[str, ...],
    confidence: Confidence | None,
    *,
    unsafe: bool,
) -> int:
    """Add missing settings and fix problems in place.

    By default, only safe changes are made: they keep the resolved configuration, or make Docker
    Compose accept a project that it rejects. Changes that affect running containers, such as health
    checks and limits, need --unsafe; without it they are only listed.

    Each change is verified (documentation, a Dockerfile or the source of the project say so),
    likely (a convention), or a guess. Guesses are only listed: --take makes the ones you name,
    --confidence guess makes all.
    """
    request = FixRequest(
        None if select is None else names_of(select),
        names_of(skip),
        unsafe,
        confidence or "",
        tuple(_pair(text) for text in settings),
    )

    chosen = project.selection(path)
    return carry_out(
        Run("fix", options),
        chosen,
        lambda opened, *how: propose_fixes(opened, request.chosen(opened.settings), *how),
        repairable=True,
        by_hand=_by_hand,
    )


def _by_hand(proposal: Proposal) -> list[Finding]:
    """Return the high findings of `analyze` that no fix solves, and not *proposal* either."""
    from composerefactor.analysis.analysis import high_without_fix  # noqa: PLC0415

    planned = {change.path: change.after for change in proposal.changes.changes}
    return high_without_fix(proposal.opened, planned)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text!r} is not of the form NAME.OPTION=VALUE")
    return name, value
