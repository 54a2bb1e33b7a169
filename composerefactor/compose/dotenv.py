"""The syntax of env files: ``NAME=value`` lines, as in ``.env`` and the files of ``env_file``."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][\w.\-]*)\s*[=:](?P<value>.*)")
_COMMENT = re.compile(r"\s#.*")


class Assignment(Struct, frozen=True):
    """``NAME=value`` in an env file.

    Attributes:
        name: The name of the variable.
        value: The value without its quotes; variables in it are not expanded.
        line: The line number, from 1.
    """

    name: str
    value: str
    line: int

    def __repr__(self) -> str:  # without the value, which may be a secret
        return f"Assignment({self.name!r}, line={self.line})"


@lru_cache(maxsize=64)
def assignments(text: str) -> tuple[Assignment, ...]:
    """Return the assignments of an env file in order.

    Of a value on several lines, only the first line is read. Outside quotes, a ``#`` after a space
    begins a comment (observed: env files of Docker Compose).
    """
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _ASSIGNMENT.fullmatch(line)
        if match is not None:
            pairs.append(Assignment(match["name"], _unquoted(match["value"].strip()), number))
    return tuple(pairs)


def _unquoted(value: str) -> str:
    """Return *value* without quotes or, if it has none, without a trailing comment."""
    quote = value[:1]
    if quote in {'"', "'"}:
        end = value.find(quote, 1)
        return value[1:end] if end > 0 else value[1:]
    return _COMMENT.sub("", f" {value}").strip()


_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=^~!*?&;<>()\[\]{}|-]+")
_SINGLE = re.compile(r"[^'\r\n\x00-\x08\x0b-\x1f\x7f]*(?<!\\)")
_ESCAPED = re.compile(r"[\"\\$\n]")
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def assignment(name: str, value: str) -> str | None:
    """Return the line ``name=value`` with the quotes that *value* needs.

    Returns None for a value that cannot be written: one with control characters, or with a
    carriage return, which readers of env files treat as the end of a line.
    """
    if _UNWRITABLE.search(value):
        return None
    if _PLAIN.fullmatch(value):
        return f"{name}={value}"
    if _SINGLE.fullmatch(value):
        return f"{name}='{value}'"
    text = _ESCAPED.sub(lambda match: "\\n" if match[0] == "\n" else f"\\{match[0]}", value)
    return f'{name}="{text}"'
