"""The circumstances in which an entry point's model is compared, and the command of each."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation

FIRST_NUMBER = 20001
"""Sentinels count from here: valid as a port, a size, a user id and a text."""

_LAST_PORT = 65535
_RESERVED = frozenset({"PATH", "HOME", "PWD", "LANG", "DOCKER_HOST", "DOCKER_CONFIG"})
_OPPOSITES = {"true": "false", "false": "true", "yes": "no", "no": "yes", "on": "off", "off": "on"}
_WITH_UNIT = re.compile(r"\d+(?:\.\d+)?(?P<unit>[a-zA-Z]{1,3})", re.ASCII)
_FORMS: tuple[tuple[re.Pattern[str], Callable[[str, int], str]], ...] = (
    (re.compile(r"[0-9]+$"), lambda text, n: str(n if text != str(n) else n + _LAST_PORT)),
    (re.compile(r"[0-9]+\.[0-9]+$"), lambda _, n: f"{n}.5"),
    (re.compile(r"(?:[0-9.]+(?:h|ms|us|m|s)){2,}$"), lambda _, n: f"{n}s"),
    (
        re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}$"),
        lambda _, n: f"10.77.{n // 250 % 250}.{n % 250}",
    ),
    (re.compile(r"[.~]?/|\.{1,2}(?:$|/)"), lambda text, n: f"{text.rstrip('/')}/{n}"),
)
"""Kinds of defaults, and what stands for each."""


_PATH_NAME = re.compile(r"(?:DIR|DIRECTORY|PATH|FOLDER|ROOT|MOUNT|SOCKET|HOME)$", re.IGNORECASE)
_NUMBER = re.compile(r"[2-9][0-9]{4}")


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


Kind: TypeAlias = Literal["model", "hash", "raw"]
Where: TypeAlias = Literal["project", "subdirectory", "parent"]

MAX_PROFILES = 8
"""At most so many profiles are tried alone; which are left is said."""

ELSEWHERE = ".composerefactor-elsewhere"
"""An empty directory in the stage, for runs from a subdirectory."""

ALL_PROFILES = ("*",)
OWN = "own environment"
_OUTPUT: dict[Kind, tuple[str, ...]] = {
    # YAML prints what JSON leaves out or fails on: x-* of services, models, ssh keys with a path.
    "model": ("--format", "yaml"),
    "hash": ("--hash", "*"),
    "raw": ("--format", "yaml", "--no-interpolate"),
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which the engine is asked about an entry point.

    *kind* is what is asked for: the ``model``, each service's ``hash``, or the ``raw``
    (uninterpolated) model. *environments* are tried in turn until the original loads; each maps
    variables to values. *empty_env_file* puts an empty file in place of the env files. *probe* is
    an additional last ``-f`` file, an absolute path. *essential* ones are asked even in a quick
    check.
    """

    name: str
    kind: Kind = "model"
    profiles: tuple[str, ...] = ALL_PROFILES
    where: Where = "project"
    environments: tuple[Mapping[str, str], ...] = field(default=({},), compare=False)
    empty_env_file: bool = False
    probe: str | None = None
    essential: bool = False


def own(blank: Mapping[str, Variable], profiles: tuple[str, ...] = ALL_PROFILES) -> Scenario:
    """Return the command as it is, but with all profiles.

    *blank* are the variables that nothing gives a value: if the project is not accepted without,
    it is tried with values for them.
    """
    return Scenario(
        OWN if profiles == ALL_PROFILES else _profile_name(profiles),
        profiles=profiles,
        environments=({}, *sentinel_sets(blank)),
        essential=True,
    )


def scenarios(
    entry: Invocation,
    variables: Mapping[str, Variable],
    *,
    has_env_file: bool,
    profiles: Sequence[str] = (),
    together: bool = True,
) -> list[Scenario]:
    """Return what is compared for *entry* besides :func:`own`; what cannot differ is left out.

    *variables* are all that its files use; *has_env_file* says whether the command reads an env
    file; *profiles* are all that its services name. *together* is False for a project that cannot
    have all profiles at once: then it is compared with none and with each alone.
    """
    base = ALL_PROFILES if together else ()
    alone = [(profile,) for profile in list(dict.fromkeys(profiles))[:MAX_PROFILES]]
    found: list[Scenario] = []
    sets = sentinel_sets(variables)
    if sets:
        found.append(Scenario("all variables set", profiles=base, environments=tuple(sets)))
    if has_env_file:
        found.append(
            Scenario(
                "empty --env-file",
                profiles=base,
                environments=({}, *sentinel_sets(_without_default(variables))),
                empty_env_file=True,
            )
        )
    found.append(Scenario("from a subdirectory", profiles=base, where="subdirectory"))
    found.append(Scenario("from the parent directory", profiles=base, where="parent"))
    sets_of_profiles = [(), *alone, entry.profiles] if profiles else []
    for chosen in dict.fromkeys(sets_of_profiles):
        if together or chosen:
            name = _profile_name(chosen)
            found.append(Scenario(name, profiles=chosen, essential=not together))
    # What differs is reported where it shows first, so these come after the models.
    found.append(Scenario("uninterpolated", kind="raw", profiles=base, essential=True))
    found.append(Scenario("hashes", kind="hash", profiles=base))
    if not together:
        found += [
            Scenario(f"hashes, {_profile_name(each)}", kind="hash", profiles=each) for each in alone
        ]
    return found


def left_out(profiles: Sequence[str]) -> list[str]:
    """Return the profiles that :func:`circumstances` does not try alone."""
    return list(dict.fromkeys(profiles))[MAX_PROFILES:]


class Ground(Protocol):
    """Where a project stands: in a staged copy, or in its own directory."""

    @property
    def empty_env_file(self) -> Path:
        """An empty file."""
        ...

    def place(self, path: str) -> Path:
        """Return where *path*, relative to the project directory, stands."""
        ...


def command(entry: Invocation, scenario: Scenario, stage: Ground) -> tuple[list[str], Path]:
    """Return the engine's arguments for *entry* in *scenario*, and the directory to run in."""
    home = stage.place(entry.directory)
    cwd = home.parent if scenario.where == "parent" else home
    if scenario.where == "subdirectory":
        cwd = home / ELSEWHERE
    cwd.mkdir(parents=True, exist_ok=True)

    def named(option: str, path: str) -> list[str]:
        return [option, Path(os.path.relpath(stage.place(path), cwd)).as_posix()]

    args: list[str] = []
    # Without -f the engine looks for its files in the directory and above it, never below.
    if not entry.implicit or scenario.where == "parent" or scenario.probe:
        args += [word for file in entry.files for word in named("-f", file)]
    if scenario.probe:
        args += ["-f", scenario.probe]
    if scenario.empty_env_file:
        args += ["--env-file", str(stage.empty_env_file)]
    else:
        args += [word for file in entry.env_files for word in named("--env-file", file)]
    if entry.project_directory is not None:
        args += named("--project-directory", entry.project_directory)
    if entry.project_name is not None:
        args += ["-p", entry.project_name]
    args += [word for profile in scenario.profiles for word in ("--profile", profile)]
    return [*args, "config", *_OUTPUT[scenario.kind]], cwd


def _profile_name(profiles: tuple[str, ...]) -> str:
    if not profiles:
        return "no profile"
    return f"profile {', '.join(profiles)}"


def _without_default(variables: Mapping[str, Variable]) -> dict[str, Variable]:
    return {name: found for name, found in variables.items() if found.default is None}
