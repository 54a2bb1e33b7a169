"""The interpolation syntax of Docker Compose: find, expand and mask variables in a text.

Docker Compose works in two steps: a pattern that is greedy within a line finds an expression, then
counting braces finds its end. The quirks of both are reproduced here, because the verification
would not vary a variable that is overlooked. Observed: v2.24.1 to v5.6.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

MAX_NESTING = 50
"""Expressions nested deeper than this are not found; no Compose file needs them."""

_DOLLAR = re.compile(r"\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|(\{))")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(\})|(:?[-+?]))")
_BRACE = re.compile(r"[{}]")


class Variable(Struct, frozen=True):
    """A variable as an expression refers to it.

    Attributes:
        name: The name of the variable.
        default: The text after ``:-`` or ``-``, or None.
        required: True for ``:?`` and ``?``.
    """

    name: str
    default: str | None = None
    required: bool = False


SET_BY_SHELL = frozenset(
    {
        *("PWD", "HOME", "USER", "UID", "GID", "HOSTNAME", "PATH", "SHELL", "LOGNAME"),
        *("APPDATA", "LOCALAPPDATA", "USERPROFILE", "COMPUTERNAME"),  # on Windows
    }
)
"""Variables that nobody has to set: they are those of the machine and its user."""


class Expression(Struct, frozen=True):
    """One ``$X`` or ``${X...}`` at ``text[start:end]``.

    Attributes:
        name: The name of the variable.
        start: Offset of the ``$``.
        end: Offset just after the expression.
        operator: ``""`` or one of ``:-``, ``-``, ``:?``, ``?``, ``:+``, ``+``.
        argument: The text after the operator as written; None without an operator.
        depth: The number of expressions around this one.
    """

    name: str
    start: int
    end: int
    operator: str = ""
    argument: str | None = None
    depth: int = 0

    @property
    def variable(self) -> Variable:
        """The variable that this expression reads."""
        is_default = self.operator in {":-", "-"}
        return Variable(
            self.name,
            default=self.argument if is_default else None,
            required=self.operator in {":?", "?"},
        )


@lru_cache(maxsize=4096)
def expressions(text: str) -> tuple[Expression, ...]:
    """Return every expression in *text*, outer ones before those nested in them, in text order.

    ``$$`` is a dollar sign. Text that Docker Compose takes literally (``$(cmd)``, ``$1``) or
    rejects (``${X!}``, ``${1}``, ``${X``) is not an expression.
    """
    found: list[Expression] = []
    if "$" in text:
        _collect_expressions(text, 0, len(text), 0, found)
    return tuple(found)


def sole_expression(text: str) -> Expression | None:
    """Return the expression ``${...}`` if *text* consists of it alone, otherwise None."""
    first = next((e for e in expressions(text) if e.depth == 0), None)
    return first if first is not None and (first.start, first.end) == (0, len(text)) else None


_HASH = re.compile(
    r"""(?<!\$)\$(?:
        (?:apr1|[156])\$(?:rounds=\d+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{22,86}
        |2[abxy]\$\d\d\$[./A-Za-z0-9]{53}
        |argon2(?:id|i|d)\$v=\d+\$[a-z0-9=,]+\$[+/A-Za-z0-9]+\$[+/A-Za-z0-9]+
    )(?![./A-Za-z0-9])""",
    re.VERBOSE,
)


def password_hashes(text: str) -> list[tuple[int, int]]:
    """Return where the hashes of passwords in *text* begin and end: of crypt(3), bcrypt, Argon2.

    Their dollars are not doubled, so Docker Compose takes parts of them for variables.
    """
    return [match.span() for match in _HASH.finditer(text)] if "$" in text else []


def variables(text: str) -> list[Variable]:
    """Return the distinct variables of *text* in text order.

    A variable that is written with two different defaults is returned twice.
    """
    return list(dict.fromkeys(expression.variable for expression in expressions(text)))


def _collect_expressions(text: str, at: int, end: int, depth: int, found: list[Expression]) -> None:
    """Add the expressions in ``text[at:end]``, which are at *depth*, to *found*."""
    while match := _DOLLAR.search(text, at, end):
        at = match.end()
        if match[1]:
            found.append(Expression(match[1], match.start(), at, depth=depth))
        elif match[2]:
            at = _read_braced(text, match.start(), end, depth, found)


def _read_braced(text: str, start: int, end: int, depth: int, found: list[Expression]) -> int:
    """Add the ``${...}`` at *start* to *found*; return the offset at which to continue."""
    body = start + 2
    match = _BRACED.match(text, body, end)
    if match is None:
        return body
    if match[2]:
        found.append(Expression(match[1], start, match.end(), depth=depth))
        return match.end()
    line_end = text.find("\n", body, end)
    last = text.rfind("}", match.end(), end if line_end < 0 else line_end)
    if last < 0:
        return body
    closing = _closing_brace(text, start + 1, last + 1)
    if closing < 0:
        closing = last
    argument = text[match.end() : closing]
    found.append(Expression(match[1], start, closing + 1, match[3], argument, depth))
    if depth < MAX_NESTING:
        _collect_expressions(text, match.end(), closing, depth + 1, found)
    return closing + 1


def _closing_brace(text: str, start: int, end: int) -> int:
    """Return the offset of the brace that closes the one at *start*, or -1.

    Docker Compose skips the character after each opening brace, so ``{}`` in a default opens a
    pair that only a later brace closes.
    """
    open_braces, at = 0, start
    while match := _BRACE.search(text, at, end):
        at = match.end()
        if match[0] == "{":
            open_braces += 1
            at += 1
            continue
        open_braces -= 1
        if open_braces == 0:
            return match.start()
    return -1


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Return *text* with each variable replaced by its value in *environment*.

    A variable that is not set becomes its default or ``""`` (Compose specification,
    interpolation). Unlike in Docker Compose, a missing required variable becomes ``""`` too.
    Expressions below :data:`MAX_NESTING` others stay as they are.
    """
    return _expand(text, environment, 0)


def _expand(text: str, environment: Mapping[str, str], depth: int) -> str:
    """Return :func:`expand` of *text*, which is in *depth* expressions."""
    if "$" not in text or depth > MAX_NESTING:
        return text
    parts: list[str] = []
    at = 0
    for expression in _outermost(text):
        value = _value(expression, environment, depth)
        parts += [text[at : expression.start].replace("$$", "$"), value]
        at = expression.end
    return "".join([*parts, text[at:].replace("$$", "$")])


@lru_cache(maxsize=4096)
def _outermost(text: str) -> tuple[Expression, ...]:
    """Return the expressions in *text* that are in no other one."""
    found: list[Expression] = []
    _collect_expressions(text, 0, len(text), MAX_NESTING, found)
    return tuple(found)


def expand_known(text: str, environment: Mapping[str, str]) -> str | None:
    """Return *text* as :func:`expand` does; None if a variable has neither value nor default."""
    if "$" not in text:
        return text
    is_known = all(
        each.depth or each.name in environment or each.operator in {"-", ":-", "+", ":+"}
        for each in expressions(text)
    )
    return expand(text, environment) if is_known else None


def _value(expression: Expression, environment: Mapping[str, str], depth: int) -> str:
    """Return the value of *expression*, which is in *depth* others."""
    value = environment.get(expression.name)
    is_set = bool(value) if expression.operator.startswith(":") else value is not None
    argument = _expand(expression.argument or "", environment, depth + 1)
    if expression.operator.endswith("+"):
        return argument if is_set else ""
    if expression.operator.endswith("-") and not is_set:
        return argument
    return value or ""


EXPRESSION_MASK = "\0"
"""Replaces one character of an expression; no Compose file can contain it."""


def mask_expressions(text: str) -> str:
    """Return *text* with every character of its expressions masked; the length is the same."""
    if "$" not in text:
        return text
    parts, at = [], 0
    for expression in expressions(text):
        if expression.depth == 0:
            parts += [
                text[at : expression.start],
                EXPRESSION_MASK * (expression.end - expression.start),
            ]
            at = expression.end
    return "".join([*parts, text[at:]])


def split_outside_expressions(text: str, separator: str) -> list[str]:
    """Split *text* at each *separator* that is not inside an expression."""
    parts, at = [], 0
    for part in mask_expressions(text).split(separator):
        parts.append(text[at : at + len(part)])
        at += len(part) + len(separator)
    return parts
