"""Interpolation with known values, as far as paths need it."""

from __future__ import annotations

from collections.abc import Mapping

from composerefactor.compose.interpolate import Expression, expressions


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
