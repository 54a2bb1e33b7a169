"""``composerefactor transforms``."""

from __future__ import annotations

import sys

import click

from composerefactor.cli.completion import transform_names
from composerefactor.cli.options import examples
from composerefactor.cli.terminal import style_for
from composerefactor.errors import UsageError
from composerefactor.planning.registry import transforms
from composerefactor.report.explanation import as_text


@click.command(
    "transforms",
    short_help="List the transforms, or explain one.",
    epilog=examples(
        ("composerefactor transforms", "List them."),
        ("composerefactor transforms add-networks", "Explain one, with its options."),
        ("composerefactor fix --select add-networks --unsafe --dry-run", "Try it."),
    ),
)
@click.argument("name", required=False, shell_complete=transform_names)
@click.option("--no-color", is_flag=True, help="No colours (NO_COLOR does the same).")
def command(name: str | None, *, no_color: bool) -> int:
    """List the transforms, or explain the one called NAME with its options and an example."""
    known = transforms()
    if name is None:
        width = max(map(len, known))
        for each in known.values():
            click.echo(f"{each.name:<{width}}  {each.summary}")
        return 0
    if name not in known:
        raise UsageError(
            f"no transform is called {name!r}", remedy="there are: " + ", ".join(known)
        )
    for line in as_text(known[name], style_for(sys.stdout, no_color=no_color)):
        click.echo(line)
    return 0
