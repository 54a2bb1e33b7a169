"""The options of ``split`` and ``fix`` as values, and the options of transforms.

The command line and the wizard both create a :class:`SplitRequest` or a :class:`FixRequest`, so
that both do the same. A request can be written as command line arguments again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.project import Project
from composerefactor.confidence import Confidence
from composerefactor.errors import InputError, UsageError, did_you_mean
from composerefactor.planning.fixes import ChosenFixer
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import root_move
from composerefactor.planning.registry import fixers, rule_names
from composerefactor.planning.selection import Transformation
from composerefactor.planning.settings import Settings
from composerefactor.refactoring.contract import AnyTransform, FileElement, Fixer, Option, Plan
from composerefactor.refactoring.modules.grouping import LayoutOptions
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split

UNMOVED_BY_SETTINGS = "excluded by split.stay in the settings"
"""Why a service does not move."""


class SplitRequest(Struct, frozen=True):
    """The options of ``split`` that the user gives; the settings supply the others.

    Attributes:
        given: The values of :class:`LayoutOptions` that are given, by name; none is empty.
        roots: The directory that the root files move to; ``""`` if they do not move.
    """

    given: Mapping[str, Any] = {}
    roots: str = ""

    def __hash__(self) -> int:
        return hash(frozenset(self.arguments()))

    def using(self, **values: Any) -> SplitRequest:
        """Return the request with *values* of LayoutOptions; an empty one is not given."""
        values = {**self.given, **values}
        names = LayoutOptions.__struct_fields__
        return replace(self, given={name: values[name] for name in names if values.get(name)})

    def options(self, settings: Settings) -> SplitOptions:
        """Return the options, with the defaults from *settings*."""
        defaults = settings.split
        values = {name: getattr(defaults, name) for name in LayoutOptions.__struct_fields__}
        values |= self.given
        for name in ("modules", "environments"):
            values[name] = {**getattr(defaults, name), **values[name]}
        return SplitOptions(**values, catalog=settings.catalog)

    def transformation(self, opened: OpenProject, path: Path) -> Transformation:
        """Return the refactoring that splits the project, and moves its root files if requested.

        Args:
            opened: The project that is open.
            path: The project directory that the user gives.

        Raises:
            UsageError: The root files cannot be moved to the requested directory.
            RefusedError: Files or commands cannot be adapted to the move.
        """
        split_plan = self._split(opened.settings)
        if not self.roots:
            return split_plan

        moving = root_move(opened, path, self.roots)
        return lambda project, keep, move: moving.after(split_plan(project, keep, move))

    def _split(self, settings: Settings) -> Transformation:
        """Return the refactoring that splits a project, except services that *settings* exclude."""
        options = self.options(settings)
        stay = frozenset(settings.split.stay)

        def split_plan(
            project: Project, keep: dict[FileElement, str], move: frozenset[FileElement]
        ) -> Plan:
            unmoved: dict[FileElement, str] = {
                (path, "services", name): UNMOVED_BY_SETTINGS
                for path, file in (project.files.items() if stay else ())
                for name in stay & file.services.keys()
            }
            return split.plan(project, replace(options, keep={**unmoved, **keep}, move=move))

        return split_plan

    def arguments(self) -> list[str]:
        """Return the equivalent command line options."""
        words = []
        for name, value in self.given.items():
            if isinstance(value, Mapping):
                for key, part in value.items():
                    text = part if isinstance(part, str) else ",".join(part)
                    words += [f"--{name.removesuffix('s')}", f"{key}={text}"]
            else:
                words += [f"--{name}"] if value is True else [f"--{name}", value]
        return words + (["--move-roots", self.roots] if self.roots else [])


def groups_of(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the services by group; a group may be given several times.

    Args:
        pairs: Names of groups, each with its services as a comma-separated list.

    Raises:
        UsageError: A service is in two groups.
    """
    groups: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        services = names_of(value)
        for service in services:
            if any(service in members for group, members in groups.items() if group != name):
                raise UsageError(f"--group: {service!r} is in two groups", remedy="keep it in one")
        groups[name] = tuple(dict.fromkeys((*groups.get(name, ()), *services)))
    return groups


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
        if transform not in known:
            raise UsageError(
                f"unknown transform {transform!r}",
                remedy=did_you_mean(transform, known, "known transforms:"),
            )
        options = {option.name: option for option in known[transform].settings}
        if key not in options:
            raise UsageError(
                f"{transform} has no option {key!r}",
                remedy=did_you_mean(key, options, "its options:")
                if options
                else "it has no options",
            )
        values.setdefault(transform, {})[key.replace("-", "_")] = _parse_value(
            name, options[key], value
        )
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
            raise InputError(
                f"unknown transform {name!r}",
                location=settings.location(section, name),
                remedy=did_you_mean(name, known, "known transforms:"),
            )


def configured_values(
    settings: Settings, known: Mapping[str, AnyTransform]
) -> dict[str, dict[str, Any]]:
    """Return the option given of transforms from *settings*.

    Returns:
        The given by transform and by field of its options.

    Raises:
        InputError: An option is unknown, or a value has the wrong type.
    """
    values: dict[str, dict[str, Any]] = {}
    for name, given in settings.transforms.items():
        options = {option.name: option for option in known[name].settings}
        for key, value in given.items():
            location = settings.location("transforms", name, key)
            if key not in options:
                raise InputError(
                    f"{name} has no option {key!r}",
                    location=location,
                    remedy=did_you_mean(key, options, "its options:")
                    if options
                    else "it has no options",
                )
            kind, choices = options[key].kind, options[key].choices
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
        known = {fixer.name: fixer for fixer in fixers()}
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
            if any(field.name == "catalog" for field in fields(fixer.options)):
                options["catalog"] = settings.catalog
            chosen.append(
                ChosenFixer(
                    fixer,
                    fixer.options(**options),
                    unsafe=self.unsafe or settings.fix.unsafe,
                    confidence=self.confidence or settings.fix.confidence,
                    by_name=name in selected,
                    ignored=settings.ignore.get(name, {}),
                )
            )
        return chosen

    def arguments(self) -> list[str]:
        """Return the equivalent command line options."""
        arguments = [] if self.select is None else ["--select", ",".join(self.select)]
        arguments += ["--skip", ",".join(self.skip)] if self.skip else []
        arguments += ["--unsafe"] if self.unsafe else []
        arguments += ["--confidence", self.confidence] if self.confidence else []
        return arguments + [
            word for name, value in self.values for word in ("--set", f"{name}={value}")
        ]


def _check_known(names: Sequence[str], known: Mapping[str, Fixer[Any]]) -> None:
    """Raise UsageError for a name that is not in *known*."""
    for name in sorted(set(names) - known.keys()):
        raise UsageError(
            f"unknown transform {name!r}",
            remedy=did_you_mean(name, known, "known transforms:"),
        )
