"""Errors in the terminal: where, what, the line itself, and what to do."""

from __future__ import annotations

import sys

import click

from composerefactor.cli.terminal import style_for
from composerefactor.errors import ComposerefactorError
from composerefactor.verify.masking import mask_text

WIDEST = 160
"""More characters of a line are not shown."""


def show(error: ComposerefactorError) -> None:
    """Print *error* on stderr."""
    style = style_for(sys.stderr)
    where = f"{error.location}: " if error.location else ""
    click.echo(f"{style('error', 'red', 'bold')}  {where}{mask_text(error.message)}", err=True)
    if error.source_line.strip() and error.location:
        number = str(error.location.line)
        click.echo(f"       {style(f'{number} |', 'dim')} {_shown(error.source_line)}", err=True)
    if error.remedy:
        click.echo(f"       {style('->', 'cyan')} {error.remedy}", err=True)


def _shown(line: str) -> str:
    """Return *line* without secret values, cut where it is too long to read."""
    text = mask_text(line[: 10 * WIDEST])
    return text if len(text) <= WIDEST else f"{text[:WIDEST]} ..."
