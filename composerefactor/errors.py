"""Errors that are shown to the user. Any other exception that reaches the user is a bug.

::

    ComposerefactorError                 exit code 3
    ├── UsageError                       2   wrong usage, or no terminal to prompt on
    ├── InputError                       3   a file cannot be read, parsed or understood
    ├── RefusedError                     3   the input is valid, but the change would not be safe
    ├── EngineError                      3   Docker Compose is missing, or rejects the project
    └── ProofFailedError                 4   the resolved configuration differs after the change

:func:`first_of` shortens a list of names in a message, :func:`did_you_mean` suggests one of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from msgspec import Struct


class Location(Struct, frozen=True, rename={"path": "file"}):
    """A place in a file: *path* as the user knows it, and *line* from 1, or 0 for the file."""

    path: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


class ComposerefactorError(Exception):
    """The base class of all errors that are shown without a traceback.

    Attributes:
        message: What is wrong.
        location: Where it is, or None.
        remedy: What to do about it, or ``""``.
        source_line: The text at the location, shown below the message, or ``""``.
        exit_code: The exit code of the program.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        location: Location | None = None,
        remedy: str = "",
        source_line: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.remedy = remedy
        self.source_line = source_line

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return where + self.message


class UsageError(ComposerefactorError):
    """The command line is wrong, or a prompt is needed and there is no terminal."""

    exit_code = 2


class InputError(ComposerefactorError):
    """A file cannot be read, parsed or understood."""


class RefusedError(ComposerefactorError):
    """The input is valid, but the change would not be safe."""


class EngineError(ComposerefactorError):
    """Docker Compose is missing, or rejects the project before any change."""


class ProofFailedError(ComposerefactorError):
    """The resolved configuration differs after the change; nothing was written."""

    exit_code = 4


def first_of(names: Sequence[str], most: int) -> str:
    """Return the first *most* of *names*, separated by commas, and the number of the others.

    For example, ``first_of(["a", "b", "c"], 2)`` returns ``a, b and 1 more``.
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def enumerated(names: Iterable[object], most: int | None = None) -> str:
    """Return *names* in words: ``a, b and c``; the others of more than *most* are only counted."""
    texts = [str(name) for name in names]
    if most is not None and len(texts) > most:
        return first_of(texts, most)
    *before, last = texts
    return f"{', '.join(before)} and {last}" if before else last


def shortened(text: str, most: int) -> str:
    """Return *text*, cut to *most* characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def did_you_mean(
    name: str, known: Iterable[str], otherwise: str = "", most: int | None = None
) -> str:
    """Return a remedy for *name*, which is not one of *known*: the one that it resembles.

    If there is none, all of them, after the word or words *otherwise*; ``""`` for more than *most*.
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    is_short = most is None or len(names) <= most
    return f"{otherwise} {', '.join(names)}" if is_short else ""
