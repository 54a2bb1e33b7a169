"""Calls of Compose as they stand in a text: where their options are, to the character.

What a command means is read in :mod:`composerefactor.entrypoints`, from text in which variables are
replaced and quotes are gone. Here the same words are found where they are written: in a shell
line, a recipe, a string of JSON or YAML, inline code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

_CONTINUED = re.compile(r"\\[ \t]*\r?\n")
_FOLDED = re.compile(r":[ \t]+>[-+]?[ \t]*\r?\n(?P<indent>[ ]+)(?=[^ \r\n])")
_ENDS = frozenset("\r\n;&|)`")


class Span(Struct, frozen=True):
    """Characters ``start:end`` of a text."""

    start: int
    end: int


def unfolded(text: str) -> str:
    """Return the YAML *text*, as long as before, with each folded scalar (``>``) on one line."""
    parts, at = [], 0
    for match in _FOLDED.finditer(text):
        start = match.end()
        block = re.compile(rf"(?:{re.escape(match['indent'])}(?=[^ \t\r\n])[^\n]*\n?)+")
        found = block.match(text, start - len(match["indent"]))
        if found is not None and start > at:
            body = found.group().rstrip("\r\n")
            parts += [text[at : found.start()], body.replace("\n", " ").replace("\r", " ")]
            at = found.start() + len(body)
    return "".join([*parts, text[at:]])


def logical_end(text: str, start: int) -> int:
    """Return the offset just after the logical line at *start*, its line end left out."""
    while True:
        end = text.find("\n", start)
        if end < 0:
            return len(text)
        line = text[start:end].rstrip()
        if not line.endswith("\\") or line.endswith("\\\\"):
            return end
        start = end + 1


def words(text: str, at: int, end: int, closing: str) -> Iterator[Span]:
    """Yield the words from *at* to the end of the command, or to a quote of *closing*."""
    while at < end:
        char = text[at]
        if line_end := _CONTINUED.match(text, at):
            at = line_end.end()
        elif char in " \t":
            at += 1
        elif char in _ENDS or char in closing:
            return
        else:
            start, at = at, _word_end(text, at, end, closing)
            if at == start:
                return
            yield Span(start, at)


def _word_end(text: str, at: int, end: int, closing: str) -> int:
    while at < end:
        char = text[at]
        if char in " \t" or char in _ENDS or char in closing or _CONTINUED.match(text, at):
            break
        if text.startswith(("$(", "${", "{{"), at):
            at = _after(text, at, end)
        elif char == "\\":
            if text[at + 1 : at + 2] not in {'"', "'"}:
                at += 2
                continue
            mark = text[at : at + 2]
            other = text.find(mark, at + 2, end)
            if other < 0:
                break
            at = other + 2
        elif char in "\"'":
            other = text.find(char, at + 1, end)
            at = at + 1 if other < 0 else other + 1
        else:
            at += 1
    return min(at, end)


def _after(text: str, at: int, end: int) -> int:
    """Return the offset just after the variable or substitution that begins at *at*."""
    opening = text[at + 1]
    closing = ")" if opening == "(" else "}"
    depth = 0
    for i in range(at + 1, end):
        depth += (text[i] == opening) - (text[i] == closing)
        if not depth:
            # "{{X}}" begins at its first brace, which has not been counted.
            return min(i + 1 + (text[at] == "{"), end)
    return end


def open_quotes(text: str, start: int, at: int) -> str:
    """Return the quotes that are open at *at*, in the line that begins at *start*.

    Those around a ``$(...)`` do not end what is in it.
    """
    opened: list[str] = []
    while start < at:
        char = text[start]
        if char == "\\":
            start += 2
            continue
        if text.startswith("$(", start):
            opened.append("(")
        elif char == ")" and "(" in opened:
            del opened[len(opened) - 1 - opened[::-1].index("(") :]
        elif char in "\"'":
            inner = opened[len(opened) - opened[::-1].index("(") :] if "(" in opened else opened
            if char in inner:
                del opened[len(opened) - len(inner) + inner.index(char) :]
            else:
                opened.append(char)
        start += 1
    return "".join(opened).rpartition("(")[2]


_OPTION = r"-{1,2}[\w-]{1,40}(?:[= \t][^\s-][^\s]{0,200})?"
_PROGRAM = re.compile(
    r"(?<![\w.-])(?:(?:docker|podman|nerdctl)(?:\.exe)?"
    rf"(?:[ \t]+{_OPTION})*?[ \t]+compose|(?:docker|podman)-compose(?:-v[12])?(?:\.exe)?)"
    r"(?![\w./-])"
)
_NAME = r"[A-Za-z_]\w{0,80}"
VARIABLE = re.compile(
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


_DEFINITION = re.compile(
    r"(?:^[ \t]*(?:-[ \t]+)?|[;&|({][ \t]*|\b(?:then|else|do)[ \t]+)"
    r"(?:(?:export|local|readonly|override|declare(?:[ \t]+-\w+)?)[ \t]+)?"
    r"[\"']?([A-Za-z_]\w{0,80})[\"']?[ \t]{0,40}(?:\+=|\?=|:{0,2}=|:(?=[ \t]))[ \t]*",
    re.MULTILINE,
)
_NAMES_COMPOSE = re.compile(r"D_?C|\w*COMPOSE\w*", re.IGNORECASE)


class Definitions:
    """The values that *text* gives to variables; *appended* are those that add to another one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.appended: set[Span] = set()
        self._values: dict[str, list[Span]] = {}
        for match in _DEFINITION.finditer(text):
            value = Span(match.end(), logical_end(text, match.end()))
            self._values.setdefault(match.group(1), []).append(value)
            if "+=" in match.group():
                self.appended.add(value)

    def values(self, name: str) -> Sequence[Span]:
        """Return where the values of *name* stand."""
        return self._values.get(name, ())

    def reached(self, names: Iterable[str]) -> Iterator[Span]:
        """Yield the values of *names*, and of the variables in them, each once."""
        pending, seen = list(names), set[str]()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            for value in self.values(name):
                yield value
                pending += names_in(self.text, value)

    def groups(self, value: Span) -> Iterator[Options]:
        """Yield the calls in a definition, and the options that it is."""
        line = self.text.rfind("\n", 0, value.start) + 1
        calls = invocations(self.text, value.start, value.end, self.is_program)
        yield from (call for call in calls if call.files)
        start = value.start
        while start < value.end and self.text[start] in "\"'( \t":
            start += 1
        if self.text.startswith("-", start):
            found = options(self.text, line, start, value.end, None)
            if found.files:
                yield found

    def is_program(self, name: str) -> bool:
        """Return whether the variable *name* holds a call of Compose, or is called as if.

        The call may begin with another such variable, as in ``PROD = $(COMPOSE) -f prod.yml``.
        """
        return self._is_program(name, frozenset())

    def _is_program(self, name: str, trail: frozenset[str]) -> bool:
        values, seen = self.values(name), trail | {name}

        def begins(other: str) -> bool:
            return other not in seen and self._is_program(other, seen)

        if any(invocations(self.text, v.start, v.end, begins) for v in values):
            return True
        return not values and _NAMES_COMPOSE.fullmatch(name) is not None

    def names_files(self, call: Options) -> bool:
        """Return whether the variables in *call* bring files."""
        names = [*call.variables, *([call.program] if call.program else [])]
        return any(any(self.groups(value)) for value in self.reached(names))


def names_in(text: str, span: Span) -> list[str]:
    """Return the variables that ``text[span]`` refers to."""
    return [variable_name(match) for match in VARIABLE.finditer(text, span.start, span.end)]
