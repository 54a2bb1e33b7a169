"""Two states of a project, each entry point as the engine resolves it in both."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.interpolate import Variable
from composerefactor.errors import InputError
from composerefactor.verify.baseline import Baseline
from composerefactor.verify.circumstances import Circumstance
from composerefactor.verify.engine import DEFAULT_TIMEOUT, Engine
from composerefactor.verify.models import hashes, model
from composerefactor.verify.runner import Run, Runner
from composerefactor.verify.staging import Stage

_BLANK = re.compile(r'The \\?"([A-Za-z_]\w*)\\?" variable is not set')


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about one state: its entry points, and what their files use.

    *names* are project names for entry points that the directory would give another one.
    """

    entries: tuple[EntryPoint, ...]
    variables_of: Callable[[EntryPoint], Iterable[Variable]]
    profiles_of: Callable[[EntryPoint], Sequence[str]]
    names: Mapping[EntryPoint, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the engine makes of one entry point in one state.

    *error* has its words where it rejects it. *raw* is the uninterpolated model and *hashes* has
    each service's; None where the engine gives none. *profiles* are those that were on, *blank*
    variables that had no value. Paths below the project directory begin with ``./``.
    """

    model: Mapping[str, Any] = field(default_factory=dict, repr=False)
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
    hashes: Mapping[str, str] | None = None
    profiles: tuple[str, ...] = ()
    blank: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Both states of some entry points; *assumptions* were made so that they load, in words."""

    old: Mapping[EntryPoint, Resolved]
    new: Mapping[EntryPoint, Resolved]
    assumptions: tuple[str, ...] = ()
    runs: int = 0


def resolve_both(
    engine: Engine,
    root: Path,
    inputs: Iterable[str],
    changes: Mapping[str, bytes | None],
    pairs: Sequence[tuple[EntryPoint | None, EntryPoint | None]],
    old: Asked,
    new: Asked,
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
        common = _common_environments(pairs, was, now)
        resolved_new = _resolved(runner, now, common, new.names)
        stage.reset()
        resolved_old = _resolved(runner, was, common, old.names)
        return SideBySide(resolved_old, resolved_new, tuple(baseline.assumptions), runner.runs)


def _own(baseline: Baseline, asked: Asked) -> dict[EntryPoint, Run]:
    """Return for each entry point the run that counts: the first that the engine accepts."""
    found: dict[EntryPoint, Run] = {}
    for run in baseline.own_runs(asked.entries, asked.variables_of, asked.profiles_of):
        before = found.get(run.entry)
        if before is None or (run.result.ok and not before.result.ok):
            found[run.entry] = run
    return found


def _common_environments(
    pairs: Sequence[tuple[EntryPoint | None, EntryPoint | None]],
    was: Mapping[EntryPoint, Run],
    now: Mapping[EntryPoint, Run],
) -> dict[EntryPoint, Mapping[str, str]]:
    """Return the variables for both of a pair: what either needed to load."""
    found: dict[EntryPoint, Mapping[str, str]] = {}
    for before, after in pairs:
        one = was.get(before) if before else None
        other = now.get(after) if after else None
        env = {**(other.env if other else {}), **(one.env if one else {})}
        found |= {entry: env for entry in (before, after) if entry is not None}
    return found


def _resolved(
    runner: Runner,
    runs: Mapping[EntryPoint, Run],
    common: Mapping[EntryPoint, Mapping[str, str]],
    names: Mapping[EntryPoint, str],
) -> dict[EntryPoint, Resolved]:
    tasks = [
        lambda run=run: _resolved_one(
            runner, run, common.get(run.entry, run.env), names.get(run.entry)
        )
        for run in runs.values()
    ]
    return dict(zip(runs, runner.side_by_side(tasks), strict=True))


def _resolved_one(runner: Runner, run: Run, env: Mapping[str, str], name: str | None) -> Resolved:
    result = run.result
    profiles = run.circumstance.profiles
    entry = replace(run.entry, project_name=name) if name else run.entry
    if result.ok and (name or dict(env) != dict(run.env)):
        again = runner.run(entry, run.circumstance, env)
        result, env = (again, env) if again.ok else (result, run.env)
    if not result.ok:
        return Resolved(profiles=profiles, error=runner.words(result))
    stage = runner.stage
    try:
        found = _relative(model(result.stdout), stage)
    except InputError as error:
        return Resolved(profiles=profiles, error=str(error))
    # A name that a variable or the directory gives is missing in the uninterpolated model.
    named = replace(run.entry, project_name=found.get("name") or run.entry.project_name)
    raw = runner.run(named, Circumstance("uninterpolated", "raw", profiles), env)
    hashed = runner.run(run.entry, Circumstance("hashes", "hash", profiles), env)
    return Resolved(
        found,
        _model_or_none(raw.stdout, stage) if raw.ok else None,
        hashes(hashed.stdout) if hashed.ok else None,
        profiles,
        tuple(sorted(set(_BLANK.findall(result.stderr)))),
    )


def _model_or_none(output: bytes, stage: Stage) -> Any:
    try:
        return _relative(model(output), stage)
    except InputError:
        return None


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
