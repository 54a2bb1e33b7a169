"""Calls of Compose as they stand in a text: where their options are, to the character.

What a command means is read in :mod:`composerefactor.entrypoints`, from text in which variables are
replaced and quotes are gone. Here the same words are found where they are written: in a shell
line, a recipe, a string of JSON or YAML, inline code.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from composerefactor.moving.lines import Span, open_quotes, words
from composerefactor.patterns import regex

_OPTION = r"-{1,2}[\w-]{1,40}(?:[= \t][^\s-][^\s]{0,200})?"
_PROGRAM = regex(
    r"(?<![\w.-])(?:(?:docker|podman|nerdctl)(?:\.exe)?"
    rf"(?:[ \t]+{_OPTION})*?[ \t]+compose|(?:docker|podman)-compose(?:-v[12])?(?:\.exe)?)"
    r"(?![\w./-])"
)
_NAME = r"[A-Za-z_]\w{0,80}"
VARIABLE = regex(
    rf"\$\(({_NAME})\)|\$\{{({_NAME})[^{{}}]{{0,200}}\}}|\$({_NAME})"
    rf"|\{{\{{-?\s{{0,9}}\.?({_NAME})[^{{}}]{{0,80}}\}}\}}"
)
_FILE = frozenset({"-f", "--file"})
_DIRECTORY = frozenset({"--project-directory", "--workdir"})
_WITH_VALUE = (
    _FILE
    | _DIRECTORY
    | frozenset({"-p", "--project-name", "--env-file", "--profile", "--ansi", "--progress"})
    | frozenset({"--parallel", "-c", "--context", "-H", "--host", "--log-level"})
)


class Options(Struct, frozen=True):
    """The options of one call; *files* are the values of ``-f``, quotes included.

    *start* is where they begin, *first* where the first ``-f`` stands. *program* is the name of the
    variable that holds the program, ``""`` for a program that is written out, and None for options
    without one. *variables* are the names that stand for further options.
    """

    start: int
    program: str | None
    first: int
    files: tuple[Span, ...]
    variables: tuple[str, ...]
    names_directory: bool
    subcommand: str


def invocations(
    text: str, start: int, end: int, is_program: Callable[[str], bool]
) -> list[Options]:
    """Return the calls in ``text[start:end]``, in order.

    *is_program* tells whether the variable of a name holds a program.
    """
    found: dict[int, str] = {m.end(): "" for m in _PROGRAM.finditer(text, start, end)}
    for match in VARIABLE.finditer(text, start, end):
        name = variable_name(match)
        if is_program(name):
            found[match.end()] = name
    return [
        options(text, start, _after_quote(text, at), end, program)
        for at, program in sorted(found.items())
    ]


def options(text: str, line: int, start: int, end: int, program: str | None) -> Options:
    """Return the options that begin at *start* in the logical line ``text[line:end]``."""
    files: list[Span] = []
    variables: list[str] = []
    first, names_directory, subcommand = -1, False, ""
    found = words(text, start, end, open_quotes(text, line, start))
    for word in found:
        raw = text[word.start : word.end]
        if not raw.lstrip("\"'\\").startswith("-"):
            match = VARIABLE.fullmatch(raw.strip("\"'\\"))
            if match is None:
                subcommand = raw.strip("\"'\\,")
                break
            variables.append(variable_name(match))
            continue
        name, value = _option(raw, word)
        if name in _WITH_VALUE and value is None:
            value = next(found, None)
        names_directory = names_directory or name in _DIRECTORY
        if name in _FILE and value is not None:
            first = word.start if first < 0 else first
            files.append(value)
    return Options(
        start, program, first, tuple(files), tuple(variables), names_directory, subcommand
    )


def variable_name(match: re.Match[str]) -> str:
    """Return the name that a match of :data:`VARIABLE` refers to."""
    return next(group for group in match.groups() if group)


def _option(raw: str, word: Span) -> tuple[str, Span | None]:
    """Return the name of an option, and its value where that is in the same word."""
    quotes = len(raw) - len(raw.lstrip("\"'\\"))
    bare = raw[quotes:]
    if bare.startswith("--"):
        name, equals, _ = bare.partition("=")
        at = word.start + quotes + len(name) + 1
        return name.rstrip("\"'\\"), Span(at, word.end) if equals else None
    if bare[:2] == "-f" and len(bare) > 2:  # noqa: PLR2004
        at = word.start + quotes + 2 + bare[2:].startswith("=")
        return "-f", Span(at, word.end)
    return bare.rstrip("\"'\\"), None


def _after_quote(text: str, at: int) -> int:
    """Return *at*, or the offset after the quote there: ``"$COMPOSE" up``."""
    start = max(text.rfind("$", 0, at), 0)
    is_variable = VARIABLE.fullmatch(text, start, at) is not None
    quoted = text[start - 1 : start] in {'"', "'"} and text[start - 1 : start] == text[at : at + 1]
    return at + 1 if is_variable and quoted else at
