"""Lines that one shell runs, as sources give them and commands are read from them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
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


ROOT = "\ue000"
"""Stands in expanded text for the absolute path of the project directory."""
OPEN, CLOSE = "\ue001", "\ue002"
"""Enclose the name of a variable whose value is not known."""

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
_SHELL = re.compile(rf"{_BRACED}|{_PLAIN}")
_MAKE = re.compile(rf"\$\((?P<braced>{_NAME})(?P<rest>)\)")
_TEMPLATE = re.compile(rf"\{{\{{\s{{0,9}}\.?(?P<braced>{_NAME})(?P<rest>)[^{{}}]{{0,80}}\}}\}}")
_ACTIONS = re.compile(r"\$\{\{\s{0,9}(?:github\.workspace|runner\.workspace)\s{0,9}\}\}")
_ACTIONS_OPEN = re.compile(r"\$\{\{([^{}]{0,200})\}\}")
_ROOTS = frozenset(
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
_HERE = re.compile(
    r"\$\(\s*cd\s+[^()]{0,120}(?:\$\(\s*dirname[^()]{0,120}\))[^()]{0,60}(?:&&|;)\s*pwd[^()]{0,10}\)"
    r"|\$\(\s*dirname[^()]{0,120}\)"
    r"|\$\{(?:0|BASH_SOURCE(?:\[0\])?)%/\*\}"
)
_TOP = re.compile(
    r"\$\(\s*git\s+rev-parse\s+--show-toplevel[^()]{0,40}\)|\$\(\s*(?:shell\s+)?pwd\s*\)|`pwd`"
)


class Variables:
    """The values of names, in one script.

    A name that is assigned several times, as in the branches of an ``if``, keeps all its values:
    which one holds is not known without running the script.
    """

    def __init__(self, here: str = ".", dialect: Dialect = Dialect.SHELL) -> None:
        self._values: dict[str, list[str]] = {}
        self._here = ROOT if here == "." else f"{ROOT}/{here}"
        self._dialect = dialect
        self.used: set[str] = set()

    def copy(self) -> Variables:
        """Return an independent copy that still reports uses to this one."""
        other = Variables(dialect=self._dialect)
        other._here, other.used = self._here, self.used
        other._values = {name: list(values) for name, values in self._values.items()}
        return other

    def values(self, name: str) -> list[str]:
        """Return the known values of *name*."""
        return list(self._values.get(name, ()))

    def assign(self, name: str, values: Iterable[str]) -> None:
        """Add *values* to what *name* may hold."""
        held = self._values.setdefault(name, [])
        for value in values:
            if value not in held and len(held) < _MAX_VALUES and len(value) <= _MAX_LENGTH:
                held.append(value)

    def append(self, name: str, text: str) -> None:
        """Add *text* to the values of *name*, as ``+=`` does; the shorter values stay possible."""
        self.assign(name, [f"{value} {text}".strip() for value in self.values(name) or [""]])

    def define(self, name: str, value: str) -> None:
        """Give *name* exactly one *value*."""
        self._values[name] = [value[:_MAX_LENGTH]]

    def expand(self, text: str) -> list[str]:
        """Return *text* with references replaced: one result for each combination of values.

        A variable that is not known becomes its name between :data:`OPEN` and :data:`CLOSE`; one
        with a written default gives both. Bounded in number, length and time.
        """
        if "$" not in text and "{{" not in text and "`" not in text:
            return [text[:_MAX_LENGTH]]
        pending, done = [self._places(text[:_MAX_LENGTH])], list[str]()
        for _ in range(_MAX_STEPS):
            if not pending:
                break
            current = pending.pop()
            match = self._search(current)
            if match is None:
                if current not in done:
                    done.append(current)
                continue
            if len(done) + len(pending) >= _MAX_RESULTS:
                alternatives = self._alternatives(match)[:1]
            else:
                alternatives = self._alternatives(match)
            pending.extend(
                changed
                for value in reversed(alternatives)
                if len(changed := _replaced(current, match, value)) <= _MAX_LENGTH
            )
        return done

    def _places(self, text: str) -> str:
        text = _ACTIONS_OPEN.sub(_open_action, _ACTIONS.sub(ROOT, text))
        text = _HERE.sub(lambda match: self._directory(match.group()), text)
        return _TOP.sub(ROOT, text)

    def _directory(self, text: str) -> str:
        """Return the script's directory, moved by what follows ``dirname`` in ``cd``: ``/..``."""
        if not re.match(r"\$\(\s*cd\s", text):
            return self._here
        after = text.rsplit("&&", 1)[0].rsplit(")", 1)[-1]
        found = re.search(r"/[./\w-]{1,60}", after)
        return self._here + (found.group() if found else "")

    def _search(self, text: str) -> re.Match[str] | None:
        if self._dialect is Dialect.TEMPLATE and (match := _TEMPLATE.search(text)):
            return match
        if self._dialect is Dialect.MAKE and (match := _MAKE.search(text)):
            return match
        return _SHELL.search(text)

    def _alternatives(self, match: re.Match[str]) -> list[str]:
        groups = match.groupdict()
        name = groups.get("braced") or groups.get("plain") or ""
        if name in {"@", "*", "#", "!", "?", "$"}:
            return [""]
        self.used.add(name)
        rest = groups.get("rest") or ""
        operator, default = re.match(r"(:?[-=?+]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
        if operator in {"+", ":+"}:
            return ["", default]
        values = self.values(name)
        if values:
            return values
        if operator in {"-", ":-", "=", ":="}:
            return [default, unknown(name)]
        if name in _ROOTS:
            return [ROOT]
        return [unknown(name)]


def _replaced(text: str, match: re.Match[str], value: str) -> str:
    """Put *value* in the place of *match* and of every reference written just like it."""
    reference = match.group()
    return match.re.sub(lambda found: value if found.group() == reference else found.group(), text)


def unknown(name: str) -> str:
    """Return the mark for the unknown value of *name*."""
    return f"{OPEN}{name}{CLOSE}"


def _open_action(match: re.Match[str]) -> str:
    return unknown(re.sub(r"[^A-Za-z0-9_.-]+", "", match.group(1))[:60] or "x")
