"""``composerefactor verify``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from composerefactor.cli.options import (
    GroupedCommand,
    engine_option,
    examples,
    output_options,
    project_options,
    project_selection,
    proof_options,
)
from composerefactor.cli.terminal import deliver, progress, style_for
from composerefactor.compose.masking import masked_errors
from composerefactor.planning.compare import compare, open_state
from composerefactor.planning.opening import ProjectSelection, open_project
from composerefactor.proof.engine import find_engine
from composerefactor.proof.memory import Memory
from composerefactor.report.text import (
    Style,
    json_text,
    masked_text,
    shown_line,
)
from composerefactor.report.verify import result_document, result_text


@click.command(
    "verify",
    cls=GroupedCommand,
    short_help="Verify that two states of a project resolve to the same configuration.",
    epilog=examples(
        ("composerefactor verify main", "Compare the working tree with a git revision."),
        ("composerefactor verify HEAD~1 HEAD", "Compare two revisions."),
        ("composerefactor verify --live", "List running containers that `up` would recreate."),
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
@engine_option
@proof_options
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
    thorough: bool,
    no_cache: bool,
    output_format: str,
    output: Path | None,
    quiet: bool,
    verbose: bool,
    no_color: bool,
) -> int:
    """Verify that OLD and NEW resolve to the same configuration, for every start command of OLD.

    OLD and NEW are directories, Compose files or git revisions; NEW defaults to the current
    directory. Exit code 0: they are equal, and `up` would recreate no container; 1: they differ.

    With --live, the running containers are compared with the project: for each, the command reports
    whether the next `up` would keep or recreate it, and why. Exit code 1: some would be recreated.
    """
    if live:
        chosen = project_selection(Path(old or "."), file, entry, env_file)
        text, code = _live(
            chosen,
            engine,
            as_json=output_format == "json",
            verbose=verbose,
            style=style_for(sys.stdout, no_color=no_color or output is not None),
        )
        if output is not None or output_format == "json" or not quiet:
            deliver(text, output)
        return code
    if old is None:
        raise click.UsageError("Missing argument 'OLD'.")
    chosen = project_selection(Path(), file, entry, env_file)
    memory = None if no_cache else Memory.open()
    tool = find_engine(engine, thorough=thorough, memory=memory)
    here = Path(new) if Path(new).is_dir() else Path()
    with (
        open_state(old, here, chosen) as before,
        open_state(new, here, chosen, before.project.entries) as after,
    ):
        masking = before.masking | after.masking
        with masked_errors(lambda: masking), progress(quiet=quiet, no_color=no_color) as shown:
            comparison = compare(before, after, tool, shown)
    if output_format == "json":
        values = masking.document(result_document(comparison))
        text = json_text(values)
    else:
        style = style_for(sys.stdout, no_color=no_color or output is not None)
        lines = result_text(comparison, style, verbose=verbose)
        text = masked_text(lines, masking)
    if output is not None or output_format == "json" or not quiet:
        deliver(text, output)
    return 0 if comparison.proof.ok else 1


def _live(
    chosen: ProjectSelection, engine: str, style: Style, *, as_json: bool, verbose: bool
) -> tuple[str, int]:
    """Return the report on the running containers, and the exit code."""
    from composerefactor.proof.containers import Docker  # noqa: PLC0415 - as above
    from composerefactor.proof.live import compare_live  # noqa: PLC0415 - as above
    from composerefactor.report import verify as report  # noqa: PLC0415 - see cli/__init__.py

    opened = open_project(chosen)
    tool = find_engine(engine)
    with masked_errors(lambda: opened.masking):
        result = compare_live(tool, Docker(), opened.root, opened.project.readable, opened.environ)
    if as_json:
        values = opened.masking.document(report.live_document(result, tool))
        text = json_text(values)
    else:
        text = "".join(
            f"{shown_line(opened.masking.message(line))}\n"
            for line in report.live_text(result, tool, style, verbose=verbose)
        )
    return text, 1 if result.recreated else 0
