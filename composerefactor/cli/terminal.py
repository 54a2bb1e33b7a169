"""What the terminal can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import click

from composerefactor.compose.secrets import mask_text
from composerefactor.errors import ComposerefactorError, Location, UsageError
from composerefactor.report.text import Style


def style_for(stream: IO[Any] | None, *, no_color: bool = False) -> Style:
    """Return a style with colours if *stream* is a terminal that wants them (``NO_COLOR``)."""
    plain = no_color or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return Style(colour=not plain and stream is not None and stream.isatty())


def deliver(result: bytes, output: Path | None) -> None:
    """Write *result* to the file *output*, or to stdout where none is given.

    Raises UsageError where the file cannot be written.
    """
    if output is None:
        sys.stdout.buffer.write(result)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(result)
    except OSError as error:
        raise UsageError(
            f"the result cannot be written: {error.strerror}", location=Location(str(output))
        ) from None


def is_interactive() -> bool:
    """Return whether a person can be asked."""
    return all(s is not None and s.isatty() for s in (sys.stdin, sys.stderr))


def progress(*, quiet: bool) -> Callable[[int, int], None] | None:
    """Return a callback that shows how far the engine runs are, on a terminal."""
    return counting("proving:", "engine runs", quiet=quiet)


def counting(verb: str, noun: str, *, quiet: bool) -> Callable[[int, int], None] | None:
    """Return a callback that shows how many of all are done, on a terminal."""
    if quiet or not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        end = "\r" if done < total else "\r\x1b[K"
        words = f"{verb} {done} of {total} {noun}" if done < total else ""
        click.echo(f"\r\x1b[K{words}{end if done >= total else ''}", err=True, nl=False)

    return show


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
