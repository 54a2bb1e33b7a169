"""Where the user and the project are, for the paths and commands that a result names."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from msgspec import Struct


class Place(Struct, frozen=True):
    """Where the user and the project are.

    Attributes:
        directory: The project directory, absolute.
        prefix: What to put before a path of the project so that it leads there from the user's
            working directory: ``""`` or with a slash at its end.
        path: The path of the project as arguments of a command; none for the current directory.
        start_commands: The options of the command line that select start commands.
        found_below: The directory in which the project is, below the one that the user gave; else
            ``""``.
    """

    directory: str
    prefix: str = ""
    path: Sequence[str] = ()
    start_commands: Sequence[str] = ()
    found_below: str = ""

    def command(self, *words: str) -> str:
        """Return the command line of this tool with *words*, for the same project."""
        return shlex.join(["composerefactor", *words, *self.path, *self.start_commands])

    @property
    def undo(self) -> str:
        """The command line that reverts the last run in the project."""
        return shlex.join(["composerefactor", "undo", *self.path])
