"""Two states of a project, each entry point as the engine resolves it in both."""

from __future__ import annotations

import os
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
from composerefactor.proof.baseline import Baseline
from composerefactor.proof.comparison import hashes, model
from composerefactor.proof.engine import DEFAULT_TIMEOUT, Engine
from composerefactor.proof.scenarios import ALL_PROFILES, FIRST_NUMBER, Scenario, sentinel
from composerefactor.proof.staging import Run, Runner, Stage

_SENTINEL = re.compile(r"[12][0-9]{4}")
_BLANK = re.compile(r'The \\?"([A-Za-z_]\w*)\\?" variable is not set')


class StateRequest(Struct, frozen=True):
    """What is asked about one state: its entry points, and what their files use.

    *names* are project names for entry points that the directory would give another one.
    """

    entries: tuple[Invocation, ...]
    variables_of: Callable[[Invocation], Iterable[Variable]]
    profiles_of: Callable[[Invocation], Sequence[str]]
    names: Mapping[Invocation, str] = {}


@dataclass(frozen=True, slots=True)
class ResolvedConfig:
    """What the engine makes of one entry point in one state.

    *error* has its words where it rejects it. *raw* is the uninterpolated model and *hashes* has
    each service's; None where the engine gives none. *blank* are
    variables that had no value, *unknown* those for which a name stands. Paths below the project
    directory begin with ``./``, and a variable that was given a value so that the project loads, or
    so that it can be told from others, stands as ``${NAME}``. *is_partial* is True where all
    profiles together are rejected: then the model has what each alone gives.
    """

    model: Mapping[str, Any] = field(default_factory=dict, repr=False)
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
    hashes: Mapping[str, str] | None = None
    blank: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    is_partial: bool = False
    error: str = ""


class SideBySide(Struct, frozen=True):
    """Both states of some entry points; *assumptions* were made so that they load, in words."""

    old: Mapping[Invocation, ResolvedConfig]
    new: Mapping[Invocation, ResolvedConfig]
    assumptions: tuple[str, ...] = ()
    runs: int = 0


def resolve_both(
    engine: Engine,
    root: Path,
    inputs: Iterable[str],
    changes: Mapping[str, bytes | None],
    pairs: Sequence[tuple[Invocation | None, Invocation | None]],
    old: StateRequest,
    new: StateRequest,
    *,
    shared: Mapping[str, bytes] | None = None,
    env_files: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> SideBySide:
    """Return what the engine makes of the *old* state below *root* and of the *new* one.

    *inputs* are what it reads, *changes* what makes the new state of the old one (paths to
    contents, None deletes), *shared* files that count for both and are missing in the old one.
    *pairs* says which entry point of the new state is which of the old; one of a pair may be None.
    Both of a pair are resolved with the same variables at the same absolute path, since hashes hold
    paths.
    """
    with Stage(root, inputs) as stage:
        for path, content in (shared or {}).items():
            place = stage.place(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        runner = Runner(engine, stage, timeout=timeout, progress=progress, environ=environ)
        baseline = Baseline(runner, env_files)
        was = _own(baseline, old)
        stage.apply(changes)
        now = _own(baseline, new)
        common, full = _environments(pairs, was, now)
        accepted_new = _accepted(runner, now, full)
        stage.reset()
        accepted_old = _accepted(runner, was, full)
        for pair in pairs:
            sides = zip(pair, (was, now), (accepted_old, accepted_new), strict=True)
            if all(e is None or e not in runs or e in accepted for e, runs, accepted in sides):
                common |= {entry: full[entry] for entry in pair if entry in full}
        resolved_old = _resolved(runner, was, common, old)
        stage.apply(changes)
        resolved_new = _resolved(runner, now, common, new)
        return SideBySide(resolved_old, resolved_new, tuple(baseline.assumptions), runner.runs)


def _own(baseline: Baseline, asked: StateRequest) -> dict[Invocation, Run]:
    """Return for each entry point the run that counts: the first that the engine accepts."""
    found: dict[Invocation, Run] = {}
    for run in baseline.own_runs(asked.entries, asked.variables_of, asked.profiles_of):
        before = found.get(run.entry)
        if before is None or (run.result.ok and not before.result.ok):
            found[run.entry] = run
    return found


Environments: TypeAlias = dict[Invocation, Mapping[str, str]]


def _environments(
    pairs: Sequence[tuple[Invocation | None, Invocation | None]],
    was: Mapping[Invocation, Run],
    now: Mapping[Invocation, Run],
) -> tuple[Environments, Environments]:
    """Return the variables for both of a pair: what either needed to load, and more.

    The second has a value for each variable that is blank otherwise too, so that it can be told
    from others. A variable has one made-up value in all entry points, and no other has it.
    """
    given = {name for run in (*was.values(), *now.values()) for name in (*run.env, *_blank(run))}
    numbers = {name: FIRST_NUMBER + n for n, name in enumerate(sorted(given))}
    needed: Environments = {}
    full: Environments = {}
    for before, after in pairs:
        runs = [
            r for r in (was.get(before) if before else None, now.get(after) if after else None) if r
        ]
        env = {name: value for run in reversed(runs) for name, value in run.env.items()}
        env = {name: _SENTINEL.sub(str(numbers[name]), value) for name, value in env.items()}
        blank = {name for run in runs if run.result.ok for name in _blank(run)} - env.keys()
        more = {
            name: sentinel(Variable(name, None, required=False), numbers[name]) for name in blank
        }
        for entry in (before, after):
            if entry is not None:
                needed[entry] = env
            if entry is not None and more:
                full[entry] = {**env, **more}
    return needed, full


def _blank(run: Run) -> list[str]:
    """Return the variables that had no value in *run*, as the engine warns."""
    return _BLANK.findall(run.result.stderr)


def _accepted(
    runner: Runner, runs: Mapping[Invocation, Run], environments: Environments
) -> set[Invocation]:
    """Return the entry points that the engine accepts with *environments*."""
    asked = [run for run in runs.values() if run.result.ok and run.entry in environments]
    results = runner.side_by_side(
        [
            lambda run=run: runner.run(run.entry, run.scenario, environments[run.entry])  # type: ignore[misc]
            for run in asked
        ]
    )
    return {run.entry for run, result in zip(asked, results, strict=True) if result.ok} | {
        run.entry for run in runs.values() if not run.result.ok
    }


def _resolved(
    runner: Runner, runs: Mapping[Invocation, Run], environments: Environments, asked: StateRequest
) -> dict[Invocation, ResolvedConfig]:
    tasks = [
        lambda run=run: _resolved_one(runner, run, environments.get(run.entry, run.env), asked)
        for run in runs.values()
    ]
    return dict(zip(runs, runner.side_by_side(tasks), strict=True))


def _resolved_one(
    runner: Runner, run: Run, env: Mapping[str, str], asked: StateRequest
) -> ResolvedConfig:
    result, stage = run.result, runner.stage
    profiles = run.scenario.profiles
    name = asked.names.get(run.entry)
    entry = replace(run.entry, project_name=name) if name else run.entry
    if result.ok and (name or dict(env) != dict(run.env)):
        again = runner.run(entry, run.scenario, env)
        result, env = (again, env) if again.ok else (result, run.env)
    if not result.ok:
        return ResolvedConfig(error=runner.words(result))
    try:
        resolved = model(result.stdout)
    except InputError as error:
        return ResolvedConfig(error=str(error))
    hashed = runner.run(run.entry, Scenario("hashes", "hash", profiles), env)
    found_hashes = hashes(hashed.stdout) if hashed.ok else None
    if profiles != ALL_PROFILES:  # all together are rejected: each alone
        for profile in asked.profiles_of(run.entry):
            more = _of_profile(runner, entry, profile, env)
            resolved = _together(resolved, more[0])
            found_hashes = None if found_hashes is None else more[1] | found_hashes
    # A name that a variable or the directory gives is missing in the uninterpolated model.
    named = replace(run.entry, project_name=resolved.get("name") or run.entry.project_name)
    raw = runner.run(named, Scenario("uninterpolated", "raw", profiles), env)
    found_raw = _model_or_none(raw.stdout, stage) if raw.ok else None
    return ResolvedConfig(
        _named(_relative(resolved, stage), _made_up(env)),
        found_raw,
        found_hashes,
        tuple(sorted(set(_BLANK.findall(result.stderr)))),
        tuple(sorted(name for name in env if name not in run.env)),
        profiles != ALL_PROFILES,
    )


def _of_profile(
    runner: Runner, entry: Invocation, profile: str, env: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the model and the hashes with one profile alone; nothing where it is rejected."""
    result = runner.run(entry, Scenario(profile, profiles=(profile,)), env)
    hashed = runner.run(entry, Scenario(profile, "hash", (profile,)), env)
    if not (result.ok and hashed.ok):
        return {}, {}
    return _model_or_none(result.stdout, None) or {}, hashes(hashed.stdout)


def _together(model_: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model with the entries of another one's sections that it has not."""
    found = dict(model_)
    for section, entries in more.items():
        if isinstance(entries, dict):
            found[section] = {**entries, **(found.get(section) or {})}
    return found


def _model_or_none(output: bytes, stage: Stage | None) -> Any:
    try:
        return _relative(model(output), stage) if stage else model(output)
    except InputError:
        return None


def _made_up(env: Mapping[str, str]) -> dict[str, str]:
    """Return the values that nobody has given, and that are no others', with their variables."""
    return {value: f"${{{name}}}" for name, value in sorted(env.items()) if _SENTINEL.search(value)}


def _named(value: Any, made_up: Mapping[str, str]) -> Any:
    """Return *value* with variables for the values that were made up for them."""
    if not made_up:
        return value
    if isinstance(value, dict):
        return {_named(name, made_up): _named(part, made_up) for name, part in value.items()}
    if isinstance(value, list):
        return [_named(part, made_up) for part in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return made_up.get(str(value), value)
    if isinstance(value, str):
        for text, name in made_up.items():
            if text in value:
                value = value.replace(text, name)
    return value


def _relative(value: Any, stage: Stage) -> Any:
    """Return *value* with the stage's paths as users know them."""
    if isinstance(value, dict):
        return {name: _relative(part, stage) for name, part in value.items()}
    if isinstance(value, list):
        return [_relative(part, stage) for part in value]
    if isinstance(value, str) and str(stage.base) in value:
        for up, place in enumerate((stage.path, *stage.path.parents)):
            start = "./" if up == 0 else "../" * up
            value = value.replace(f"{place}{os.sep}", start)
            if place == stage.base:
                break
        return stage.hide(value)
    return value
