"""What the commands print on a terminal: colours, progress, results, errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from composerefactor.compose.masking import GENERAL, Masking
from composerefactor.errors import ComposerefactorError, Location, UsageError
from composerefactor.report.text import Style

if TYPE_CHECKING:
    from composerefactor.proof.staging import Progress


def style_for(stream: IO[Any] | None, *, no_color: bool = False) -> Style:
    """Return a style, with colours if *stream* is a terminal and ``NO_COLOR`` is not set."""
    plain = no_color or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return Style(colour=not plain and stream is not None and stream.isatty())


def deliver(result: bytes, output: Path | None) -> None:
    """Write *result* to the file *output*, or to stdout if it is None.

    Raises UsageError if the file cannot be written.
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
    """Return whether the user can be prompted."""
    return all(s is not None and s.isatty() for s in (sys.stdin, sys.stderr))


def progress(*, quiet: bool) -> Progress | None:
    """Return a callback that shows what Docker Compose resolves, on a terminal; else None."""
    if quiet or not sys.stderr.isatty():
        return None

    def show(done: int, total: int, what: str) -> None:
        _show_count(f"verifying {what}:", "runs", done, total)

    return show


def counting(verb: str, noun: str, *, quiet: bool) -> Callable[[int, int], None] | None:
    """Return a callback that shows ``VERB done of total NOUN`` on a terminal, else None."""
    if quiet or not sys.stderr.isatty():
        return None
    return partial(_show_count, verb, noun)


def _show_count(verb: str, noun: str, done: int, total: int) -> None:
    """Show the count in place of the one before; nothing when all are done."""
    line = f"{verb} {done} of {total} {noun}\r" if done < total else ""
    click.echo(f"\r\x1b[K{line}", err=True, nl=False)


@contextmanager
def masked_errors(masking: Masking) -> Iterator[None]:
    """Mask the secrets that *masking* knows in an error that leaves the context."""
    try:
        yield
    except ComposerefactorError as error:
        error.message, error.remedy = masking.message(error.message), masking.message(error.remedy)
        error.source_line = masking.message(error.source_line)
        raise


WIDEST = 160
"""Longer lines of a file are cut in error messages."""


def show(error: ComposerefactorError) -> None:
    """Print *error* on stderr: place, message, the line of the file, and what to do."""
    style = style_for(sys.stderr)
    place = f"{error.location}: " if error.location else ""
    click.echo(f"{style('error', 'red', 'bold')}  {place}{GENERAL.text(error.message)}", err=True)
    if error.source_line.strip() and error.location:
        number = str(error.location.line)
        click.echo(f"       {style(f'{number} |', 'dim')} {_masked(error.source_line)}", err=True)
    if error.remedy:
        click.echo(f"       {style('->', 'cyan')} {error.remedy}", err=True)


def _masked(line: str) -> str:
    """Return *line* with secret values masked, cut if it is too long."""
    text = GENERAL.lines([line[: 10 * WIDEST]])[0]
    return text if len(text) <= WIDEST else f"{text[:WIDEST]} ..."
