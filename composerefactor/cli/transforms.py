"""``composerefactor transforms``."""

from __future__ import annotations

import click

from composerefactor.errors import UsageError
from composerefactor.registry import transforms


@click.command("transforms", short_help="List the transforms, or explain one.")
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the transforms, or explain the one called NAME."""
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
    found = known[name]
    click.echo(f"{found.name}: {found.summary}\n\n{found.explanation}")
    return 0
