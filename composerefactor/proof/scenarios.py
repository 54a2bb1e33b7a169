"""The scenarios in which a start command is resolved, with the command line of each.

The resolved configurations before and after a change are compared in every scenario: with values
for all variables, with an empty env file, with each profile, from other directories,
uninterpolated, and by configuration hash. A *sentinel* is a made-up value of a variable that shows
where the variable is used.

Scenarios may follow from others, if both states of a project are known beforehand. Without
``include``, all files of a start command have the same variables and the same project directory.
Then equal uninterpolated configurations are equal with any variables, in any directory.

With ``include``, values of variables show what an uninterpolated configuration does: if no
expression was added or lost, and each variable has its own values, an expression that has another
place, or became text, shows in one of two runs with different values. Two more things show only in
the uninterpolated configuration: a resource that no service uses, and the path of an env file.

A start command that merges unchanged files over those of another one has the same scenarios.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.interpolation import Variable, expressions
from composerefactor.compose.invocation import Invocation

FIRST_NUMBER = 20001
"""The first sentinel: valid as a port, a size, a user id and a text; the next ones count up."""

_LAST_PORT = 65535
_RESERVED = frozenset({"PATH", "HOME", "PWD", "LANG", "DOCKER_HOST", "DOCKER_CONFIG"})
_OPPOSITES = {"true": "false", "false": "true", "yes": "no", "no": "yes", "on": "off", "off": "on"}
_WITH_UNIT = r"(?a)\d+(?:\.\d+)?(?P<unit>[a-zA-Z]{1,3})"
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
"""Patterns of default values, and how a sentinel of the same kind is made."""


_PATH_NAME = r"(?i)(?:DIR|DIRECTORY|PATH|FOLDER|ROOT|MOUNT|SOCKET|HOME)$"
_NUMBER = r"[2-9][0-9]{4}"


def merge_variables(variables: Iterable[Variable]) -> dict[str, Variable]:
    """Return one Variable per name: required if any use requires it, with the first default.

    Variables with a meaning for Docker Compose itself or for every program are excluded.
    """
    by_name: dict[str, Variable] = {}
    for variable in variables:
        if variable.name in _RESERVED or variable.name.startswith("COMPOSE_"):
            continue
        known = by_name.get(variable.name, variable)
        default = known.default if known.default is not None else variable.default
        required = known.required or variable.required
        by_name[variable.name] = Variable(variable.name, default, required)
    return by_name


def sentinel(variable: Variable, number: int) -> str:
    """Return a made-up value of the same kind as the default of *variable*.

    It differs from the default, and from the value for any other *number*. A number, size,
    duration, boolean, address or path remains one; other text gets a suffix. Without a default the
    value is the number, or a path if the variable's name indicates one.
    """
    text = (variable.default or "").strip()
    if not text or "$" in text:
        return f"/{number}" if re.search(_PATH_NAME, variable.name) else str(number)
    if text.lower() in _OPPOSITES:
        return _OPPOSITES[text.lower()]
    if unit := re.fullmatch(_WITH_UNIT, text):
        return f"{number}{unit['unit']}"
    for pattern, form in _FORMS:
        if pattern.match(text):
            return form(text, number)
    return f"{text}-{number}"


def sentinel_sets(variables: Mapping[str, Variable]) -> list[dict[str, str]]:
    """Return environments that set all of *variables*, the most revealing one first.

    The later ones are for projects that reject the first: text keeps its default (it may be one of
    a fixed set of words), then every value is ``1``, then every value is a path.
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


def adjusted_values(values: Mapping[str, str], error: str) -> dict[str, str] | None:
    """Return *values* with another kind of value for the variables whose sentinels are in *error*.

    A number becomes a path, a path becomes ``true``. Returns None if Docker Compose's message
    contains no sentinel.
    """
    changed: dict[str, str] = {}
    shown = set(re.findall(_NUMBER, error))
    for name, value in values.items():
        number = re.search(_NUMBER, value)
        if number and number[0] in shown:
            is_last = value.startswith("/") or "boolean" in error
            changed[name] = "true" if is_last else f"/{number[0]}"
    return {**values, **changed} if changed else None


Kind: TypeAlias = Literal["model", "hash", "raw"]
RunFrom: TypeAlias = Literal["project", "subdirectory", "parent"]

MAX_PROFILES = 8
"""Profiles that are tried alone, at most; the others are reported as not verified."""

SUBDIRECTORY = ".composerefactor-elsewhere"
"""An empty directory in the staged copy, for runs from a subdirectory."""

ALL_PROFILES = ("*",)
OWN = "own environment"
_OUTPUT_OPTIONS: dict[Kind, tuple[str, ...]] = {
    # JSON omits or fails on x-* of services, models, and ssh keys with a path; YAML prints them.
    "model": ("--format", "yaml"),
    "hash": ("--hash", "*"),
    "raw": ("--format", "yaml", "--no-interpolate"),
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario in which a start command is resolved.

    Attributes:
        name: What the scenario is, for users.
        kind: The requested output: ``"model"`` is the resolved configuration, ``"hash"`` the
            configuration hash of each service, ``"raw"`` the uninterpolated configuration.
        profiles: The active profiles; ``("*",)`` activates all.
        where: The directory to run from: that of the start command, one below it, or its parent.
        environments: Environments, tried in turn until the original loads; each maps variables to
            values.
        empty_env_file: True to replace the env files by an empty one.
        probe: The absolute path of an additional last ``-f`` file.
        essential: True for a scenario that is part of a quick check too.
        parts: The scenarios that this one combines. They run only if it shows a difference, to say
            which of them it was.
    """

    name: str
    kind: Kind = "model"
    profiles: tuple[str, ...] = ALL_PROFILES
    where: RunFrom = "project"
    environments: tuple[Mapping[str, str], ...] = field(default=({},), compare=False)
    empty_env_file: bool = False
    probe: str | None = None
    essential: bool = False
    parts: tuple[Scenario, ...] = field(default=(), compare=False)


def own_scenario(
    blank: Mapping[str, Variable], profiles: tuple[str, ...] = ALL_PROFILES
) -> Scenario:
    """Return the scenario of the start command itself, but with all profiles (or *profiles*).

    *blank* are the variables that have no value. If Docker Compose rejects the project without
    them, values for them are tried.
    """
    return Scenario(
        OWN if profiles == ALL_PROFILES else _profile_name(profiles),
        profiles=profiles,
        environments=({}, *sentinel_sets(blank)),
        essential=True,
    )


def raw_scenario(profiles: tuple[str, ...] = ALL_PROFILES) -> Scenario:
    """Return the scenario of the uninterpolated configuration."""
    return Scenario("uninterpolated", kind="raw", profiles=profiles, essential=True)


def hash_scenario(profiles: tuple[str, ...]) -> Scenario:
    """Return the scenario of the configuration hash of each service."""
    return Scenario("hashes", kind="hash", profiles=profiles)


def other_scenarios(
    entry: Invocation,
    variables: Mapping[str, Variable],
    *,
    has_env_file: bool,
    profiles: Sequence[str] = (),
    together: bool = True,
) -> list[Scenario]:
    """Return the scenarios for *entry* besides :func:`own_scenario`, as far as they can differ.

    Args:
        entry: The start command.
        variables: All variables that its files use.
        has_env_file: Whether the command reads an env file.
        profiles: All profiles that its services name.
        together: False if Docker Compose rejects all profiles at once. Then the scenarios have no
            profile, or one profile alone.
    """
    base = ALL_PROFILES if together else ()
    alone = [(profile,) for profile in list(dict.fromkeys(profiles))[:MAX_PROFILES]]
    result: list[Scenario] = []
    sets = sentinel_sets(variables)
    if sets:
        result.append(Scenario("all variables set", profiles=base, environments=tuple(sets)))
    if has_env_file:
        blank = {name: each for name, each in variables.items() if each.default is None}
        result.append(
            Scenario(
                "empty --env-file",
                profiles=base,
                environments=({}, *sentinel_sets(blank)),
                empty_env_file=True,
            )
        )
    result.append(Scenario("from a subdirectory", profiles=base, where="subdirectory"))
    result.append(Scenario("from the parent directory", profiles=base, where="parent"))
    sets_of_profiles = [(), *alone, entry.profiles] if profiles else []
    for chosen in dict.fromkeys(sets_of_profiles):
        if together or chosen:
            name = _profile_name(chosen)
            result.append(Scenario(name, profiles=chosen, essential=not together))
    # A difference is reported for the first scenario that shows it, so these come last.
    result.append(raw_scenario(base))
    result.append(hash_scenario(base))
    if not together:
        result += [
            Scenario(f"hashes, {_profile_name(names)}", kind="hash", profiles=names)
            for names in alone
        ]
    return result


COMBINED = "other variables, env file and directory at once"


def combined_scenario(
    variables: Mapping[str, Variable],
    unset: Collection[str],
    parts: Sequence[Scenario],
    where: RunFrom,
) -> Scenario | None:
    """Return one scenario in place of *parts*, which are independent of each other.

    The variables *unset* are not set, so that a second reading of the env files that set them
    shows; all others are set to sentinels. Required variables are always set. If Docker Compose
    rejects that, variables without a default are set too.

    Args:
        variables: All variables that the files of the start command use.
        unset: Variables that env files of the start command set.
        parts: Those scenarios of :func:`other_scenarios` that have no effect on each other.
        where: The directory to run from.

    Returns:
        The scenario; None if there are no parts.
    """
    if not parts:
        return None
    empty = any(part.empty_env_file for part in parts)
    optional = {v.name for v in variables.values() if empty and not v.required} & {*unset}
    with_default = {name for name in optional if variables[name].default is not None}
    environments = [
        {name: value for name, value in values.items() if name not in names}
        for values in sentinel_sets(variables) or [{}]
        for names in (optional, with_default)
    ]
    return Scenario(
        COMBINED,
        profiles=parts[0].profiles,
        where=where,
        environments=tuple(e for n, e in enumerate(environments) if e not in environments[:n]),
        empty_env_file=empty,
        parts=tuple(parts),
    )


def untried_profiles(profiles: Sequence[str]) -> list[str]:
    """Return the profiles that :func:`other_scenarios` does not try alone."""
    return list(dict.fromkeys(profiles))[MAX_PROFILES:]


class ProjectPlace(Protocol):
    """The directory of a project: a staged copy, or its own directory."""

    @property
    def empty_env_file(self) -> Path:
        """The path of an empty file."""
        ...

    def place(self, path: str) -> Path:
        """Return the absolute path of *path*, which is relative to the project directory."""
        ...


def config_command(
    entry: Invocation, scenario: Scenario, stage: ProjectPlace
) -> tuple[list[str], Path]:
    """Return the arguments for *entry* in *scenario*, and the directory to run in.

    Creates that directory if it is missing.
    """
    home = stage.place(entry.directory)
    cwd = home.parent if scenario.where == "parent" else home
    if scenario.where == "subdirectory":
        cwd = home / SUBDIRECTORY
    cwd.mkdir(parents=True, exist_ok=True)

    def path_option(option: str, path: str) -> list[str]:
        return [option, Path(os.path.relpath(stage.place(path), cwd)).as_posix()]

    args: list[str] = []
    # Without -f, Docker Compose searches the directory and those above it, never below.
    if not entry.implicit or scenario.where == "parent" or scenario.probe:
        args += [word for file in entry.files for word in path_option("-f", file)]
    if scenario.probe:
        args += ["-f", scenario.probe]
    if scenario.empty_env_file:
        args += ["--env-file", str(stage.empty_env_file)]
    else:
        args += [word for file in entry.env_files for word in path_option("--env-file", file)]
    if entry.project_directory is not None:
        args += path_option("--project-directory", entry.project_directory)
    if entry.project_name is not None:
        args += ["-p", entry.project_name]
    args += [word for profile in scenario.profiles for word in ("--profile", profile)]
    return [*args, "config", *_OUTPUT_OPTIONS[scenario.kind]], cwd


def _profile_name(profiles: tuple[str, ...]) -> str:
    if not profiles:
        return "no profile"
    return f"profile {', '.join(profiles)}"


class Needed(Struct, frozen=True):
    """The scenarios that a start command needs besides the one of the command itself.

    Attributes:
        raw: Whether the uninterpolated configuration is needed.
        combined: Whether the combined scenario is needed. Without *raw*, the uninterpolated
            configuration is needed all the same if two variables have the same values, or if no
            service uses one of the *resources*.
        resources: The section and the name of the resources that the files define.
        follows: The start command from whose scenarios those of this one follow, if Docker Compose
            accepts it.
    """

    raw: bool = True
    combined: bool = True
    resources: frozenset[tuple[str, str]] = frozenset()
    follows: Invocation | None = None


class Definitions(Struct, frozen=True):
    """What the files of one state of a project define.

    Attributes:
        compose_files: The paths of the Compose files, as they are called in the old state.
        env_files: The paths of the env files that services name.
        resources: The section and the name of each network, volume, secret and config.
    """

    compose_files: frozenset[str]
    env_files: frozenset[str]
    resources: frozenset[tuple[str, str]]


def needed_scenarios(
    entries: Sequence[Invocation],
    texts: Mapping[str, bytes],
    changes: Mapping[str, bytes | None],
    old: Definitions,
    new: Definitions,
) -> dict[Invocation, Needed]:
    """Return what each of *entries* needs to be compared before and after *changes*.

    Args:
        entries: The start commands.
        texts: The old content of all files that Docker Compose reads, by path.
        changes: The new content of changed files by path, None for a deleted file.
        old: What the old state defines.
        new: What the new state defines.
    """
    compose_files = old.compose_files | new.compose_files
    for path, content in changes.items():
        if path not in compose_files and any(map(_has_values, (content, texts.get(path)))):
            return {}  # the content of env files has variables, too
    needed = _needed(texts, changes, old, new)
    result: dict[Invocation, Needed] = {}
    for entry in entries:
        base = next((each for each in entries if _extends(entry, each, texts, changes)), None)
        if base is None:
            result[entry] = needed
        else:
            result[entry] = Needed(raw=False, combined=False, follows=base)
    return result


def _has_values(content: bytes | None) -> bool:
    """Return whether an env file has more than comments."""
    lines = (line.strip() for line in (content or b"").splitlines())
    return any(line and not line.startswith(b"#") for line in lines)


def _needed(
    texts: Mapping[str, bytes],
    changes: Mapping[str, bytes | None],
    old: Definitions,
    new: Definitions,
) -> Needed:
    if not changes:
        return Needed(raw=False, combined=False)
    paths = old.compose_files | new.compose_files
    before = _text(texts[path] for path in paths & texts.keys())
    after = _text(changes.get(path, texts.get(path)) for path in paths)
    if "include" not in before + after:
        return Needed(combined=False)
    is_kept = (
        old.resources == new.resources
        and _keeps_expressions(before, after)
        and all(
            _count(PurePosixPath(path).name, before) <= _count(PurePosixPath(path).name, after)
            for path in old.env_files
        )
    )
    return Needed(raw=not is_kept, resources=old.resources)


def _text(contents: Iterable[bytes | None]) -> str:
    return "\n".join((content or b"").decode("utf-8", "replace") for content in contents)


def _count(name: str, text: str) -> int:
    """Return how often *text* has the file name *name*."""
    return len(re.findall(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text))


def _keeps_expressions(before: str, after: str) -> bool:
    """Return whether all expressions stay, none is new, and each variable has only one."""
    old, new = _expressions(before), _expressions(after)
    names = [name for name, _ in old]
    return (
        old.keys() == new.keys()
        and all(new[each] >= number for each, number in old.items())
        and len(names) == len({*names})
        and len(names) == len(merge_variables(Variable(name) for name in names))
    )


def _expressions(text: str) -> Counter[tuple[str, str]]:
    """Return how often each expression occurs in *text*, with the name of its variable."""
    return Counter((each.name, text[each.start : each.end]) for each in expressions(text))


def _extends(
    entry: Invocation,
    base: Invocation,
    texts: Mapping[str, bytes],
    changes: Mapping[str, bytes | None],
) -> bool:
    """Return whether *entry* is *base* with more files, which are unchanged and read no others."""
    number = len(base.files)
    more = entry.files[number:]
    if not more or entry.files[:number] != base.files or base.assumed:
        return False
    same_but_files = replace(
        entry, files=base.files, profiles=base.profiles, implicit=base.implicit, assumed=False
    )
    return same_but_files == base and all(
        path in texts
        and path not in changes
        and not any(word in texts[path] for word in (b"include", b"extends"))
        for path in more
    )
