"""``composerefactor wizard``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from composerefactor.cli.options import (
    choice,
    engine_options,
    examples,
    path_argument,
    project_options,
    repaired,
)
from composerefactor.cli.terminal import is_interactive, style_for
from composerefactor.cli.wizard.answers import SavedAnswers, read_answers, replay
from composerefactor.cli.wizard.session import Context, Session
from composerefactor.cli.wizard.steps import wizard
from composerefactor.cli.wizard.work import ProjectOptions
from composerefactor.cli.wizard.workshop import Workshop
from composerefactor.errors import InputError, Location, UsageError
from composerefactor.planning.opening import ProjectSelection, project_root
from composerefactor.proof.engine import find_engine
from composerefactor.report.text import Style

if TYPE_CHECKING:
    from composerefactor.cli.wizard.session import Session
    from composerefactor.proof.engine import Engine


@click.command(
    "wizard",
    short_help="Split and mend step by step, each change shown first.",
    epilog=examples(
        ("composerefactor wizard", "Begin, here."),
        ("composerefactor wizard path/to/project", "Begin, there."),
        ("composerefactor wizard --answers answers.yml", "Repeat a session without a terminal."),
    ),
)
@path_argument
@project_options
@click.option(
    "--answers",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Take the answers from this file (YAML or JSON), as docs/wizard.md describes it.",
)
@engine_options
@click.option("--no-color", is_flag=True, help="No colours (NO_COLOR does the same).")
def command(
    path: Path,
    *,
    file: tuple[str, ...],
    entry: tuple[str, ...],
    env_file: tuple[str, ...],
    answers: Path | None,
    engine: str,
    no_color: bool,
) -> int:
    """Split and mend step by step, each change shown first.

    Shows what was found and what is wrong, asks what is to be done, and shows every change as a
    diff to take or to skip. Nothing is written before the proof and your yes; Ctrl-C leaves
    everything as it is. At the end the command line that does the same is printed.
    """
    chosen = choice(path, file, entry, env_file)
    if answers is None and (not is_interactive() or os.environ.get("TERM") == "dumb"):
        where = "" if path == Path() else f" {path}"
        raise UsageError(
            "the wizard needs a terminal to ask on",
            remedy=f"`composerefactor split{where} --dry-run` and `composerefactor fix{where} "
            f"--unsafe --dry-run` show what it would offer, `composerefactor wizard{where} "
            "--answers FILE` takes the answers from a file",
        )
    repaired(chosen)
    if answers is not None:
        return _replayed(chosen, answers, engine)
    return _conversed(chosen, engine, no_color=no_color)


def _replayed(chosen: ProjectSelection, path: Path, engine: str) -> int:
    try:
        data = path.read_bytes()
    except OSError as error:
        words = f"the answers cannot be read: {error.strerror}"
        raise InputError(words, location=Location(str(path))) from None
    answers = read_answers(str(path), data)
    session = _session(
        chosen, engine, Style(), lambda said: click.echo("\n".join(said.lines), err=True)
    )
    return replay(session, answers)


def _conversed(chosen: ProjectSelection, engine: str, *, no_color: bool) -> int:
    # questionary is slow to import, and answers from a file need none of it
    from composerefactor.cli.wizard.prompts import Prompts, converse  # noqa: PLC0415

    style = style_for(sys.stderr, no_color=no_color)
    prompts = Prompts(style)
    session: Session | None = None
    try:
        session = _session(chosen, engine, style, prompts.say)
        root = chosen.path.resolve() if chosen.names_entries else project_root(chosen.path)
        return converse(session, prompts, SavedAnswers(root))
    except (KeyboardInterrupt, EOFError):
        if session is None or not session.has_written:
            raise KeyboardInterrupt from None
        click.echo(
            "\ninterrupted; what was written before stays, `composerefactor undo` takes it back",
            err=True,
        )
        return 130


def _session(
    chosen: ProjectSelection, engine: str, style: object, say: Callable[..., None]
) -> Session:
    where = ProjectOptions(
        chosen.path, tuple(chosen.file), tuple(chosen.entry), tuple(chosen.env_file)
    )
    context = Context(where, style if isinstance(style, Style) else Style(), engine)

    def found() -> Engine | None:
        return None if engine == "none" else find_engine(engine)

    workshop = Workshop(found, _environ(chosen), _progress)
    return Session(lambda: wizard(context), workshop, say)


def _environ(chosen: ProjectSelection) -> Mapping[str, str]:
    return chosen.environ


def _progress(words: str) -> Callable[[int, int], None] | None:
    """Return a callback that shows on a terminal how far the work that *words* describe is."""
    if not sys.stderr.isatty():
        return None
    click.echo(f"{words} ...\r", err=True, nl=False)

    def show(done: int, total: int) -> None:
        line = f"{words}: {done} of {total} engine runs\r" if done < total else ""
        click.echo(f"\r\x1b[K{line}", err=True, nl=False)

    return show
