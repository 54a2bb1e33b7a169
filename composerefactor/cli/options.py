"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from composerefactor.compose.paths import is_outside
from composerefactor.errors import Location, RefusedError
from composerefactor.planning.opening import ProjectSelection

F = TypeVar("F", bound=Callable[..., Any])

path_argument = click.argument(
    "path", type=click.Path(path_type=Path, exists=True, file_okay=True), default="."
)


def examples(*pairs: tuple[str, str]) -> str:
    """Return the end of a help text: pairs of a command and what it does."""
    lines = [line for command, meaning in pairs for line in (f"  {command}", f"      {meaning}")]
    return "\n".join(["\b", "Examples:", *lines])


_GROUPS = {
    "Project": ("file", "entry", "env_file"),
    "Writing": ("dry_run", "check", "yes", "allow_dirty", "take", "leave", "unproven"),
    "Verification": ("engine", "thorough", "no_cache"),
    "Output": ("output_format", "output", "reports", "quiet", "verbose", "no_color", "help"),
}
"""The options that several commands have, by the heading under which help lists them."""


class GroupedCommand(click.Command):
    """A command whose help lists its own options first, then those of others under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those of each group in a section of its own."""
        headings = {name: heading for heading, names in _GROUPS.items() for name in names}
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        sections |= {heading: [] for heading in _GROUPS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                sections[headings.get(parameter.name or "", "Options")].append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def project_options(function: F) -> F:
    """Add the options that name start commands."""
    for option in reversed(
        [
            click.option(
                "-f",
                "--file",
                multiple=True,
                metavar="FILE",
                help="Same as `docker compose -f` (repeatable).",
            ),
            click.option(
                "--entry",
                multiple=True,
                metavar="A.yml,B.yml",
                help="Files of a start command (repeatable); no others are considered.",
            ),
            click.option(
                "--env-file",
                multiple=True,
                metavar="FILE",
                help="Same as `docker compose --env-file` (repeatable).",
            ),
        ]
    ):
        function = option(function)
    return function


engine_option = click.option(
    "--engine",
    default="auto",
    metavar="auto|PATH",
    help="The Docker Compose that resolves both states.",
)
"""Chooses Docker Compose, for commands that do nothing without it."""

planning_engine_option = click.option(
    "--engine",
    default="auto",
    metavar="auto|PATH|none",
    help="The Docker Compose that verifies; none plans without verification.",
)
"""Chooses Docker Compose, for commands that plan changes."""


def proof_options(function: F) -> F:
    """Add the options for how a comparison is made."""
    for option in reversed(
        [
            click.option(
                "--thorough",
                is_flag=True,
                help="Verify each scenario in a run of its own; takes longer.",
            ),
            click.option(
                "--no-cache",
                is_flag=True,
                help="Use no results of earlier commands, and keep none.",
            ),
        ]
    ):
        function = option(function)
    return function


def output_options_for(*formats: str) -> Callable[[F], F]:
    """Return a decorator that adds the options for the output, in one of *formats*."""

    def add(function: F) -> F:
        for option in reversed(
            [
                click.option(
                    "--format",
                    "output_format",
                    type=click.Choice(formats),
                    default=formats[0],
                    help="Format of the result.",
                ),
                click.option(
                    "-o",
                    "--output",
                    type=click.Path(path_type=Path, dir_okay=False),
                    help="Write the result to this file instead of stdout.",
                ),
                click.option("-q", "--quiet", is_flag=True, help="Print errors and results only."),
                click.option(
                    "-v", "--verbose", is_flag=True, help="Print everything; shorten no list."
                ),
                click.option(
                    "--no-color", is_flag=True, help="Print no colours, same as NO_COLOR=1."
                ),
            ]
        ):
            function = option(function)
        return function

    return add


output_options = output_options_for("text", "json")
proposal_output_options = output_options_for("text", "json", "markdown")


def project_selection(
    path: Path, file: tuple[str, ...], entry: tuple[str, ...], env_file: tuple[str, ...]
) -> ProjectSelection:
    """Return the project that the options name, with the environment of the shell.

    Absolute paths below *path* become relative to it. Raises RefusedError for a file outside of it.
    """
    root = path.resolve()
    entries = [",".join(_local(root, name) for name in names.split(",")) for names in entry]
    return ProjectSelection(
        path,
        tuple(_local(root, name) for name in file),
        tuple(entries),
        env_file,
        dict(os.environ),
    )


def _local(root: Path, name: str) -> str:
    path = Path(name.strip())
    if path.is_absolute() and path.resolve().is_relative_to(root):
        return path.resolve().relative_to(root).as_posix()
    if path.is_absolute() or is_outside(path.as_posix()):
        raise RefusedError(
            "outside of the project directory; refusing to change it",
            location=Location(name),
            remedy=f"pass a directory that contains it as PATH, for example {path.parent}",
        )
    return name


def run_options(function: F) -> F:
    """Add the options of :class:`~composerefactor.cli.run.Run` for a command that changes files."""
    for option in reversed(
        [
            click.option("--dry-run", is_flag=True, help="Print the patch and write nothing."),
            click.option(
                "--check",
                is_flag=True,
                help="Write nothing; exit with 1 if there is something to do.",
            ),
            click.option("-y", "--yes", is_flag=True, help="Write without confirmation."),
            click.option(
                "--allow-dirty", is_flag=True, help="Modify files with uncommitted changes."
            ),
            click.option(
                "--take",
                multiple=True,
                metavar="ID",
                help="Make only the change with this ID (repeatable).",
            ),
            click.option(
                "--leave",
                multiple=True,
                metavar="ID",
                help="Exclude the change with this ID (repeatable).",
            ),
            click.option(
                "--unproven", is_flag=True, help="With --engine none: write without verification."
            ),
        ]
    ):
        function = option(function)
    return function
