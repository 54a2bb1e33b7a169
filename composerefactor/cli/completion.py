"""``composerefactor completion``."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from composerefactor.compose.origins import origins
from composerefactor.compose.project import Project
from composerefactor.compose.services import start_models
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


@click.command("completion", help=_HELP)
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
    candidates = fixers().values() if is_list else transforms().values()
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
        for fixer in fixers().values()
        for option in fixer.settings
        if f"{fixer.name}.{option.name}=".startswith(incomplete)
    ]


def services(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - as above
    incomplete: str,
) -> list[CompletionItem]:
    """Return the ``SERVICE=`` that begin with *incomplete*, for the project in PATH."""
    return [CompletionItem(f"{name}=") for name in _service_names(ctx, incomplete)]


def service_names(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - as above
    incomplete: str,
) -> list[CompletionItem]:
    """Return the services that begin with *incomplete*."""
    return [CompletionItem(name) for name in _service_names(ctx, incomplete)]


def service_keys(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - as above
    incomplete: str,
) -> list[CompletionItem]:
    """Return the keys that begin with *incomplete* in the service that is given."""
    project = _project(ctx)
    service = str(ctx.params.get("service"))
    models = start_models(project) if project else []
    keys = {
        line.key
        for model in models
        if service in model.services
        for line in origins(model.services[service])
    }
    return [CompletionItem(key) for key in sorted(keys) if key.startswith(incomplete)]


def _service_names(ctx: click.Context, incomplete: str) -> list[str]:
    project = _project(ctx)
    files = project.files.values() if project else ()
    names = {name for file in files for name in file.services}
    return [name for name in sorted(names) if name.startswith(incomplete)]


def _project(ctx: click.Context) -> Project | None:
    """Return the project in PATH, by default the current directory; None if there is none."""
    try:
        return open_project(ProjectSelection(Path(ctx.params.get("path") or "."))).project
    except (ComposerefactorError, OSError):
        return None
