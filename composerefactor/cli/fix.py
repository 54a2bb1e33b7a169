"""``composerefactor fix``."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from composerefactor.cli.carryout import Progress, Run, carry_out_proposal, run_options
from composerefactor.cli.options import (
    choice,
    engine_options,
    path_argument,
    project_options,
    proposal_output_options,
)
from composerefactor.cli.settings import check_names, configured_values, option_values
from composerefactor.errors import UsageError
from composerefactor.proposal.mended import Chosen
from composerefactor.proposal.mending import propose_mends
from composerefactor.proposal.opening import Opened
from composerefactor.proposal.propose import Proposal
from composerefactor.proposal.selection import Selection
from composerefactor.registry import mendings
from composerefactor.settings.settings import Settings
from composerefactor.transform import Mending
from composerefactor.verify.engine import Engine


@click.command("fix", short_help="Add what is missing and mend what is wrong, in place.")
@path_argument
@project_options
@click.option("--select", metavar="A,B", help="Run only these transforms (see `transforms`).")
@click.option("--skip", metavar="A,B", default="", help="Leave these transforms out.")
@click.option("--unsafe", is_flag=True, help="Also make changes that change what runs.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME.OPTION=VALUE",
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

    def proposer(
        opened: Opened,
        engine: Engine | None,
        selection: Selection,
        shown: Progress | None,
    ) -> Proposal:
        chosen = chosen_mendings(select, skip, settings, opened.settings, unsafe=unsafe)
        return propose_mends(opened, chosen, engine, selection, shown)

    named = choice(path, file, entry, env_file)
    return carry_out_proposal(Run.of("fix", run), named, proposer, repairable=True)


def chosen_mendings(
    select: str | None, skip: str, given: tuple[str, ...], settings: Settings, *, unsafe: bool
) -> list[Chosen]:
    """Return the transforms to run with their options, in order.

    What the command line does not say (*select*, *skip*, *given*, *unsafe*) is taken from
    *settings*. Raises UsageError for names that no transform has and options that it does not take,
    InputError where the settings have them.
    """
    known = {each.name: each for each in mendings()}
    check_names(settings, known)
    wanted = set(settings.fix.select) if select is None else _names(select, known)
    unwanted = _names(skip, known) | set(settings.fix.skip)
    configured, values = configured_values(settings, known), option_values(given, known)
    chosen = []
    for name, each in known.items():
        if name in unwanted or (name not in wanted if wanted else each.selected_only):
            continue
        options = {**configured.get(name, {}), **values.get(name, {})}
        if any(f.name == "catalog" for f in fields(each.options)):
            options["catalog"] = settings.catalog
        chosen.append(
            Chosen(
                each,
                each.options(**options),
                unsafe=unsafe or bool(settings.fix.unsafe),
                asked=name in wanted,
                ignored=settings.ignore.get(name, {}),
            )
        )
    return chosen


def _names(text: str, known: dict[str, Mending[Any]]) -> set[str]:
    names = {name.strip() for name in text.split(",") if name.strip()}
    for name in sorted(names - known.keys()):
        raise UsageError(
            f"no transform is called {name!r}", remedy="there are: " + ", ".join(known)
        )
    return names
