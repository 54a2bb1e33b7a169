"""Options of transforms: ``--set NAME.OPTION=VALUE`` on the command line, and the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from composerefactor.errors import InputError, UsageError
from composerefactor.findings.names import rule_names
from composerefactor.settings.settings import Settings
from composerefactor.transform import AnyTransform, Option

_KINDS = {str: "text", int: "a whole number", bool: "true or false", tuple: "a list of texts"}
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


def check_names(settings: Settings, known: Mapping[str, AnyTransform]) -> None:
    """Raise InputError for a transform in *settings* that there is not.

    What is ignored may be a rule of ``analyze`` as well.
    """
    foreign = settings.ignore.keys() - known.keys()
    named = [("ignore", name) for name in sorted(foreign and foreign - rule_names())]
    named += [("transforms", name) for name in settings.transforms]
    named += [("fix", name) for name in (*settings.fix.select, *settings.fix.skip)]
    for section, name in named:
        if name not in known:
            raise InputError(
                f"no transform is called {name!r}",
                location=settings.location(section, name),
                remedy="there are: " + ", ".join(known),
            )


def configured_values(
    settings: Settings, known: Mapping[str, AnyTransform]
) -> dict[str, dict[str, Any]]:
    """Return the options in *settings*, by transform and field of its options.

    Raises InputError for an option that there is not, and for a value of another kind.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, values in settings.transforms.items():
        options = {each.name: each for each in known[name].settings}
        for key, value in values.items():
            location = settings.location("transforms", name, key)
            if key not in options:
                raise InputError(
                    f"{name} has no option {key!r}",
                    location=location,
                    remedy="there are: " + ", ".join(options) if options else "it has none",
                )
            kind, choices = options[key].kind, options[key].choices
            given = tuple(value) if isinstance(value, list) else value
            if type(given) is not kind or (choices and given not in choices):
                wanted = f"one of {', '.join(choices)}" if choices else _KINDS[kind]
                raise InputError(f"{name}.{key} takes {wanted}", location=location)
            found.setdefault(name, {})[key.replace("-", "_")] = given
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
