"""Env files: ``NAME=value`` lines, as ``.env`` and ``env_file`` have them."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][\w.\-]*)\s*[=:](?P<value>.*)")
_COMMENT = re.compile(r"\s#.*")


class Assignment(Struct, frozen=True):
    """``name=value`` at *line*, from 1; *value* is without quotes, its variables unexpanded."""

    name: str
    value: str
    line: int

    def __repr__(self) -> str:  # without the value, which may be a secret
        return f"Assignment({self.name!r}, line={self.line})"


@lru_cache(maxsize=64)
def assignments(text: str) -> tuple[Assignment, ...]:
    """Return the assignments of an env file in order; values of several lines give their first.

    A ``#`` after a space begins a comment outside quotes (observed: the engine's env files).
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _ASSIGNMENT.fullmatch(line)
        if match is not None:
            found.append(Assignment(match["name"], _unquoted(match["value"].strip()), number))
    return tuple(found)


def _unquoted(value: str) -> str:
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
    """Return ``name=value`` with the quotes that *value* needs; None where nothing can hold it.

    That is a value with control characters, or with a carriage return, which readers take for the
    end of a line.
    """
    if _UNWRITABLE.search(value):
        return None
    if _PLAIN.fullmatch(value):
        return f"{name}={value}"
    if _SINGLE.fullmatch(value):
        return f"{name}='{value}'"
    text = _ESCAPED.sub(lambda match: "\\n" if match[0] == "\n" else f"\\{match[0]}", value)
    return f'{name}="{text}"'
