"""``composerefactor split``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from composerefactor.cli.completion import services
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
from composerefactor.errors import UsageError
from composerefactor.planning.propose import propose
from composerefactor.planning.split_request import SplitRequest, groups_of
from composerefactor.refactoring.modules.naming import LayoutOptions
from composerefactor.transforms.split import split


def _pairs(_: click.Context, option: click.Option, values: tuple[str, ...]) -> dict[str, str]:
    return dict(_split_pairs(option, values))


def _groups(
    _: click.Context, option: click.Option, values: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    return groups_of(_split_pairs(option, values))


def _split_pairs(option: click.Option, values: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield what is on each side of the ``=`` in *values*; raises UsageError if one has none."""
    for value in values:
        name, equals, rest = value.partition("=")
        if not (name and equals and rest):
            raise UsageError(f"{option.opts[0]} {value!r} is not of the form {option.metavar}")
        yield name, rest


_HELP = (
    "Services that belong together move to one file, with their comments; the root file keeps its "
    "name and lists the modules in `include`. Docker Compose verifies that every start command "
    "resolves to the same configuration, so that no container is recreated."
)


@click.command(
    "split",
    cls=GroupedCommand,
    help=f"{split.summary}\n\n{_HELP}",
    epilog=examples(
        (
            "composerefactor split --dry-run",
            "Show the plan, whether it is verified, and the patch.",
        ),
        ("composerefactor split --group shop=api,worker", "Put two services into one module."),
        (
            "composerefactor split --entry compose.yml,compose.prod.yml",
            "Use one start command.",
        ),
        ("composerefactor wizard", "Review the changes one by one."),
        ("composerefactor transforms split", "Explain which services move where."),
    ),
)
@path_argument
@project_options
@option(LayoutOptions, "into", default="", metavar="DIR")
@option(LayoutOptions, "strategy")
@option(LayoutOptions, "granularity")
@click.option(
    "--group",
    "groups",
    multiple=True,
    callback=_groups,
    metavar="NAME=A,B",
    help="Put these services into one module (repeatable).",
)
@click.option(
    "--module",
    "modules",
    multiple=True,
    callback=_pairs,
    metavar="SERVICE=PATH",
    shell_complete=services,
    help="Put this service into this file (repeatable).",
)
@option(LayoutOptions, "anchors")
@option(LayoutOptions, "verbatim")
@option(LayoutOptions, "force")
@click.option(
    "--environment",
    "environments",
    multiple=True,
    callback=_pairs,
    metavar="FILE=NAME",
    help="Name the environment of a root file (repeatable).",
)
@click.option(
    "--move-roots",
    default="",
    metavar="DIR",
    help="Also move the root files to DIR, and rewrite the commands that name them.",
)
@run_options
def command(
    path: Path,
    project: ProjectOptions,
    options: RunOptions,
    move_roots: str,
    **layout: Any,
) -> int:
    """Plan, verify and carry out a split; the settings file supplies what is not given here."""
    request = SplitRequest(roots=move_roots).using(**layout)
    chosen = replace(project.selection(path), roots=move_roots)
    run = Run("split", options)
    return carry_out(
        run,
        chosen,
        lambda opened, *how: propose(opened, request.transformation(opened, path), *how),
    )
