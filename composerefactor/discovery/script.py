"""Lines that one shell runs, and the values of the variables in them.

Unknown values stay in the text as marks: see :data:`OPEN`, :data:`CLOSE` and :data:`ROOT`.

A :class:`LocatedText` is a str that knows where each of its characters is written in a file. Parts
of it are LocatedTexts, too, so that the readers of this package work alike on text with and without
offsets, and what they return can be rewritten where it is written. An operation that is not defined
here returns a str without offsets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Self, SupportsIndex, overload

from msgspec import Struct

from composerefactor.compose.paths import directory_of

NO_OFFSET = -1
"""The offset of a character that is not written in the file."""


class LocatedText(str):
    """A text with offsets; equal to the str with the same characters.

    Attributes:
        starts: For each character the offset where it is written. In the value of a variable that
            is in the definition, in a mark for an unknown value the reference itself.
        ends: For each character the offset after it. For the value of a variable that is the end of
            the reference, the outermost of several.
        start: The offset where the text begins, including a quote.
        end: The offset where it ends, including a quote.
    """

    __slots__ = ("end", "ends", "start", "starts")

    starts: Sequence[int]
    ends: Sequence[int]
    start: int
    end: int

    def __new__(
        cls,
        text: str,
        starts: Sequence[int],
        ends: Sequence[int],
        span: tuple[int, int] | None = None,
    ) -> Self:
        """Return *text* with *starts* and *ends*; *span* are its start and end."""
        located = super().__new__(cls, text)
        located.starts, located.ends = starts, ends
        inner = (starts[0], ends[-1]) if starts else (NO_OFFSET, NO_OFFSET)
        located.start, located.end = inner if span is None else span
        return located

    @classmethod
    def of_file(cls, text: str) -> Self:
        """Return the content *text* of a file; a byte-order mark is not counted."""
        first = -text.startswith("\ufeff")
        size = first + len(text)
        return cls(text, range(first, size), range(first + 1, size + 1))

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> str: ...
    @overload
    def __getitem__(self, key: slice, /) -> LocatedText: ...
    @overload
    def __getitem__(self, key: SupportsIndex | slice, /) -> str: ...

    def __getitem__(self, key: SupportsIndex | slice, /) -> str:
        part = super().__getitem__(key)
        if not isinstance(key, slice):
            return part
        first, last, step = key.indices(len(self))
        if (first, last, step) == (0, len(self), 1):
            return self
        starts, ends = self.starts[key], self.ends[key]
        if not part:
            return LocatedText("", starts, ends)
        # A quote before the first character belongs to the part: of -f"x" the value is "x".
        start = self.ends[first - 1] if first else self.start
        end = self.end if last >= len(self) else ends[-1]
        return LocatedText(part, starts, ends, (start, end))

    def lstrip(self, chars: str | None = None, /) -> LocatedText:
        """As :meth:`str.lstrip`."""
        return self[len(self) - len(super().lstrip(chars)) :]

    def rstrip(self, chars: str | None = None, /) -> LocatedText:
        """As :meth:`str.rstrip`."""
        return self[: len(super().rstrip(chars))]

    def strip(self, chars: str | None = None, /) -> LocatedText:
        """As :meth:`str.strip`."""
        return self.lstrip(chars).rstrip(chars)

    def removeprefix(self, prefix: str, /) -> LocatedText:
        """As :meth:`str.removeprefix`."""
        return self[len(self) - len(super().removeprefix(prefix)) :]

    def removesuffix(self, suffix: str, /) -> LocatedText:
        """As :meth:`str.removesuffix`."""
        return self[: len(super().removesuffix(suffix))]

    def partition(self, separator: str, /) -> tuple[LocatedText, LocatedText, LocatedText]:
        """As :meth:`str.partition`."""
        at = self.find(separator)
        if at < 0:
            return self, self[:0], self[:0]
        end = at + len(separator)
        return self[:at], self[at:end], self[end:]

    def split(self, separator: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        """As :meth:`str.split`."""
        parts: list[str] = []
        at = 0
        for part in super().split(separator, maxsplit):
            at = self.index(part, at)
            parts.append(self[at : at + len(part)])
            at += len(part) + len(separator or "")
        return parts


def joined(separator: str, parts: Iterable[str]) -> str:
    """Return *parts* joined by *separator*, with the offsets of those that have any."""
    texts = list(parts)
    if not any(isinstance(text, LocatedText) for text in texts):
        return separator.join(texts)
    starts: list[int] = []
    ends: list[int] = []
    for number, text in enumerate(texts):
        if number:
            starts += [NO_OFFSET] * len(separator)
            ends += [NO_OFFSET] * len(separator)
        if isinstance(text, LocatedText):
            starts += text.starts
            ends += text.ends
        else:
            starts += [NO_OFFSET] * len(text)
            ends += [NO_OFFSET] * len(text)
    return LocatedText(separator.join(texts), starts, ends)


def replaced(
    pattern: str | re.Pattern[str], replacement: Callable[[re.Match[str]], str | None], text: str
) -> str:
    """Return *text* with each match of *pattern* replaced; one with the replacement None stays.

    A replacement without offsets is located where the match is written. One with offsets keeps
    its starts, and ends where the match ends.
    """
    if not isinstance(text, LocatedText):
        return re.sub(pattern, lambda match: _or_same(replacement(match), match), text)
    parts: list[str] = []
    at = 0
    for match in re.finditer(pattern, text):
        new = replacement(match)
        start, end = match.span()
        if new is None or start == end:
            continue
        parts.append(text[at:start])
        at = end
        whole = text[start:end]
        size = len(new)
        starts = new.starts if isinstance(new, LocatedText) else [whole.starts[0]] * size
        parts.append(LocatedText(new, starts, [whole.ends[-1]] * size))
    return joined("", [*parts, text[at:]]) if parts else text


def part(match: re.Match[str], group: int | str) -> str:
    """Return what *group* of *match* matches, with offsets where the searched text has them."""
    return match.string[slice(*match.span(group))]


def _or_same(replacement: str | None, match: re.Match[str]) -> str:
    return match.group() if replacement is None else replacement


class Dialect(Enum):
    """How variables are written: ``$X``; in make also ``$(X)``; in just and Task ``{{X}}``."""

    SHELL = "shell"
    MAKE = "make"
    TEMPLATE = "template"


class Line(Struct, frozen=True):
    """A logical line, with continued lines joined; *number* is that of its first line."""

    number: int
    text: str


class Script(Struct, frozen=True):
    """Lines of a file that run one after another in one shell.

    Attributes:
        path: The file.
        lines: The lines.
        directories: The directories where it may be started, most likely first.
        environment: The variables that the file exports to the shell.
        variables: The variables that it defines without exporting them; each may have several
            values.
        dialect: How variables are written.
    """

    path: str
    lines: tuple[Line, ...]
    directories: tuple[str, ...] = (".",)
    environment: Mapping[str, str] = {}
    variables: Mapping[str, tuple[str, ...]] = {}
    dialect: Dialect = Dialect.SHELL


def logical_lines(text: str, first: int = 1) -> list[Line]:
    """Split *text* into lines, and join those that end in a backslash with the next.

    *first* is the number of the first line.
    """
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
        lines.append(Line(start, joined(" ", parts)))
        parts = []
    if parts:
        lines.append(Line(start, joined(" ", parts)))
    return lines


def ancestors(path: str, *, nearest_first: bool = False) -> tuple[str, ...]:
    """Return the directories where the script *path* may be started.

    These are the project directory, then its own directory and those above. With *nearest_first*,
    the project directory is last.
    """
    directories: list[str] = []
    directory = directory_of(path)
    while directory != ".":
        directories.append(directory)
        directory = directory_of(directory)
    return (*directories, ".") if nearest_first else (".", *directories)


ROOT = "\ue000"
"""The mark in expanded text for the absolute path of the project directory."""
OPEN, CLOSE = "\ue001", "\ue002"
"""The marks in expanded text around the name of a variable with an unknown value."""
UNKNOWN = re.compile(f"{OPEN}([^{CLOSE}]{{0,120}}){CLOSE}")
"""The mark of an unknown value; the group is the name of the variable."""

_MAX_VALUES = 6
_MAX_RESULTS = 16
_MAX_STEPS = 120
_MAX_LENGTH = 8_000

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,80}"
_BRACED = (
    rf"\$\{{(?P<braced>{_NAME}|[0-9@*#])"
    r"(?P<rest>(?:\[[@*]\]|:?[-=?+][^{}$]{0,200}|[%#^,/:][^{}]{0,200})?)\}"
)
_PLAIN = rf"\$(?P<plain>{_NAME}|[0-9@*#!?$])"
_SHELL = rf"{_BRACED}|{_PLAIN}"
_OPERATOR = r":?[-=?+]?"
_MAKE = rf"\$\((?P<braced>{_NAME})(?P<rest>)\)"
_TEMPLATE = rf"\{{\{{\s{{0,9}}\.?(?P<braced>{_NAME})(?P<rest>)[^{{}}]{{0,80}}\}}\}}"
_ACTIONS = r"\$\{\{\s{0,9}(?:github\.workspace|runner\.workspace)\s{0,9}\}\}"
_ACTIONS_OPEN = r"\$\{\{([^{}]{0,200})\}\}"
_ROOT_VARIABLES = frozenset(
    {
        "GITHUB_WORKSPACE",
        "CI_PROJECT_DIR",
        "WORKSPACE",
        "CURDIR",
        "PWD",
        "MAKEFILE_DIR",
        "BUILD_SOURCESDIRECTORY",
        "PROJECT_ROOT",
        "REPO_ROOT",
        "ROOT_DIR",
    }
)
_SCRIPT_DIRECTORY = (
    r"\$\(\s*cd\s+[^()]{0,120}(?:\$\(\s*dirname[^()]{0,120}\))[^()]{0,60}(?:&&|;)\s*pwd[^()]{0,10}\)"
    r"|\$\(\s*dirname[^()]{0,120}\)"
    r"|\$\{(?:0|BASH_SOURCE(?:\[0\])?)%/\*\}"
)
_REPOSITORY_ROOT = (
    r"\$\(\s*git\s+rev-parse\s+--show-toplevel[^()]{0,40}\)|\$\(\s*(?:shell\s+)?pwd\s*\)|`pwd`"
)


class Variables:
    """The values of the variables of one script.

    A variable that is assigned several times, as in the branches of an ``if``, keeps all its
    values, since the script is not run.

    Attributes:
        used: The names of the variables that were expanded.
    """

    def __init__(self, here: str = ".", dialect: Dialect = Dialect.SHELL) -> None:
        self._values: dict[str, list[str]] = {}
        self._here = ROOT if here == "." else f"{ROOT}/{here}"
        self._dialect = dialect
        self.used: set[str] = set()

    def copy(self) -> Variables:
        """Return an independent copy that shares the set of used names."""
        other = Variables(dialect=self._dialect)
        other._here, other.used = self._here, self.used
        other._values = {name: list(values) for name, values in self._values.items()}
        return other

    def values(self, name: str) -> list[str]:
        """Return the known values of *name*."""
        return list(self._values.get(name, ()))

    def assign(self, name: str, values: Iterable[str]) -> None:
        """Add *values* to the possible values of *name*, up to a limit."""
        known_values = self._values.setdefault(name, [])
        for value in values:
            if (
                value not in known_values
                and len(known_values) < _MAX_VALUES
                and len(value) <= _MAX_LENGTH
            ):
                known_values.append(value)

    def append(self, name: str, text: str) -> None:
        """Append *text* to the values of *name*, as ``+=`` does; the old values stay possible."""
        self.assign(
            name, [joined(" ", [value, text]).strip() for value in self.values(name) or [""]]
        )

    def define(self, name: str, value: str) -> None:
        """Set *value* as the only value of *name*."""
        self._values[name] = [value[:_MAX_LENGTH]]

    def expand(self, text: str) -> list[str]:
        """Return *text* with variables replaced, once for each combination of values.

        An unknown variable becomes its name between :data:`OPEN` and :data:`CLOSE`; one with a
        default in the text becomes either. The results are limited in number and length.
        """
        if "$" not in text and "{{" not in text and "`" not in text:
            return [text[:_MAX_LENGTH]]
        pending, results = [self._places(text[:_MAX_LENGTH])], list[str]()
        for _ in range(_MAX_STEPS):
            if not pending:
                break
            current = pending.pop()
            match = self._search(current)
            if match is None:
                if current not in results:
                    results.append(current)
                continue
            if len(results) + len(pending) >= _MAX_RESULTS:
                alternatives = self._alternatives(match)[:1]
            else:
                alternatives = self._alternatives(match)
            pending.extend(
                changed
                for value in reversed(alternatives)
                if len(changed := _replace_reference(current, match, value)) <= _MAX_LENGTH
            )
        return results

    def _places(self, text: str) -> str:
        text = replaced(_ACTIONS, lambda _: ROOT, text)
        text = replaced(_ACTIONS_OPEN, _unknown_action, text)
        text = replaced(_SCRIPT_DIRECTORY, lambda match: self._directory(match.group()), text)
        return replaced(_REPOSITORY_ROOT, lambda _: ROOT, text)

    def _directory(self, text: str) -> str:
        """Return the directory that ``$(cd "$(dirname "$0")/.." && pwd)`` and the like mean."""
        if not re.match(r"\$\(\s*cd\s", text):
            return self._here
        after = text.rsplit("&&", 1)[0].rsplit(")", 1)[-1]
        suffix = re.search(r"/[./\w-]{1,60}", after)
        return self._here + (suffix.group() if suffix else "")

    def _search(self, text: str) -> re.Match[str] | None:
        if self._dialect is Dialect.TEMPLATE and (match := re.search(_TEMPLATE, text)):
            return match
        if self._dialect is Dialect.MAKE and (match := re.search(_MAKE, text)):
            return match
        return re.search(_SHELL, text)

    def _alternatives(self, match: re.Match[str]) -> list[str]:
        groups = match.groupdict()
        name = groups.get("braced") or groups.get("plain") or ""
        if name in {"@", "*", "#", "!", "?", "$"}:
            return [""]
        self.used.add(name)
        operator, default = "", ""
        if groups.get("rest"):
            rest = part(match, "rest")
            operator = re.match(_OPERATOR, rest).group()  # type: ignore[union-attr]
            default = rest[len(operator) :]
        if operator in {"+", ":+"}:
            return ["", default]
        values = self.values(name)
        if values:
            return values
        if operator in {"-", ":-", "=", ":="}:
            return [default, unknown(name)]
        if name in _ROOT_VARIABLES:
            return [ROOT]
        return [unknown(name)]


def _replace_reference(text: str, match: re.Match[str], value: str) -> str:
    """Replace *match*, and every reference that is written the same way, by *value*."""
    reference = match.group()
    return replaced(match.re, lambda other: value if other.group() == reference else None, text)


def unknown(name: str) -> str:
    """Return the mark for the unknown value of *name*."""
    return f"{OPEN}{name}{CLOSE}"


def _unknown_action(match: re.Match[str]) -> str:
    return unknown(re.sub(r"[^A-Za-z0-9_.-]+", "", match.group(1))[:60] or "x")
