"""What a shell offers as values of options; nothing is offered where anything is wrong."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from composerefactor.errors import ComposerefactorError


def transform_names(
    ctx: click.Context,  # noqa: ARG001 - what click calls it with
    param: click.Parameter,
    incomplete: str,
) -> list[CompletionItem]:
    """Offer transforms, for each part of a list with commas."""
    from composerefactor.registry import mendings, transforms  # noqa: PLC0415 - see cli/__init__.py

    before, comma, last = incomplete.rpartition(",")
    is_list = isinstance(param, click.Option)
    found = {each.name: each.summary for each in (mendings() if is_list else transforms().values())}
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
    from composerefactor.registry import mendings  # noqa: PLC0415 - as above

    return [
        CompletionItem(f"{each.name}.{option.name}=", help=option.help)
        for each in mendings()
        for option in each.settings
        if f"{each.name}.{option.name}=".startswith(incomplete)
    ]


def services(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - as above
    incomplete: str,
) -> list[CompletionItem]:
    """Offer ``SERVICE=`` for the services of the project in PATH."""
    from composerefactor.proposal.opening import Choice, open_project  # noqa: PLC0415 - as above

    try:
        path = Path(ctx.params.get("path") or ".")
        project = open_project(Choice(path)).project
    except (ComposerefactorError, OSError):
        return []
    names = {name for file in project.files.values() for name in file.services}
    return [CompletionItem(f"{name}=") for name in sorted(names) if name.startswith(incomplete)]
