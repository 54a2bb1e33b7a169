"""``composerefactor split``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from composerefactor.cli.completion import services
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
from composerefactor.planning.propose import Proposal, propose
from composerefactor.planning.requests import SplitRequest, groups_of
from composerefactor.planning.selection import Selection
from composerefactor.transforms.split import split

if TYPE_CHECKING:
    from composerefactor.proof.engine import Engine


@click.command(
    "split",
    short_help=split.summary,
    help=f"{split.summary}\n\n{split.explanation}",
    epilog=examples(
        ("composerefactor split --dry-run", "Show the plan, the proof and the patch."),
        ("composerefactor split --group shop=api,worker", "Keep two services in one module."),
        ("composerefactor split --entry compose.yml,compose.prod.yml", "Name how it is started."),
        ("composerefactor wizard", "Be asked, and choose among the changes."),
    ),
)
@path_argument
@project_options
@click.option("--into", default="", metavar="DIR", help="Directory of the modules.")
@click.option(
    "--strategy",
    type=click.Choice(["include", "extends"]),
    help="Roots include the modules (the default), or hold stubs that extend their services.",
)
@click.option(
    "--granularity",
    type=click.Choice(["auto", "service", "category"]),
    help="One file a service, one a category, or services single and infrastructure by category "
    "(auto, the default).",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME=A,B",
    help="Services for one module (repeatable).",
)
@click.option(
    "--module",
    "modules",
    multiple=True,
    metavar="SERVICE=PATH",
    shell_complete=services,
    help="The module of a service (repeatable).",
)
@click.option(
    "--anchors",
    type=click.Choice(["copy", "extends"]),
    help="What becomes of an x- block that several modules take by <<: a copy in each, which keeps "
    "every line as it is (the default), or a service that they extend, where that is exactly the "
    "same.",
)
@click.option(
    "--environment",
    "environments",
    multiple=True,
    metavar="FILE=NAME",
    help="What the environment of a root file is called (repeatable).",
)
@click.option(
    "--move-roots",
    default="",
    metavar="DIR",
    help="Move the root files themselves to DIR too, and rewrite the commands that name them.",
)
@run_options
@engine_options
@proposal_output_options
def command(
    path: Path,
    file: tuple[str, ...],
    entry: tuple[str, ...],
    env_file: tuple[str, ...],
    into: str,
    strategy: str | None,
    granularity: str | None,
    groups: tuple[str, ...],
    modules: tuple[str, ...],
    anchors: str | None,
    environments: tuple[str, ...],
    move_roots: str,
    **run: object,
) -> int:
    """Plan, prove and carry out a split; what is not given here is taken from the settings."""
    request = SplitRequest(
        into,
        strategy or "",
        granularity or "",
        anchors or "",
        groups_of(_pairs("--group", groups)),
        _pairs("--module", modules),
        _pairs("--environment", environments),
        move_roots,
    )

    def proposer(
        opened: OpenProject, engine: Engine | None, selection: Selection, shown: Progress | None
    ) -> Proposal:
        return propose(opened, request.transformation(opened, path), engine, selection, shown)

    chosen = replace(choice(path, file, entry, env_file), roots=move_roots)
    return carry_out_proposal(Run.of("split", run), chosen, proposer)


def _pairs(option: str, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values:
        name, equals, rest = value.partition("=")
        if not (name and equals and rest):
            raise UsageError(f"{option} {value!r}: a name, '=' and a value are needed")
        pairs.append((name, rest))
    return tuple(pairs)
