"""``composerefactor fix``."""

from __future__ import annotations

from pathlib import Path

import click

from composerefactor.cli.completion import transform_names, transform_options
from composerefactor.cli.options import (
    Progress,
    Run,
    carry_out_proposal,
    choice,
    engine_options,
    examples,
    path_argument,
    project_options,
    proposal_output_options,
    run_options,
)
from composerefactor.errors import UsageError
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import Proposal, propose_fixes
from composerefactor.planning.requests import FixRequest, names_of
from composerefactor.planning.selection import Selection
from composerefactor.proof.engine import Engine


@click.command(
    "fix",
    short_help="Add what is missing and mend what is wrong, in place.",
    epilog=examples(
        ("composerefactor fix --unsafe --dry-run", "Show everything that could be done."),
        ("composerefactor fix --select add-healthchecks --unsafe", "Add health checks alone."),
        ("composerefactor fix --unsafe --leave 1a2b3c4d", "Leave one change out."),
        ("composerefactor transforms add-healthchecks", "Read what a transform does."),
    ),
)
@path_argument
@project_options
@click.option(
    "--select",
    metavar="A,B",
    shell_complete=transform_names,
    help="Run only these transforms (see `transforms`).",
)
@click.option(
    "--skip",
    metavar="A,B",
    default="",
    shell_complete=transform_names,
    help="Leave these transforms out.",
)
@click.option("--unsafe", is_flag=True, help="Also make changes that change what runs.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME.OPTION=VALUE",
    shell_complete=transform_options,
    help="An option of a transform, as add-networks.layout=tiers (repeatable).",
)
@run_options
@engine_options
@proposal_output_options
def command(
    path: Path,
    file: tuple[str, ...],
    entry: tuple[str, ...],
    env_file: tuple[str, ...],
    select: str | None,
    skip: str,
    settings: tuple[str, ...],
    *,
    unsafe: bool,
    **run: object,
) -> int:
    """Add what is missing and mend what is wrong, in place.

    Safe changes keep the resolved model as it is, or make the engine accept a project that it
    rejects. What would change what runs is listed and left, unless --unsafe is given.
    """
    request = FixRequest(
        None if select is None else names_of(select),
        names_of(skip),
        unsafe,
        tuple(_pair(text) for text in settings),
    )

    def proposer(
        opened: OpenProject,
        engine: Engine | None,
        selection: Selection,
        shown: Progress | None,
    ) -> Proposal:
        return propose_fixes(opened, request.chosen(opened.settings), engine, selection, shown)

    named = choice(path, file, entry, env_file)
    return carry_out_proposal(Run.of("fix", run), named, proposer, repairable=True)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text!r}: NAME.OPTION=VALUE is needed")
    return name, value
