"""Options of transforms on the command line: ``--set NAME.OPTION=VALUE``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from composerefactor.errors import UsageError
from composerefactor.transform import AnyTransform, Option

_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def option_values(
    given: Sequence[str], known: Mapping[str, AnyTransform]
) -> dict[str, dict[str, Any]]:
    """Return the values in *given*, by transform and field of its options.

    Raises UsageError for a transform or option that there is not, and for a value of another kind.
    """
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        transform, _, key = name.partition(".")
        if not equals or not key:
            raise UsageError(f"--set {text!r}: NAME.OPTION=VALUE is needed")
        if transform not in known:
            raise UsageError(
                f"no transform is called {transform!r}", remedy="there are: " + ", ".join(known)
            )
        options = {each.name: each for each in known[transform].settings}
        if key not in options:
            raise UsageError(
                f"{transform} has no option {key!r}",
                remedy="there are: " + ", ".join(options) if options else "it has none",
            )
        found.setdefault(transform, {})[key.replace("-", "_")] = _value(name, options[key], value)
    return found


def _value(name: str, option: Option, text: str) -> Any:
    """Return *text* as a value of the kind that *option* has."""
    if option.choices and text not in option.choices:
        raise UsageError(f"--set {name}: {text!r} is none of {', '.join(option.choices)}")
    if option.kind is bool:
        if text.lower() not in _BOOLEANS:
            raise UsageError(f"--set {name}: {text!r} is neither true nor false")
        return _BOOLEANS[text.lower()]
    if option.kind is int:
        if not text.lstrip("-").isdecimal():
            raise UsageError(f"--set {name}: {text!r} is no whole number")
        return int(text)
    if option.kind is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text
