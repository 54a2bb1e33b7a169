"""The resolved configurations of two states of a project, for each start command.

Unlike a proof, which reports differences, this returns both configurations, prepared for a reader:
with relative paths, and with variable names in place of made-up values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation
from composerefactor.errors import InputError
from composerefactor.proof.baseline import Baseline, EntryInputs
from composerefactor.proof.comparison import hashes, parse_config, with_texts
from composerefactor.proof.engine import Engine
from composerefactor.proof.scenarios import ALL_PROFILES, FIRST_NUMBER, Scenario, sentinel
from composerefactor.proof.staging import Progress, Run, Runner, StagedCopy

_SENTINEL = re.compile(r"[12][0-9]{4}")
_BLANK = re.compile(r'The \\?"([A-Za-z_]\w*)\\?" variable is not set')


class StateRequest(Struct, frozen=True):
    """One state of a project, and what its files use.

    Attributes:
        entries: The start commands.
        variables_of: Returns the variables that the files of a start command use.
        profiles_of: Returns the profiles that the services of a start command name.
        names: Project names, for start commands that would get a different one from the directory.
    """

    entries: tuple[Invocation, ...]
    variables_of: Callable[[Invocation], Iterable[Variable]]
    profiles_of: Callable[[Invocation], Sequence[str]]
    names: Mapping[Invocation, str] = {}


@dataclass(frozen=True, slots=True)
class ResolvedConfig:
    """The resolved configuration of one start command in one state.

    Paths below the project directory begin with ``./``. A variable for which a value was made up,
    so that the project loads or the variable is recognizable, appears as ``${NAME}``.

    Attributes:
        model: The resolved configuration.
        raw: The uninterpolated configuration; None if Docker Compose prints none.
        hashes: The configuration hash of each service; None if Docker Compose prints none.
        blank: Variables that had no value.
        unknown: Variables that appear as ``${NAME}``.
        is_partial: True if Docker Compose rejects all profiles at once; then *model* combines the
            results of each profile alone.
        error: The message of Docker Compose if it rejects the start command, else ``""``.
    """

    model: Mapping[str, Any] = field(default_factory=dict, repr=False)
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
    hashes: Mapping[str, str] | None = None
    blank: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    is_partial: bool = False
    error: str = ""


class SideBySide(Struct, frozen=True):
    """The resolved configurations of both states.

    Attributes:
        old: The configuration by start command of the old state.
        new: The configuration by start command of the new state.
        assumptions: What was supplied to make the states load, for users.
    """

    old: Mapping[Invocation, ResolvedConfig]
    new: Mapping[Invocation, ResolvedConfig]
    assumptions: tuple[str, ...] = ()


def resolve_both(
    engine: Engine,
    root: Path,
    inputs: Iterable[str],
    changes: Mapping[str, bytes | None],
    pairs: Sequence[tuple[Invocation | None, Invocation | None]],
    old: StateRequest,
    new: StateRequest,
    *,
    shared: Mapping[str, bytes],
    env_files: Iterable[str],
    environ: Mapping[str, str],
    progress: Progress | None,
) -> SideBySide:
    """Return the resolved configurations of the *old* state below *root* and of the *new* one.

    Both start commands of a pair are resolved with the same variables at the same absolute path,
    since hashes depend on paths.

    Args:
        engine: Docker Compose.
        root: The project directory of the old state.
        inputs: What Docker Compose reads, relative to the root.
        changes: The difference between the states: new content by path, None for a deleted file.
        pairs: Which start command of the new state corresponds to which of the old one; either may
            be None.
        old: The start commands of the old state.
        new: The start commands of the new state.
        shared: Files of both states that are missing in *root*.
        env_files: Those of the inputs that are treated as empty if they are missing.
        environ: The shell's variables that are passed to Docker Compose.
        progress: Shows how far the verification is.
    """
    with StagedCopy(root, inputs) as stage:
        for path, content in shared.items():
            place = stage.place(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        runner = Runner(engine, stage, progress=progress, environ=environ)
        baseline = Baseline(runner, env_files)
        was = _own_runs(baseline, old)
        stage.apply(changes)
        now = _own_runs(baseline, new)
        common, full = _environments(pairs, was, now)
        accepted_new = _accepted_entries(runner, now, full)
        stage.reset()
        accepted_old = _accepted_entries(runner, was, full)
        for pair in pairs:
            sides = zip(pair, (was, now), (accepted_old, accepted_new), strict=True)
            if all(e is None or e not in runs or e in accepted for e, runs, accepted in sides):
                common |= {entry: full[entry] for entry in pair if entry in full}
        resolved_old = _resolve_all(runner, was, common, old)
        stage.apply(changes)
        resolved_new = _resolve_all(runner, now, common, new)
        return SideBySide(resolved_old, resolved_new, tuple(baseline.assumptions))


def _own_runs(baseline: Baseline, request: StateRequest) -> dict[Invocation, Run]:
    """Return the first successful run of each start command, or else its first run."""
    by_entry: dict[Invocation, Run] = {}
    inputs = EntryInputs.of(request.entries, request.variables_of, request.profiles_of)
    for run in (run for own in baseline.first_runs(inputs) for run in own):
        known = by_entry.get(run.entry)
        if known is None or (run.result.ok and not known.result.ok):
            by_entry[run.entry] = run
    return by_entry


Environments: TypeAlias = dict[Invocation, Mapping[str, str]]


def _environments(
    pairs: Sequence[tuple[Invocation | None, Invocation | None]],
    was: Mapping[Invocation, Run],
    now: Mapping[Invocation, Run],
) -> tuple[Environments, Environments]:
    """Return two environments for each start command; both of a pair have the same.

    The first has the variables that either needed to load. The second also has a value for each
    variable that would be blank, so that its uses are recognizable. A variable has the same made-up
    value for all start commands, and no other variable has that value.
    """
    given = {
        name
        for run in (*was.values(), *now.values())
        for name in (*run.env, *_blank_variables(run))
    }
    numbers = {name: FIRST_NUMBER + n for n, name in enumerate(sorted(given))}
    needed: Environments = {}
    full: Environments = {}
    for before, after in pairs:
        runs = [
            r for r in (was.get(before) if before else None, now.get(after) if after else None) if r
        ]
        env = {name: value for run in reversed(runs) for name, value in run.env.items()}
        env = {name: _SENTINEL.sub(str(numbers[name]), value) for name, value in env.items()}
        blank = {
            name for run in runs if run.result.ok for name in _blank_variables(run)
        } - env.keys()
        more = {
            name: sentinel(Variable(name, None, required=False), numbers[name]) for name in blank
        }
        for entry in (before, after):
            if entry is not None:
                needed[entry] = env
            if entry is not None and more:
                full[entry] = {**env, **more}
    return needed, full


def _blank_variables(run: Run) -> list[str]:
    """Return the variables that had no value in *run*, from the warnings of Docker Compose."""
    return _BLANK.findall(run.result.stderr)


def _accepted_entries(
    runner: Runner, runs: Mapping[Invocation, Run], environments: Environments
) -> set[Invocation]:
    """Return the start commands that are accepted with *environments*.

    Those that fail in any case, or have no environment, need none and are included if they failed.
    """
    candidates = [run for run in runs.values() if run.result.ok and run.entry in environments]
    results = runner.side_by_side(
        [
            lambda run=run: runner.run(run.entry, run.scenario, environments[run.entry])  # type: ignore[misc]
            for run in candidates
        ]
    )
    return {run.entry for run, result in zip(candidates, results, strict=True) if result.ok} | {
        run.entry for run in runs.values() if not run.result.ok
    }


def _resolve_all(
    runner: Runner,
    runs: Mapping[Invocation, Run],
    environments: Environments,
    request: StateRequest,
) -> dict[Invocation, ResolvedConfig]:
    tasks = [
        lambda run=run: _resolve(runner, run, environments.get(run.entry, run.env), request)
        for run in runs.values()
    ]
    return dict(zip(runs, runner.side_by_side(tasks), strict=True))


def _resolve(
    runner: Runner, run: Run, env: Mapping[str, str], request: StateRequest
) -> ResolvedConfig:
    result, stage = run.result, runner.stage
    profiles = run.scenario.profiles
    name = request.names.get(run.entry)
    entry = replace(run.entry, project_name=name) if name else run.entry
    if result.ok and (name or dict(env) != dict(run.env)):
        again = runner.run(entry, run.scenario, env)
        result, env = (again, env) if again.ok else (result, run.env)
    if not result.ok:
        return ResolvedConfig(error=runner.error_message(result))
    try:
        resolved = parse_config(result.stdout)
    except InputError as error:
        return ResolvedConfig(error=str(error))
    hash_result = runner.run(run.entry, Scenario("hashes", "hash", profiles), env)
    service_hashes = hashes(hash_result.stdout) if hash_result.ok else None
    if profiles != ALL_PROFILES:  # all at once are rejected, so each is resolved alone
        for profile in request.profiles_of(run.entry):
            more = _profile_config(runner, entry, profile, env)
            resolved = _with_missing_entries(resolved, more[0])
            service_hashes = None if service_hashes is None else more[1] | service_hashes
    # The uninterpolated output lacks a project name that comes from a variable or the directory.
    named = replace(run.entry, project_name=resolved.get("name") or run.entry.project_name)
    raw = runner.run(named, Scenario("uninterpolated", "raw", profiles), env)
    found_raw = _config_or_none(raw.stdout, stage) if raw.ok else None
    return ResolvedConfig(
        _with_variable_names(with_texts(resolved, stage.user_text), _made_up_values(env)),
        found_raw,
        service_hashes,
        tuple(sorted(set(_BLANK.findall(result.stderr)))),
        tuple(sorted(name for name in env if name not in run.env)),
        profiles != ALL_PROFILES,
    )


def _profile_config(
    runner: Runner, entry: Invocation, profile: str, env: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the configuration and hashes with one profile alone; empty if it is rejected."""
    result = runner.run(entry, Scenario(profile, profiles=(profile,)), env)
    hashed = runner.run(entry, Scenario(profile, "hash", (profile,)), env)
    if not (result.ok and hashed.ok):
        return {}, {}
    return _config_or_none(result.stdout, None) or {}, hashes(hashed.stdout)


def _with_missing_entries(config: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return *config* with the entries of *more* that its sections do not have."""
    combined = dict(config)
    for section, entries in more.items():
        if isinstance(entries, dict):
            combined[section] = {**entries, **(combined.get(section) or {})}
    return combined


def _config_or_none(output: bytes, stage: StagedCopy | None) -> Any:
    try:
        config = parse_config(output)
    except InputError:
        return None
    return with_texts(config, stage.user_text) if stage else config


def _made_up_values(env: Mapping[str, str]) -> dict[str, str]:
    """Return the made-up values in *env*, each with ``${NAME}`` of its variable."""
    return {value: f"${{{name}}}" for name, value in sorted(env.items()) if _SENTINEL.search(value)}


def _with_variable_names(value: Any, made_up: Mapping[str, str]) -> Any:
    """Return *value* with made-up values replaced by the names of their variables."""
    if not made_up:
        return value
    if isinstance(value, dict):
        return {
            _with_variable_names(name, made_up): _with_variable_names(part, made_up)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_with_variable_names(part, made_up) for part in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return made_up.get(str(value), value)
    if isinstance(value, str):
        for text, name in made_up.items():
            if text in value:
                value = value.replace(text, name)
    return value
