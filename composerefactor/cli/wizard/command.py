"""``composerefactor wizard``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from composerefactor.cli.options import (
    PLANNING_ENGINE,
    GroupedCommand,
    OutputOptions,
    ProjectOptions,
    ProofOptions,
    examples,
    option,
    path_argument,
    project_options,
)
from composerefactor.cli.run import recover_interrupted_run
from composerefactor.cli.terminal import is_interactive, overwrite, say, style_for
from composerefactor.cli.wizard.files import read_answers, replay
from composerefactor.cli.wizard.session import Context, Session
from composerefactor.cli.wizard.steps import wizard
from composerefactor.cli.wizard.work import Say
from composerefactor.cli.wizard.workshop import Workshop
from composerefactor.errors import InputError, Location, UsageError
from composerefactor.planning.opening import ProjectSelection
from composerefactor.proof.engine import Engine, find_engine
from composerefactor.proof.memory import Memory
from composerefactor.proof.staging import Progress
from composerefactor.report.text import Style


@click.command(
    "wizard",
    cls=GroupedCommand,
    epilog=examples(
        ("composerefactor wizard", "Start in the current directory."),
        ("composerefactor wizard path/to/project", "Start in another directory."),
        ("composerefactor wizard --answers answers.yml", "Take the answers from a file."),
    ),
)
@path_argument
@project_options
@click.option(
    "--answers",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Take the answers from this file (YAML or JSON) instead of a terminal.",
)
@option(ProofOptions, "engine", default="auto", **PLANNING_ENGINE)
@option(OutputOptions, "no_color")
def command(
    path: Path,
    project: ProjectOptions,
    *,
    answers: Path | None,
    engine: str,
    no_color: bool,
) -> int:
    """Split and fix step by step; see every change first.

    The wizard shows how the project is started and what could be better, and asks what you would
    like to do. Take the fixes that are safe at once, or look at each change as a diff, and take or
    skip it. Nothing is written before Docker Compose has verified the result and you have confirmed
    it. Ctrl-C leaves everything as it is. At the end, the wizard prints the command line that does
    the same.
    """
    chosen = project.selection(path)
    if answers is None and (not is_interactive() or os.environ.get("TERM") == "dumb"):
        argument = "" if path == Path() else f" {path}"
        raise UsageError(
            "the wizard needs a terminal",
            remedy=f"run `composerefactor split{argument} --dry-run` and `composerefactor "
            f"fix{argument} --unsafe --dry-run` to see the changes, or `composerefactor "
            f"wizard{argument} --answers FILE`",
        )
    recover_interrupted_run(chosen)
    if answers is not None:
        return _from_file(chosen, answers, engine)
    return _on_terminal(chosen, engine, no_color=no_color)


def _from_file(chosen: ProjectSelection, path: Path, engine: str) -> int:
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"the answers cannot be read: {error.strerror}"
        raise InputError(message, location=Location(str(path))) from None
    answers = read_answers(str(path), data)

    def print_lines(said: Say) -> None:
        for line in said.lines:
            say(line)

    return replay(_session(chosen, engine, Style(), print_lines), answers)


def _on_terminal(chosen: ProjectSelection, engine: str, *, no_color: bool) -> int:
    # prompt_toolkit is slow to import, and not needed for answers from a file
    from composerefactor.cli.wizard.prompts import Prompts, converse, quiet_terminal  # noqa: PLC0415

    style = style_for(sys.stderr, no_color=no_color)
    prompts = Prompts(style)
    try:
        with quiet_terminal():
            return converse(_session(chosen, engine, style, prompts.say), prompts)
    except EOFError:
        raise KeyboardInterrupt from None


def _session(
    chosen: ProjectSelection, engine: str, style: Style, say: Callable[[Say], None]
) -> Session:
    context = Context(chosen, style, engine)

    def engine_or_none() -> Engine | None:
        return None if engine == "none" else find_engine(engine, memory=Memory.open())

    workshop = Workshop(engine_or_none, _progress)
    return Session(lambda: wizard(context), workshop, say)


def _progress(title: str) -> Progress | None:
    """Return a callback that shows on a terminal how far the work called *title* is."""
    if not sys.stderr.isatty():
        return None
    overwrite(f"{title} ...")

    def show(done: int, total: int, what: str) -> None:
        overwrite(f"{title}: {what}, {done} of {total} runs" if done < total else "")

    return show
