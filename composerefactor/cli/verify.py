"""``composerefactor verify``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from composerefactor.cli.options import choice, engine_options, output_options, project_options
from composerefactor.cli.terminal import deliver, progress, style_for
from composerefactor.proposal.compare import compare, opened_state
from composerefactor.report.verification import as_document, as_text
from composerefactor.verify.discovery import find_engine


@click.command("verify", short_help="Prove that two states of a project resolve to the same model.")
@click.argument("old")
@click.argument("new", default=".")
@project_options
@engine_options
@output_options
def command(
    old: str,
    new: str,
    *,
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
    """
    chosen = choice(Path(), file, entry, env_file)
    tool = find_engine(engine)
    here = Path(new) if Path(new).is_dir() else Path()
    with (
        opened_state(old, here, chosen) as before,
        opened_state(new, here, chosen, before.project.entries) as after,
    ):
        found = compare(before, after, tool, progress(quiet=quiet))
    if output_format == "json":
        text = json.dumps(as_document(found), indent=2, ensure_ascii=False) + "\n"
    else:
        style = style_for(sys.stdout, no_color=no_color or output is not None)
        text = "".join(f"{line}\n" for line in as_text(found, style, verbose=verbose))
    if output is not None or output_format == "json" or not quiet:
        deliver(text.encode(), output)
    return 0 if found.verdict.ok else 1
