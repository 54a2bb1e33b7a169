"""``composerefactor completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "composerefactor"
VARIABLE = "_COMPOSEREFACTOR_COMPLETE"


@click.command("completion", short_help="Print what makes a shell complete commands and options.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    r"""Print what makes SHELL complete commands, options, transforms and services.

    \b
    bash, in ~/.bashrc:
      eval "$(composerefactor completion bash)"
    zsh, in ~/.zshrc:
      eval "$(composerefactor completion zsh)"
    fish:
      composerefactor completion fish > ~/.config/fish/completions/composerefactor.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion is known for {shell}")
    click.echo(found(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
    return 0
