"""Options that commands share, each written once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from composerefactor.errors import Location, RefusedError
from composerefactor.proposal.opening import Choice

F = TypeVar("F", bound=Callable[..., Any])

path_argument = click.argument(
    "path", type=click.Path(path_type=Path, exists=True, file_okay=True), default="."
)


def examples(*pairs: tuple[str, str]) -> str:
    """Return the end of a help text: commands, each with what it does."""
    lines = [line for command, words in pairs for line in (f"  {command}", f"      {words}")]
    return "\n".join(["\b", "Examples:", *lines])


def project_options(function: F) -> F:
    """Add the options that say how the project is started."""
    for option in reversed(
        [
            click.option(
                "-f",
                "--file",
                multiple=True,
                metavar="FILE",
                help="Compose files of one entry point, as docker compose has it (repeatable).",
            ),
            click.option(
                "--entry",
                multiple=True,
                metavar="A.yml,B.yml",
                help="The files of an entry point; repeat for several. Replaces those found.",
            ),
            click.option(
                "--env-file", multiple=True, metavar="FILE", help="As docker compose has it."
            ),
        ]
    ):
        function = option(function)
    return function


def engine_options(function: F) -> F:
    """Add the options that choose the engine."""
    return click.option(
        "--engine",
        default="auto",
        metavar="auto|PATH|none",
        help="The Docker Compose to prove with; none plans without proof.",
    )(function)


def output_options_for(*formats: str) -> Callable[[F], F]:
    """Return a decorator that adds the options on what is printed, in one of *formats*."""

    def add(function: F) -> F:
        for option in reversed(
            [
                click.option(
                    "--format",
                    "output_format",
                    type=click.Choice(formats),
                    default=formats[0],
                    help="Form of the result.",
                ),
                click.option(
                    "-o",
                    "--output",
                    type=click.Path(path_type=Path, dir_okay=False),
                    help="Write the result to this file instead of stdout.",
                ),
                click.option("-q", "--quiet", is_flag=True, help="Print errors and results only."),
                click.option(
                    "-v", "--verbose", is_flag=True, help="Print everything that was found."
                ),
                click.option(
                    "--no-color", is_flag=True, help="No colours (NO_COLOR does the same)."
                ),
            ]
        ):
            function = option(function)
        return function

    return add


output_options = output_options_for("text", "json")
proposal_output_options = output_options_for("text", "json", "markdown")


def choice(
    path: Path, file: tuple[str, ...], entry: tuple[str, ...], env_file: tuple[str, ...]
) -> Choice:
    """Return what the options say of the project, with the shell's environment.

    Absolute paths below *path* are taken relative to it. Raises RefusedError for a file above it.
    """
    root = path.resolve()
    entries = [",".join(_local(root, part) for part in one.split(",")) for one in entry]
    return Choice(
        path,
        tuple(_local(root, one) for one in file),
        tuple(entries),
        env_file,
        dict(os.environ),
    )


def _local(root: Path, name: str) -> str:
    given = Path(name.strip())
    if given.is_absolute() and given.resolve().is_relative_to(root):
        return given.resolve().relative_to(root).as_posix()
    if given.is_absolute() or given.as_posix().startswith("../"):
        raise RefusedError(
            "outside of the project directory, and never changed",
            location=Location(name),
            remedy=f"give the directory that holds it as PATH: {given.parent}",
        )
    return name
