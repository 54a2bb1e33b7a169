"""``composerefactor verify``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from composerefactor.cli.options import (
    choice,
    engine_options,
    examples,
    output_options,
    project_options,
)
from composerefactor.cli.terminal import deliver, progress, style_for
from composerefactor.planning.compare import compare, opened_state
from composerefactor.planning.opening import ProjectSelection, open_project
from composerefactor.proof.engine import find_engine
from composerefactor.report.text import Style
from composerefactor.report.verify import result_document, result_text


@click.command(
    "verify",
    short_help="Prove that two states of a project resolve to the same model.",
    epilog=examples(
        ("composerefactor verify main", "Compare the working tree with a git revision."),
        ("composerefactor verify HEAD~1 HEAD", "Compare two revisions."),
        ("composerefactor verify --live", "Which containers that run would be recreated?"),
    ),
)
@click.argument("old", required=False)
@click.argument("new", default=".")
@click.option(
    "--live",
    is_flag=True,
    help="Compare the project in OLD (default: here) with its running containers.",
)
@project_options
@engine_options
@output_options
def command(
    old: str | None,
    new: str,
    *,
    live: bool,
    file: tuple[str, ...],
    entry: tuple[str, ...],
    env_file: tuple[str, ...],
    engine: str,
    output_format: str,
    output: Path | None,
    quiet: bool,
    verbose: bool,
    no_color: bool,
) -> int:
    """Prove that OLD and NEW resolve to the same model, for every entry point of OLD.

    OLD and NEW are directories, Compose files or git revisions; NEW is the current directory if it
    is not given. Exit code 0: equal, and `up` would recreate no container; 1: they differ.

    With --live the docker client is asked for the containers of the running project, and each is
    told to be kept or recreated by the next `up`, with the reason. Exit code 1: some would be
    recreated.
    """
    if live:
        chosen = choice(Path(old or "."), file, entry, env_file)
        text, code = _live(
            chosen,
            engine,
            json_wanted=output_format == "json",
            verbose=verbose,
            style=style_for(sys.stdout, no_color=no_color or output is not None),
        )
        if output is not None or output_format == "json" or not quiet:
            deliver(text.encode(), output)
        return code
    if old is None:
        raise click.UsageError("Missing argument 'OLD'.")
    chosen = choice(Path(), file, entry, env_file)
    tool = find_engine(engine)
    here = Path(new) if Path(new).is_dir() else Path()
    with (
        opened_state(old, here, chosen) as before,
        opened_state(new, here, chosen, before.project.entries) as after,
    ):
        found = compare(before, after, tool, progress(quiet=quiet))
    if output_format == "json":
        text = json.dumps(result_document(found), indent=2, ensure_ascii=False) + "\n"
    else:
        style = style_for(sys.stdout, no_color=no_color or output is not None)
        text = "".join(f"{line}\n" for line in result_text(found, style, verbose=verbose))
    if output is not None or output_format == "json" or not quiet:
        deliver(text.encode(), output)
    return 0 if found.proof.ok else 1


def _live(
    chosen: ProjectSelection, engine: str, style: Style, *, json_wanted: bool, verbose: bool
) -> tuple[str, int]:
    """Return what becomes of the running containers, and the exit code."""
    from composerefactor.proof.containers import Docker  # noqa: PLC0415 - as above
    from composerefactor.proof.live import compare_live  # noqa: PLC0415 - as above
    from composerefactor.report import verify as report  # noqa: PLC0415 - see cli/__init__.py

    opened = open_project(chosen)
    tool = find_engine(engine)
    found = compare_live(tool, Docker(), opened.root, opened.project.readable, opened.environ)
    if json_wanted:
        text = json.dumps(report.live_document(found, tool), indent=2, ensure_ascii=False) + "\n"
    else:
        text = "".join(f"{x}\n" for x in report.live_text(found, tool, style, verbose=verbose))
    return text, 1 if found.recreated else 0
