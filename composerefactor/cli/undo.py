"""``composerefactor undo``."""

from __future__ import annotations

from pathlib import Path

import click

from composerefactor.cli.options import examples, path_argument
from composerefactor.cli.terminal import is_interactive, say
from composerefactor.errors import UsageError
from composerefactor.planning.opening import project_root
from composerefactor.report.text import counted
from composerefactor.workspace.undo import last_run, undo


@click.command(
    "undo",
    epilog=examples(
        ("composerefactor undo", "Show the last run, and undo it after confirmation."),
        ("composerefactor undo --force", "Also revert files that were edited since."),
    ),
)
@path_argument
@click.option("-y", "--yes", is_flag=True, help="Undo without confirmation.")
@click.option("--force", is_flag=True, help="Also revert files that were edited since.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def command(path: Path, *, yes: bool, force: bool, quiet: bool) -> int:
    """Undo the last run: restore the content and mode of every file, and every directory.

    If files were edited since then, they are listed and nothing is changed; --force reverts them.
    """
    root = path if last_run(path) is not None else project_root(path)
    run = last_run(root)
    if run is not None and not yes:
        if not is_interactive():
            raise UsageError("not a terminal: cannot prompt", remedy="use --yes")
        if not click.confirm(f"Undo {run.label} of {run.time}?", err=True):
            say("nothing was changed")
            return 0
    paths = undo(root, force=force)
    if not quiet:
        say(f"reverted {counted(len(paths), 'file')}")
    return 0
