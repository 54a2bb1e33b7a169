"""``composerefactor completion``."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from composerefactor.errors import ComposerefactorError
from composerefactor.planning.opening import ProjectSelection, open_project
from composerefactor.planning.registry import fixers, transforms

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


def transform_names(
    ctx: click.Context,  # noqa: ARG001 - what click calls it with
    param: click.Parameter,
    incomplete: str,
) -> list[CompletionItem]:
    """Offer transforms, for each part of a list with commas."""
    before, comma, last = incomplete.rpartition(",")
    is_list = isinstance(param, click.Option)
    found = {each.name: each.summary for each in (fixers() if is_list else transforms().values())}
    given = set(before.split(","))
    return [
        CompletionItem(f"{before}{comma}{name}", help=summary)
        for name, summary in found.items()
        if name.startswith(last) and name not in given
    ]


def transform_options(
    ctx: click.Context,  # noqa: ARG001 - as above
    param: click.Parameter,  # noqa: ARG001 - as above
    incomplete: str,
) -> list[CompletionItem]:
    """Offer ``NAME.OPTION=``."""
    return [
        CompletionItem(f"{each.name}.{option.name}=", help=option.help)
        for each in fixers()
        for option in each.settings
        if f"{each.name}.{option.name}=".startswith(incomplete)
    ]


def services(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - as above
    incomplete: str,
) -> list[CompletionItem]:
    """Offer ``SERVICE=`` for the services of the project in PATH."""
    try:
        path = Path(ctx.params.get("path") or ".")
        project = open_project(ProjectSelection(path)).project
    except (ComposerefactorError, OSError):
        return []
    names = {name for file in project.files.values() for name in file.services}
    return [CompletionItem(f"{name}=") for name in sorted(names) if name.startswith(incomplete)]
