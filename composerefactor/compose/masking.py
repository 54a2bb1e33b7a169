"""Short forms with variables: what stands in ``${...}`` is no punctuation of the short form."""

from __future__ import annotations

from composerefactor.compose.interpolate import expressions

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
