"""Values for variables that let a proof see them: each has its own, of its default's kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from composerefactor.compose.interpolate import Variable
from composerefactor.patterns import regex

FIRST_NUMBER = 20001
"""Sentinels count from here: valid as a port, a size, a user id and a text."""

_LAST_PORT = 65535
_RESERVED = frozenset({"PATH", "HOME", "PWD", "LANG", "DOCKER_HOST", "DOCKER_CONFIG"})
_OPPOSITES = {"true": "false", "false": "true", "yes": "no", "no": "yes", "on": "off", "off": "on"}
_WITH_UNIT = regex(r"\d+(?:\.\d+)?(?P<unit>[a-zA-Z]{1,3})", re.ASCII)
_FORMS: tuple[tuple[re.Pattern[str], Callable[[str, int], str]], ...] = (
    (regex(r"[0-9]+$"), lambda text, n: str(n if text != str(n) else n + _LAST_PORT)),
    (regex(r"[0-9]+\.[0-9]+$"), lambda _, n: f"{n}.5"),
    (regex(r"(?:[0-9.]+(?:h|ms|us|m|s)){2,}$"), lambda _, n: f"{n}s"),
    (
        regex(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}$"),
        lambda _, n: f"10.77.{n // 250 % 250}.{n % 250}",
    ),
    (regex(r"[.~]?/|\.{1,2}(?:$|/)"), lambda text, n: f"{text.rstrip('/')}/{n}"),
)
"""Kinds of defaults, and what stands for each."""


_PATH_NAME = regex(r"(?:DIR|DIRECTORY|PATH|FOLDER|ROOT|MOUNT|SOCKET|HOME)$", re.IGNORECASE)
_NUMBER = regex(r"[2-9][0-9]{4}")


def merged(variables: Iterable[Variable]) -> dict[str, Variable]:
    """Return one Variable a name: required if it is anywhere, with the first default there is.

    Those that mean something to the engine itself or to every program are left out.
    """
    found: dict[str, Variable] = {}
    for variable in variables:
        if variable.name in _RESERVED or variable.name.startswith("COMPOSE_"):
            continue
        known = found.get(variable.name, variable)
        default = known.default if known.default is not None else variable.default
        required = known.required or variable.required
        found[variable.name] = Variable(variable.name, default, required)
    return found


def sentinel(variable: Variable, number: int) -> str:
    """Return a value that is not the default nor another *number*'s, but of the default's kind.

    Numbers, sizes, durations, truth values, addresses and paths stay what they are; other text
    gets a suffix. Without a default it is the number, or a path if the name says so.
    """
    text = (variable.default or "").strip()
    if not text or "$" in text:
        return f"/{number}" if _PATH_NAME.search(variable.name) else str(number)
    if text.lower() in _OPPOSITES:
        return _OPPOSITES[text.lower()]
    if unit := _WITH_UNIT.fullmatch(text):
        return f"{number}{unit['unit']}"
    for pattern, form in _FORMS:
        if pattern.match(text):
            return form(text, number)
    return f"{text}-{number}"


def sentinel_sets(variables: Mapping[str, Variable]) -> list[dict[str, str]]:
    """Return environments that set all of *variables*, the one that shows most first.

    The later ones are for projects that reject it: a text is left at its default (it may be one of
    a fixed set of words), then everything is ``1``, then everything is a path.
    """
    typed = {
        name: sentinel(variable, FIRST_NUMBER + n)
        for n, (name, variable) in enumerate(variables.items())
    }
    cautious = {
        name: value
        for name, value in typed.items()
        if not (variables[name].default and value.startswith(f"{variables[name].default}-"))
    }
    sets = [typed, cautious, dict.fromkeys(typed, "1"), dict.fromkeys(typed, "/dummy")]
    return [values for n, values in enumerate(sets) if values and values not in sets[:n]]


def adjusted(values: Mapping[str, str], error: str) -> dict[str, str] | None:
    """Return *values* with another kind of value for the variables whose sentinels *error* shows.

    A number becomes a path, a path becomes ``true``. None where the engine's words show none.
    """
    changed: dict[str, str] = {}
    shown = set(_NUMBER.findall(error))
    for name, value in values.items():
        number = _NUMBER.search(value)
        if number and number[0] in shown:
            is_last = value.startswith("/") or "boolean" in error
            changed[name] = "true" if is_last else f"/{number[0]}"
    return {**values, **changed} if changed else None
