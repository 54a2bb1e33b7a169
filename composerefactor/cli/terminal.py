"""What the commands print on a terminal: colours, progress, results, errors."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from composerefactor.compose.masking import GENERAL
from composerefactor.errors import ComposerefactorError, Location, UsageError, shortened
from composerefactor.report.text import Place, Style, shown_line, shown_text, wrapped

if sys.platform != "win32":
    import termios

if TYPE_CHECKING:
    from composerefactor.planning.opening import ProjectSelection
    from composerefactor.proof.staging import Progress


_TERMINALS_WITH_LINKS = frozenset(
    {"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "WarpTerminal", "Tabby"}
)
"""Values of TERM_PROGRAM; from https://github.com/Alhadis/OSC8-Adoption."""

_SIGNS_OF_LINKS = ("WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "DOMTERM", "ALACRITTY_LOG")
"""Variables that only terminals with links set; from the same list."""

_FIRST_VTE_WITH_LINKS = 5000
"""VTE 0.50, as it writes its version into VTE_VERSION (GNOME Terminal, Tilix and others)."""

_COLUMNS = 80


def style_for(stream: IO[Any] | None, *, no_color: bool = False) -> Style:
    """Return a style with colours and links if *stream* is a terminal that has them.

    There are none if ``NO_COLOR`` is set.
    """
    plain = no_color or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    is_plain = plain or stream is None or not stream.isatty()
    return Style(colour=not is_plain, links=not is_plain and _has_links(os.environ))


def _has_links(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal shows links (OSC 8); others may print their escape sequences."""
    vte = environ.get("VTE_VERSION", "")
    return (
        environ.get("TERM_PROGRAM") in _TERMINALS_WITH_LINKS
        or any(name in environ for name in _SIGNS_OF_LINKS)
        or (vte.isdigit() and int(vte) >= _FIRST_VTE_WITH_LINKS)
    )


def page(text: str) -> None:
    """Show *text*, made by a function ``shown_...``, on stdout; on a terminal in a pager.

    As in git, less stays only if the text is longer than the screen, and shows colours.
    """
    os.environ.setdefault("LESS", "FRX")
    click.echo_via_pager(text)


def place_of(chosen: ProjectSelection, root: Path) -> Place:
    """Return where the project directory *root* is for a user who gave *chosen*."""
    given = chosen.path
    below = os.path.relpath(root, given.resolve())
    shown = given if below == "." else given / below
    prefix = "" if shown == Path() else f"{shown.as_posix()}/"
    path = [] if given == Path() else [str(given)]
    options = {"-f": chosen.file, "--entry": chosen.entry, "--env-file": chosen.env_file}
    words = [word for option, values in options.items() for v in values for word in (option, v)]
    return Place(
        str(root.resolve()), prefix, path, words, found_below="" if below == "." else below
    )


def say(line: str) -> None:
    """Print *line* on stderr; what in it would control the terminal is neutralised."""
    click.echo(shown_line(line), err=True)


def deliver(result: str, output: Path | None) -> None:
    """Write *result*, made by a function ``shown_...``, to *output*, or to stdout if it is None.

    Raises UsageError if the file cannot be written.
    """
    _deliver(result.encode("utf-8", "replace"), output)


def deliver_patch(patch: bytes, output: Path | None) -> None:
    """Write *patch* byte for byte as :func:`deliver` does, but neutralised to a terminal.

    Raises UsageError if the file cannot be written.
    """
    if output is None and sys.stdout.isatty():
        patch = shown_text(patch.decode("utf-8", "replace")).encode()
    _deliver(patch, output)


def _deliver(result: bytes, output: Path | None) -> None:
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


def fitted(lines: Iterable[str], output: Path | None) -> Iterator[str]:
    """Yield *lines*, not yet neutralised, wrapped between words if they go to a terminal."""
    if output is not None or not sys.stdout.isatty():
        yield from lines
        return
    width = shutil.get_terminal_size().columns
    for line in lines:
        yield from wrapped(line, width)


def is_interactive() -> bool:
    """Return whether the user can be prompted."""
    return all(s is not None and s.isatty() for s in (sys.stdin, sys.stderr))


def columns(output: Path | None) -> int:
    """Return the columns of the terminal; 80 if the result does not go to a terminal."""
    if output is not None or not sys.stdout.isatty():
        return _COLUMNS
    return max(shutil.get_terminal_size((_COLUMNS, 24)).columns, _COLUMNS // 2)


@contextmanager
def progress(*, quiet: bool, no_color: bool = False) -> Iterator[Progress | None]:
    """Show on a terminal, from the start, what is done and the time that is left.

    The callback that it returns is for the runs of Docker Compose; it is None without a terminal.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    # rich is slow to import, and help does not need it
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Display  # noqa: PLC0415

    reading = (SpinnerColumn(), TextColumn("{task.description}"))
    verifying = (
        *reading,
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    style = style_for(sys.stderr, no_color=no_color)
    console = Console(stderr=True, highlight=False, no_color=not style.colour)
    with Display(
        *reading, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as display:
        task = display.add_task("reading the project", total=None)

        def show(done: int, total: int, what: str) -> None:
            text = f"verifying {what} with Docker Compose"
            display.columns = verifying  # while the project is read, nothing is counted
            if done == 0:  # another batch of runs
                display.reset(task, total=total, description=text)
            display.update(task, completed=done, total=total, description=text)

        yield show


def discard_typed_ahead() -> None:
    """Forget the keys that were pressed before a question was asked: they do not answer it."""
    if sys.platform != "win32" and sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def overwrite(line: str) -> None:
    """Show *line*, cut to the terminal, in place of the one before; the next one replaces it."""
    fitting = shortened(line, shutil.get_terminal_size().columns - 1)
    click.echo(f"\r\x1b[K{fitting}\r", err=True, nl=False)


def counting_projects(*, quiet: bool) -> Callable[[int, int], None] | None:
    """Return a callback that shows how many projects are analysed on a terminal, else None."""
    if quiet or not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        overwrite(f"analysed {done} of {total} projects" if done < total else "")

    return show


WIDEST = 160
"""Longer lines of a file are cut in error messages."""


def show(error: ComposerefactorError) -> None:
    """Print *error* on stderr."""
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    for line in error_lines(error, style_for(sys.stderr), width):
        click.echo(line, err=True)


def error_lines(error: ComposerefactorError, style: Style, width: int | None = None) -> list[str]:
    """Return the place and the message of *error*, the line of the file, and what to do.

    Secrets are masked, and what would control a terminal is neutralised. Text is wrapped to *width*
    columns if it is given; the line of the file is not.
    """
    place = f"{error.location}: " if error.location else ""
    first, *others = GENERAL.text(error.message).splitlines() or [""]

    def fitted(*lines: str) -> list[str]:
        return [part for line in lines for part in (wrapped(line, width) if width else [line])]

    label = style("error", "red", "bold")
    lines = fitted(f"{label}  {place}{first}", *(f"       {other}" for other in others))
    source = GENERAL.lines([error.source_line[: 10 * WIDEST]])[0]
    if source.strip() and error.location:
        cut = source if len(source) <= WIDEST else f"{source[:WIDEST]} ..."
        lines.append(f"       {style(f'{error.location.line} |', 'dim')} {cut}")
    if error.remedy:
        lines += fitted(f"       {style('->', 'cyan')} {GENERAL.text(error.remedy)}")
    return [shown_line(line) for line in lines]
