"""``composerefactor undo``."""

from __future__ import annotations

from pathlib import Path

import click

from composerefactor.cli.options import examples, path_argument
from composerefactor.cli.terminal import is_interactive
from composerefactor.errors import UsageError
from composerefactor.planning.opening import project_root
from composerefactor.workspace.undo import last_run, undo


@click.command(
    "undo",
    short_help="Take the last applied run back.",
    epilog=examples(
        ("composerefactor undo", "Show which run it is, and ask."),
        ("composerefactor undo --force", "Take back files that were edited since, too."),
    ),
)
@path_argument
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Take back files that were edited since, too.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def command(path: Path, *, yes: bool, force: bool, quiet: bool) -> int:
    """Take the last applied run back: every byte, mode and directory.

    Files that were edited since then are named and nothing is taken back, unless --force is given.
    """
    root = path if last_run(path) is not None else project_root(path)
    run = last_run(root)
    if run is not None and not yes:
        if not is_interactive():
            raise UsageError("there is no terminal to ask on", remedy="give --yes")
        if not click.confirm(f"Take back {run.label} of {run.time}?", err=True):
            click.echo("nothing was changed", err=True)
            return 0
    paths = undo(root, force=force)
    if not quiet:
        click.echo(f"took back {len(paths)} files", err=True)
    return 0
