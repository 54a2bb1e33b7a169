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


_HELP = """Print the script that completes commands, options, transforms and services in SHELL.

\b
bash, in ~/.bashrc:
  eval "$(composerefactor completion bash)"
zsh, in ~/.zshrc:
  eval "$(composerefactor completion zsh)"
fish:
  composerefactor completion fish > ~/.config/fish/completions/composerefactor.fish
"""


@click.command("completion", short_help="Print the shell completion script.", help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the completion script for *shell*, and return the exit code."""
    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"click has no completion for {shell}")
    click.echo(completion(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
    return 0


def transform_names(
    ctx: click.Context,  # noqa: ARG001 - click passes it
    param: click.Parameter,
    incomplete: str,
) -> list[CompletionItem]:
    """Return the transforms that fit the last name of a comma-separated list."""
    before, comma, last = incomplete.rpartition(",")
    is_list = isinstance(param, click.Option)
    candidates = fixers() if is_list else transforms().values()
    summaries = {transform.name: transform.summary for transform in candidates}
    given = set(before.split(","))
    return [
        CompletionItem(f"{before}{comma}{name}", help=summary)
        for name, summary in summaries.items()
        if name.startswith(last) and name not in given
    ]


def transform_options(
    ctx: click.Context,  # noqa: ARG001 - as above
    param: click.Parameter,  # noqa: ARG001 - as above
    incomplete: str,
) -> list[CompletionItem]:
    """Return the ``NAME.OPTION=`` that begin with *incomplete*."""
    return [
        CompletionItem(f"{fixer.name}.{option.name}=", help=option.help)
        for fixer in fixers()
        for option in fixer.settings
        if f"{fixer.name}.{option.name}=".startswith(incomplete)
    ]


def services(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - as above
    incomplete: str,
) -> list[CompletionItem]:
    """Return the ``SERVICE=`` that begin with *incomplete*, for the project in PATH."""
    try:
        path = Path(ctx.params.get("path") or ".")
        project = open_project(ProjectSelection(path)).project
    except (ComposerefactorError, OSError):
        return []
    names = {name for file in project.files.values() for name in file.services}
    return [CompletionItem(f"{name}=") for name in sorted(names) if name.startswith(incomplete)]
