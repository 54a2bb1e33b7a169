"""The engine's interpolation syntax: which variables a text refers to, and how.

The rules follow the engine's own two steps: a pattern that is greedy within a line finds an
expression, then a count of braces finds where it ends. Both have quirks that are kept here, since
a variable that is overlooked is one that a proof does not vary. Observed: v2.24.1 to v5.6.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

MAX_NESTING = 50
"""Expressions nested deeper than this are not looked for; no Compose file needs it."""

_DOLLAR = re.compile(r"\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|(\{))")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(\})|(:?[-+?]))")
_BRACE = re.compile(r"[{}]")


class Variable(Struct, frozen=True):
    """A variable: *default* is the text after ``:-`` or ``-``, *required* means ``:?`` or ``?``."""

    name: str
    default: str | None = None
    required: bool = False


class Expression(Struct, frozen=True):
    """One ``$X`` or ``${X...}`` at ``text[start:end]``.

    *operator* is ``""`` or one of ``:-``, ``-``, ``:?``, ``?``, ``:+``, ``+``; *argument* is the
    text after it as written, and None where there is no operator. *depth* counts the expressions
    around.
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

    ``$$`` is a dollar. What the engine takes literally (``$(cmd)``, ``$1``) or rejects
    (``${X!}``, ``${1}``, ``${X``) gives nothing.
    """
    found: list[Expression] = []
    if "$" in text:
        _scan(text, 0, len(text), 0, found)
    return tuple(found)


def variables(text: str) -> list[Variable]:
    """Return the variables of *text* in text order, each once for each way it is written."""
    return list(dict.fromkeys(expression.variable for expression in expressions(text)))


def _scan(text: str, at: int, end: int, depth: int, found: list[Expression]) -> None:
    while match := _DOLLAR.search(text, at, end):
        at = match.end()
        if match[1]:
            found.append(Expression(match[1], match.start(), at, depth=depth))
        elif match[2]:
            at = _braced(text, match.start(), end, depth, found)


def _braced(text: str, start: int, end: int, depth: int, found: list[Expression]) -> int:
    """Read the ``${...}`` at *start*; return where to go on."""
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
        _scan(text, match.end(), closing, depth + 1, found)
    return closing + 1


def _closing_brace(text: str, start: int, end: int) -> int:
    """Return the offset of the brace that closes the one at *start*, or -1.

    The engine skips the character after each opening brace, so ``{}`` in a default opens a pair
    that only a later brace closes.
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
    """Return *text* with its variables replaced by *environment* or their defaults, else ``""``.

    The rules are the engine's (Compose specification, interpolation); a missing required variable
    counts as empty here.
    """
    if "$" not in text:
        return text
    parts: list[str] = []
    at = 0
    for found in expressions(text):
        if found.start < at:  # nested in one that is replaced
            continue
        parts += [text[at : found.start].replace("$$", "$"), _value(found, environment)]
        at = found.end
    return "".join([*parts, text[at:].replace("$$", "$")])


def _value(found: Expression, environment: Mapping[str, str]) -> str:
    value = environment.get(found.name)
    is_set = bool(value) if found.operator.startswith(":") else value is not None
    argument = expand(found.argument or "", environment)
    if found.operator.endswith("+"):
        return argument if is_set else ""
    if found.operator.endswith("-") and not is_set:
        return argument
    return value or ""


MASK = "\0"
"""Stands for one character of an expression; no Compose file can hold it."""


def masked(text: str) -> str:
    """Return *text*, of the same length, with every character of an expression masked."""
    if "$" not in text:
        return text
    parts, at = [], 0
    for expression in expressions(text):
        if expression.depth == 0:
            parts += [text[at : expression.start], MASK * (expression.end - expression.start)]
            at = expression.end
    return "".join([*parts, text[at:]])


def split(text: str, separator: str) -> list[str]:
    """Split *text* at each *separator* that stands in no expression."""
    parts, at = [], 0
    for part in masked(text).split(separator):
        parts.append(text[at : at + len(part)])
        at += len(part) + len(separator)
    return parts
