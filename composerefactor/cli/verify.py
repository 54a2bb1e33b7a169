"""``composerefactor verify``."""

from __future__ import annotations

from pathlib import Path

import click

from composerefactor.cli.options import (
    GroupedCommand,
    ProjectOptions,
    ProofOptions,
    examples,
    project_options,
    proof_options,
)
from composerefactor.cli.run import engine_of
from composerefactor.cli.terminal import fitted
from composerefactor.compose.masking import masked_errors
from composerefactor.planning.opening import ProjectSelection, open_project
from composerefactor.planning.verify import compare, open_state
from composerefactor.proof.engine import find_engine
from composerefactor.report.text import json_text, shown_lines
from composerefactor.report.verify import result_document, result_text


@click.command(
    "verify",
    cls=GroupedCommand,
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
@proof_options
def command(
    old: str | None,
    new: str,
    project: ProjectOptions,
    options: ProofOptions,
    *,
    live: bool,
) -> int:
    """Verify that OLD and NEW resolve to the same configuration, for every start command of OLD.

    OLD and NEW are directories, Compose files or git revisions; NEW defaults to the current
    directory. Exit code 0: they are equal, and `up` would recreate no container; 1: they differ.

    With --live, the running containers are compared with the project: for each, the command reports
    whether the next `up` would keep or recreate it, and why. Exit code 1: some would be recreated.
    """
    if live:
        text, code = _live(project.selection(Path(old or ".")), options)
        options.deliver(text)
        return code
    if old is None:
        raise click.UsageError("Missing argument 'OLD'.")
    chosen = project.selection(Path())
    tool = engine_of(options)
    here = Path(new) if Path(new).is_dir() else Path()
    with (
        open_state(old, here, chosen) as before,
        open_state(new, here, chosen, before.project.entries) as after,
    ):
        masking = before.masking | after.masking
        with (
            masked_errors(lambda: masking),
            options.progress() as shown,
        ):
            comparison = compare(before, after, tool, shown)
    if options.output_format == "json":
        text = json_text(masking.document(result_document(comparison)))
    else:
        lines = result_text(comparison, options.style, verbose=options.verbose)
        text = shown_lines(fitted(map(masking.message, lines), options.output))
    options.deliver(text)
    return 0 if comparison.proof.ok else 1


def _live(chosen: ProjectSelection, options: ProofOptions) -> tuple[str, int]:
    """Return the report on the running containers, and the exit code."""
    from composerefactor.proof import containers, live  # noqa: PLC0415 - see cli/__init__.py
    from composerefactor.report import verify as report  # noqa: PLC0415 - see cli/__init__.py

    opened = open_project(chosen)
    tool = find_engine(options.engine)
    with masked_errors(lambda: opened.masking):
        project = opened.project.readable
        docker = containers.Docker()
        result = live.compare_live(tool, docker, opened.root, project, opened.environ)
    if options.output_format == "json":
        text = json_text(opened.masking.document(report.live_document(result, tool)))
    else:
        lines = report.live_text(result, tool, options.style, verbose=options.verbose)
        text = shown_lines(fitted(map(opened.masking.message, lines), options.output))
    return text, 1 if result.recreated else 0
