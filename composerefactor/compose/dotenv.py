r"""A line of an env file that the engine reads as exactly one given value.

The rules are those of the engine's own reader: text without quotes ends at `` #`` and has its
variables replaced, single quotes keep everything but ``\'``, double quotes know escapes (observed:
v2.24.1 to v5.6.1).
"""

from __future__ import annotations

from composerefactor.patterns import regex

_PLAIN = regex(r"[A-Za-z0-9_./:@%+,=^~!*?&;<>()\[\]{}|-]+")
_SINGLE = regex(r"[^'\r\n\x00-\x08\x0b-\x1f\x7f]*(?<!\\)")
_ESCAPED = regex(r"[\"\\$\n]")
_UNWRITABLE = regex(r"[\x00-\x08\x0b-\x1f\x7f]")


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
