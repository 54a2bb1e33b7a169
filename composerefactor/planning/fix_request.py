"""The options of ``fix`` as a value, and the options of transforms.

The command line and the wizard both create a :class:`FixRequest`, so that both do the same. A
request can be written as command line arguments again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from composerefactor.confidence import Confidence
from composerefactor.errors import (
    ComposerefactorError,
    InputError,
    Location,
    UsageError,
    did_you_mean,
)
from composerefactor.planning.fixes import ChosenFixer
from composerefactor.planning.registry import fixers, rule_names
from composerefactor.planning.settings import Settings
from composerefactor.refactoring.contract import AnyTransform, Fixer, Option


def names_of(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


_KIND_NAMES = {str: "text", int: "a whole number", bool: "true or false", tuple: "a list of texts"}
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def option_values(
    given: Sequence[str], known: Mapping[str, AnyTransform]
) -> dict[str, dict[str, Any]]:
    """Return the option values of transforms given on the command line.

    Args:
        given: Values in the form ``TRANSFORM.OPTION=VALUE``.
        known: All transforms by name.

    Returns:
        The values by transform and by field of its options.

    Raises:
        UsageError: A transform or an option is unknown, or a value has the wrong type.
    """
    values: dict[str, dict[str, Any]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        transform, _, key = name.partition(".")
        if not equals or not key:
            raise UsageError(f"--set {text!r}: the form is NAME.OPTION=VALUE")
        _check_known([transform], known)
        option = _option(known[transform], key)
        values.setdefault(transform, {})[key.replace("-", "_")] = _parse_value(name, option, value)
    return values


def check_names(settings: Settings, known: Mapping[str, AnyTransform]) -> None:
    """Check that all transforms that *settings* name are known.

    The names below ``ignore`` may also be rules of ``analyze``.

    Raises:
        InputError: A name is unknown.
    """
    not_transforms = settings.ignore.keys() - known.keys()
    named = [("ignore", name) for name in sorted(not_transforms and not_transforms - rule_names())]
    named += [("transforms", name) for name in settings.transforms]
    named += [("fix", name) for name in (*settings.fix.select, *settings.fix.skip)]
    for section, name in named:
        if name not in known:
            raise _unknown_transform(name, known, settings.location(section, name))


def configured_values(
    settings: Settings, known: Mapping[str, AnyTransform]
) -> dict[str, dict[str, Any]]:
    """Return the option values of transforms that *settings* give, by transform and field.

    Raises:
        InputError: An option is unknown, or a value has the wrong type.
    """
    values: dict[str, dict[str, Any]] = {}
    for name, given in settings.transforms.items():
        for key, value in given.items():
            location = settings.location("transforms", name, key)
            option = _option(known[name], key, location)
            kind, choices = option.kind, option.choices
            parsed = tuple(value) if isinstance(value, list) else value
            if type(parsed) is not kind or (choices and parsed not in choices):
                expected = f"one of {', '.join(choices)}" if choices else _KIND_NAMES[kind]
                raise InputError(f"{name}.{key} takes {expected}", location=location)
            values.setdefault(name, {})[key.replace("-", "_")] = parsed
    return values


def _parse_value(name: str, option: Option, text: str) -> Any:
    """Return *text* as a value of *option*; *name* is the option as the user writes it.

    Raises:
        UsageError: The text is not a value of the option.
    """
    if option.choices and text not in option.choices:
        raise UsageError(f"--set {name}: {text!r} is not one of {', '.join(option.choices)}")
    if option.kind is bool:
        if text.lower() not in _BOOLEANS:
            raise UsageError(f"--set {name}: {text!r} is not true or false")
        return _BOOLEANS[text.lower()]
    if option.kind is int:
        if not text.lstrip("-").isdecimal():
            raise UsageError(f"--set {name}: {text!r} is not a whole number")
        return int(text)
    if option.kind is tuple:
        return names_of(text)
    return text


class FixRequest(Struct, frozen=True):
    """The options of ``fix``.

    Attributes:
        select: The transforms to run; None to take them from the settings.
        skip: Transforms that are not run, in addition to those in the settings.
        unsafe: Whether changes that affect running containers are applied; False to take it from
            the settings.
        confidence: The least confidence of the changes that are applied; ``""`` to take it from the
            settings.
        values: Options of transforms, as ``--set`` takes them: ``("NAME.OPTION", "VALUE")``.
    """

    select: tuple[str, ...] | None = None
    skip: tuple[str, ...] = ()
    unsafe: bool = False
    confidence: Confidence | Literal[""] = ""
    values: tuple[tuple[str, str], ...] = ()

    def chosen(self, settings: Settings) -> list[ChosenFixer]:
        """Return the fixers to run with their options, in order.

        Raises:
            UsageError: A name or an option in this request is unknown.
            InputError: A name or an option in *settings* is unknown.
        """
        known = self._known(settings)
        check_names(settings, known)
        _check_known(self.select or (), known)
        _check_known(self.skip, known)
        selected = set(settings.fix.select if self.select is None else self.select)
        skipped = {*self.skip, *settings.fix.skip}
        configured = configured_values(settings, known)
        given = option_values([f"{name}={value}" for name, value in self.values], known)
        chosen = []
        for name, fixer in known.items():
            if name in skipped or (name not in selected if selected else fixer.selected_only):
                continue
            options = {**configured.get(name, {}), **given.get(name, {})}
            chosen.append(
                ChosenFixer(
                    fixer,
                    fixer.options_of(options),
                    unsafe=self.unsafe or settings.fix.unsafe,
                    confidence=self.confidence or settings.fix.confidence,
                    by_name=name in selected,
                    ignored=settings.ignore.get(name, {}),
                )
            )
        return chosen

    def _known(self, settings: Settings) -> dict[str, Fixer[Any]]:
        """Return the selected fixers if they exist and nothing names another one, otherwise all."""
        others = (self.skip, self.values, settings.transforms, settings.ignore)
        if self.select is not None and not any((*others, settings.fix.select, settings.fix.skip)):
            selected = fixers(frozenset(self.select))
            if selected.keys() == set(self.select):
                return selected
        return fixers()

    def arguments(self) -> list[str]:
        """Return the equivalent command line options."""
        arguments = [] if self.select is None else ["--select", ",".join(self.select)]
        arguments += ["--skip", ",".join(self.skip)] if self.skip else []
        arguments += ["--unsafe"] if self.unsafe else []
        arguments += ["--confidence", self.confidence] if self.confidence else []
        return arguments + [
            word for name, value in self.values for word in ("--set", f"{name}={value}")
        ]


def _check_known(names: Sequence[str], known: Mapping[str, AnyTransform]) -> None:
    """Raise UsageError for a name that is not in *known*."""
    for name in sorted(set(names) - known.keys()):
        raise _unknown_transform(name, known)


def _unknown_transform(
    name: str, known: Iterable[str], location: Location | None = None
) -> ComposerefactorError:
    """Return the error for the *name* of no transform, at *location* if the settings have it."""
    error = UsageError if location is None else InputError
    remedy = did_you_mean(name, known, "known transforms:")
    return error(f"unknown transform {name!r}", location=location, remedy=remedy)


def _option(transform: AnyTransform, key: str, location: Location | None = None) -> Option:
    """Return the option *key* of *transform*.

    Raises:
        UsageError: There is no such option.
        InputError: The same, at *location* in the settings.
    """
    options = {option.name: option for option in transform.settings}
    if key in options:
        return options[key]
    error = UsageError if location is None else InputError
    remedy = did_you_mean(key, options, "its options:") if options else "it has no options"
    raise error(f"{transform.name} has no option {key!r}", location=location, remedy=remedy)
