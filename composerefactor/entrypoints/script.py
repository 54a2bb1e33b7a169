"""Lines that one shell runs, as sources give them and commands are read from them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from enum import Enum

from msgspec import Struct


class Dialect(Enum):
    """How variables are written: ``$X``; in make also ``$(X)``; in just and Task ``{{X}}``."""

    SHELL = "shell"
    MAKE = "make"
    TEMPLATE = "template"


class Line(Struct, frozen=True):
    """A logical line, continuations joined; *number* is that of its first physical line."""

    number: int
    text: str


class Script(Struct, frozen=True):
    """Lines of *path* that run one after another in one shell.

    *directories* are where it may have been started, likeliest first. *environment* holds what the
    source exports to it, *variables* what it defines without exporting; a name may have several
    values.
    """

    path: str
    lines: tuple[Line, ...]
    directories: tuple[str, ...] = (".",)
    environment: Mapping[str, str] = {}
    variables: Mapping[str, tuple[str, ...]] = {}
    dialect: Dialect = Dialect.SHELL


def logical_lines(text: str, first: int = 1) -> list[Line]:
    """Split *text* into lines, joined where one ends in a backslash; *first* numbers the first."""
    lines: list[Line] = []
    parts: list[str] = []
    start = first
    for number, raw in enumerate(text.split("\n"), start=first):
        line = raw.removesuffix("\r")
        if not parts:
            start = number
        bare = line.rstrip()
        if bare.endswith("\\") and not bare.endswith("\\\\"):
            parts.append(bare[:-1])
            continue
        parts.append(line)
        lines.append(Line(start, " ".join(parts)))
        parts = []
    if parts:
        lines.append(Line(start, " ".join(parts)))
    return lines


def directory_of(path: str) -> str:
    """Return the directory of the file *path*; ``.`` is the project directory."""
    return posixpath.dirname(path) or "."


def ancestors(path: str, *, nearest_first: bool = False) -> tuple[str, ...]:
    """Return where a script may be started: the project directory, then from its own one upwards.

    With *nearest_first* its own directory comes first and the project directory last.
    """
    found: list[str] = []
    directory = directory_of(path)
    while directory != ".":
        found.append(directory)
        directory = directory_of(directory)
    return (*found, ".") if nearest_first else (".", *found)
