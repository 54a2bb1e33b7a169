"""Errors that a user is meant to see; anything else that escapes is a bug.

::

    ComposerefactorError                 exit code 3
    ├── UsageError                       2   wrong usage, or no terminal where an answer is needed
    ├── InputError                       3   a file cannot be read, parsed or understood
    ├── RefusedError                     3   the input is fine, the change would not be safe
    ├── EngineError                      3   no engine, or it rejects the project as it stands
    └── ProofFailedError                 4   the engine resolves something else after the change
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Location(Struct, frozen=True):
    """A place in a file: *path* as the user knows it, *line* from 1, 0 for the whole file."""

    path: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


class ComposerefactorError(Exception):
    """Base of all errors that are shown without a traceback.

    *message* says what is wrong, *location* where, *remedy* what to do about it, and *source_line*
    is the text at the location, shown below the message.
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
    """The command line cannot be carried out as given."""

    exit_code = 2


class InputError(ComposerefactorError):
    """A file cannot be read, parsed or understood."""


class RefusedError(ComposerefactorError):
    """The input is understood, but the change would not be safe."""


class EngineError(ComposerefactorError):
    """There is no engine, or it rejects the project as it stands."""


class ProofFailedError(ComposerefactorError):
    """The engine resolves something else after the change; nothing was written."""

    exit_code = 4


def first_of(names: Sequence[str], most: int) -> str:
    """Return at most *most* of *names*, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
