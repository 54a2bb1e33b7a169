"""What a user asks of ``split``, as a value: planned from it, and written as arguments.

The command line and the wizard both make one, so that the two do the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from composerefactor.compose.project import Project
from composerefactor.errors import InputError, UsageError
from composerefactor.planning.fixes import ChosenFixer
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import relocated
from composerefactor.planning.registry import fixers, rule_names
from composerefactor.planning.selection import Transformation
from composerefactor.planning.settings import Settings
from composerefactor.refactoring.contract import AnyTransform, Fixer, Option, Part, Plan
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split

Pairs: TypeAlias = tuple[tuple[str, str], ...]
Groups: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]

STAYS = "the settings keep it in place"


class SplitRequest(Struct, frozen=True):
    """The options of ``split``; what is empty is taken from the settings.

    *groups* has services by module, *modules* paths by service, *environments* names by root.
    *roots* is the directory that the root files move to, ``""`` where they stay.
    """

    into: str = ""
    strategy: str = ""
    granularity: str = ""
    anchors: str = ""
    groups: Groups = ()
    modules: Pairs = ()
    environments: Pairs = ()
    roots: str = ""

    def options(self, settings: Settings) -> SplitOptions:
        """Return the options with the defaults in *settings*."""
        defaults = settings.split
        return SplitOptions(
            self.into or defaults.into or "",
            self.granularity or defaults.granularity or "auto",
            dict(self.groups) or dict(defaults.groups),
            {**defaults.modules, **dict(self.modules)},
            anchors=self.anchors or defaults.anchors or "copy",
            strategy=self.strategy or defaults.strategy or "include",
            catalog=settings.catalog,
            variants={**defaults.environments, **dict(self.environments)},
        )

    def transformation(self, opened: OpenProject, path: Path) -> Transformation:
        """Return what divides the project that is open as asked, and moves its roots if asked.

        *path* is where the user says that it is. Raises UsageError and RefusedError for roots that
        cannot move.
        """
        planned = self._division(opened.settings)
        if not self.roots:
            return planned

        moving = relocated(opened, path, self.roots)
        return lambda project, keep, move: moving.after(planned(project, keep, move))

    def _division(self, settings: Settings) -> Transformation:
        """Return what divides a project as asked, except what *settings* keep in place."""
        options = self.options(settings)
        stay = frozenset(settings.split.stay)

        def planned(project: Project, keep: dict[Part, str], move: frozenset[Part]) -> Plan:
            kept: dict[Part, str] = {
                (path, "services", name): STAYS
                for path, file in (project.files.items() if stay else ())
                for name in stay & file.services.keys()
            }
            return split.plan(project, replace(options, keep={**kept, **keep}, move=move))

        return planned

    def arguments(self) -> list[str]:
        """Return the command line's options that say the same."""
        given = [
            ("--into", self.into),
            ("--strategy", self.strategy),
            ("--granularity", self.granularity),
            ("--anchors", self.anchors),
            *(("--group", f"{name}={','.join(services)}") for name, services in self.groups),
            *(("--module", f"{service}={path}") for service, path in self.modules),
            *(("--environment", f"{path}={name}") for path, name in self.environments),
            ("--move-roots", self.roots),
        ]
        return [word for option, value in given if value for word in (option, value)]


def groups_of(pairs: Iterable[tuple[str, str]]) -> Groups:
    """Return the services by group; a group may be given in parts, a service only once.

    Raises UsageError for a service in two groups.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        services = names_of(value)
        for service in services:
            if any(service in members for group, members in found.items() if group != name):
                raise UsageError(f"--group: {service!r} is in two groups", remedy="choose one")
        found[name] = tuple(dict.fromkeys((*found.get(name, ()), *services)))
    return tuple(found.items())


def names_of(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


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


class FixRequest(Struct, frozen=True):
    """The options of ``fix``: *select* is None, *unsafe* False where the settings are to say.

    *values* has options of transforms as ``--set`` takes them: ``("NAME.OPTION", "VALUE")``.
    """

    select: tuple[str, ...] | None = None
    skip: tuple[str, ...] = ()
    unsafe: bool = False
    values: tuple[tuple[str, str], ...] = ()

    def chosen(self, settings: Settings) -> list[ChosenFixer]:
        """Return the transforms to run with their options, in order.

        Raises UsageError for names that no transform has and options that it does not take,
        InputError where *settings* have them.
        """
        known = {each.name: each for each in fixers()}
        check_names(settings, known)
        _check(self.select or (), known)
        _check(self.skip, known)
        wanted = set(settings.fix.select if self.select is None else self.select)
        unwanted = {*self.skip, *settings.fix.skip}
        configured = configured_values(settings, known)
        given = option_values([f"{name}={value}" for name, value in self.values], known)
        chosen = []
        for name, each in known.items():
            if name in unwanted or (name not in wanted if wanted else each.selected_only):
                continue
            options = {**configured.get(name, {}), **given.get(name, {})}
            if any(f.name == "catalog" for f in fields(each.options)):
                options["catalog"] = settings.catalog
            chosen.append(
                ChosenFixer(
                    each,
                    each.options(**options),
                    unsafe=self.unsafe or bool(settings.fix.unsafe),
                    asked=name in wanted,
                    ignored=settings.ignore.get(name, {}),
                )
            )
        return chosen

    def arguments(self) -> list[str]:
        """Return the command line's options that say the same."""
        words = [] if self.select is None else ["--select", ",".join(self.select)]
        words += ["--skip", ",".join(self.skip)] if self.skip else []
        words += ["--unsafe"] if self.unsafe else []
        return words + [w for name, value in self.values for w in ("--set", f"{name}={value}")]


def _check(names: Sequence[str], known: Mapping[str, Fixer[Any]]) -> None:
    for name in sorted(set(names) - known.keys()):
        raise UsageError(
            f"no transform is called {name!r}", remedy="there are: " + ", ".join(known)
        )
