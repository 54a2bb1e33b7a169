"""Runs of the original project: the scenarios in which it loads, and what that requires.

Many projects do not load from a fresh checkout: required variables have no value, and env files are
missing. Values and empty files are supplied, and reported as assumptions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import project_directory
from composerefactor.proof.comparison import services_named
from composerefactor.proof.config_output import blocks, sections
from composerefactor.proof.engine import STOPPED
from composerefactor.proof.memory import Memory
from composerefactor.proof.probes import constant_probe, render
from composerefactor.proof.scenarios import (
    ALL_PROFILES,
    FIRST_NUMBER,
    Needed,
    RunFrom,
    Scenario,
    adjusted_values,
    combined_scenario,
    merge_variables,
    other_scenarios,
    own_scenario,
    raw_scenario,
)
from composerefactor.proof.staging import Run, Runner

_MAX_SUPPLIED = 200
_MAX_ADJUSTED = 12
_MAX_UNFIT = 3
_REQUIRED = r"required variable (\S+) is missing a value"
_UNDEFINED = r"refers to undefined (?:network|secret|config)\b|depends on undefined service"
"""No value makes up for what no file defines; a volume that is undefined may be a path.

If several are undefined, Docker Compose names any of them (observed: v5.6.1).
"""

_MISSING_FILES = (
    re.compile(r"(?:env|label) file (.+?) not found"),
    re.compile(r"couldn't find env file: (.+?)\s*$", re.MULTILINE),
    re.compile(r"\bstat (.+?): no such file or directory"),
)
_SET_IN_ENV_FILE = r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*[=:]"


REQUIRED_SET = "values were supplied for required variables that are not set"
REQUIRED_SET_WITHOUT_ENV_FILE = (
    "with an empty --env-file, values were supplied for required variables"
)
BLANK_SET = "values were supplied for unset variables, since Docker Compose rejects blanks"
MISSING_FILES_EMPTY = "missing files were treated as empty"


class EntryInputs(Struct, frozen=True):
    """A start command, and what its files use.

    Attributes:
        entry: The start command.
        variables: The variables that its files use, by name.
        profiles: The profiles that its services name.
        ambiguous: The variables that have several defaults.
    """

    entry: Invocation
    variables: Mapping[str, Variable]
    profiles: Sequence[str]
    ambiguous: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        entries: Iterable[Invocation],
        variables_of: Callable[[Invocation], Iterable[Variable]],
        profiles_of: Callable[[Invocation], Sequence[str]],
    ) -> list[EntryInputs]:
        """Return the inputs of each of *entries*, with what both functions return for it."""
        result = []
        for entry in entries:
            found = list(dict.fromkeys(variables_of(entry)))
            uses = Counter(name for name, _ in {(each.name, each.default) for each in found})
            ambiguous = frozenset(name for name, number in uses.items() if number > 1)
            result.append(cls(entry, merge_variables(found), profiles_of(entry), ambiguous))
        return result


@dataclass(frozen=True, slots=True)
class Remembered:
    """A successful run of the original of which only digests are known, from an earlier command.

    Attributes:
        entry: The start command.
        scenario: The scenario.
        env: The environment variables with which it ran.
        question: The question that the memory answers.
    """

    entry: Invocation
    scenario: Scenario
    env: Mapping[str, str] = field(repr=False)
    question: bytes = field(repr=False)


PROBE_LATER = "(follows from the resolved configuration)"
"""The path of a probe whose text is not known yet."""


_ALL_NEEDED = Needed()
_FINDS_ENV_FILE = (2, 29, 0)
"""From this version on, ``include`` finds the ``.env`` of a project directory from any directory.

Observed: v2.24.7 looks for it below the current directory, v2.29.7 does not.
"""
_USES_ALL = b"all resources are used"
_REJECTED = b"rejected"


def _parts_of(scenarios: Iterable[Scenario]) -> list[Scenario]:
    """Return those of *scenarios* that have no effect on each other."""
    return [s for s in scenarios if s.kind == "model" and s.profiles == ALL_PROFILES]


class Baseline:
    """Runs the original project; creates missing env files in the staged copy.

    Attributes:
        runner: Runs Docker Compose on the staged copy.
        env_files: Paths of env files that services name. If one is missing, all missing ones are
            created, since Docker Compose reports only one at a time.
    """

    def __init__(self, runner: Runner, env_files: Iterable[str] = ()) -> None:
        self.runner = runner
        self.env_files = tuple(env_files)
        self.stage = runner.stage
        self._supplied_names: dict[str, set[str]] = {}
        self._raw: dict[Invocation, list[Run]] = {}

    @property
    def assumptions(self) -> list[str]:
        """What was supplied to make the original load, for users."""
        return [
            f"{assumption}: {', '.join(sorted(names))}"
            for assumption, names in sorted(self._supplied_names.items())
        ]

    @property
    def is_supplied(self) -> bool:
        """Whether more was supplied than values of required variables for an empty env file."""
        return bool(self._supplied_names.keys() - {REQUIRED_SET_WITHOUT_ENV_FILE})

    def runs(
        self,
        entries: Sequence[EntryInputs],
        owns: Sequence[Sequence[Run]],
        *,
        thorough: bool = False,
        probes: bool = False,
        needed: Mapping[Invocation, Needed] = MappingProxyType({}),
    ) -> list[Run]:
        """Return the runs of the original for *entries*; some may have a failed result.

        Args:
            entries: The start commands.
            owns: The runs of each of them that :meth:`first_runs` returns.
            thorough: True for a run for each scenario. Otherwise those scenarios that are
                independent of each other are combined, and profiles are not run alone, since
                the configuration with all profiles names the profiles of each service, nor are
                hashes printed, which follow from the configuration. Where Docker Compose rejects
                the combination, each scenario runs.
            probes: Whether the combined scenarios include a probe.
            needed: What start commands need that do not need every scenario; without *probes*.
        """
        needs = [needed.get(inputs.entry, _ALL_NEEDED) for inputs in entries]
        accepted = {own[0].entry for own in owns if own[0].result.ok}
        others: list[Callable[[], list[Run]]] = []
        for run, inputs, need, own in zip(
            self._accepted_runs(entries, owns), entries, needs, owns, strict=True
        ):
            if run is None:
                continue  # Docker Compose rejects the project, and would in every scenario
            together = inputs.entry in accepted
            scenarios = self._other_scenarios(inputs, together=together)
            if together and not thorough and (need.follows or inputs.entry) in accepted:
                few = partial(self._few_runs, inputs, own[0], scenarios, need, probes=probes)
                others.append(few)
            else:
                base = own[-1].env
                others += [partial(self._load_one, inputs, each, base) for each in scenarios]
        return [run for runs in (*owns, *self.runner.side_by_side(others)) for run in runs]

    def first_runs(self, entries: Sequence[EntryInputs], *, raw: bool = False) -> list[list[Run]]:
        """Return the runs of each start command itself, on the current state of the copy.

        With *raw*, the uninterpolated configurations run beside them, for :meth:`runs`.
        """
        tasks = [partial(self._command_runs, inputs) for inputs in entries]
        tasks += [partial(self._raw_runs, inputs) for inputs in entries if raw]
        results = self.runner.side_by_side(tasks)
        self._raw |= {runs[0].entry: runs for runs in results[len(entries) :]}
        return results[: len(entries)]

    def rejected(
        self, entries: Sequence[EntryInputs], owns: Sequence[Sequence[Run]]
    ) -> dict[Invocation, Run]:
        """Return the failed run of each start command that Docker Compose rejects.

        The arguments are as for :meth:`runs`.
        """
        runs = self._accepted_runs(entries, owns)
        return {own[0].entry: own[0] for run, own in zip(runs, owns, strict=True) if run is None}

    def _accepted_runs(
        self, entries: Sequence[EntryInputs], owns: Sequence[Sequence[Run]]
    ) -> list[Run | None]:
        """Return a successful run of each start command, with one profile alone if need be."""
        found = {run.entry: run for own in owns for run in own if run.result.ok}
        unknown = [
            partial(self._run_with_profile, inputs, own[-1].env)
            for inputs, own in zip(entries, owns, strict=True)
            if inputs.profiles and inputs.entry not in found
        ]
        runs = self.runner.side_by_side(unknown) if unknown else []
        found |= {run.entry: run for run in runs if run is not None}
        return [found.get(inputs.entry) for inputs in entries]

    def _run_with_profile(self, inputs: EntryInputs, base: Mapping[str, str]) -> Run | None:
        for scenario in self._other_scenarios(inputs, together=False):
            if scenario.kind == "model" and scenario.essential:
                run = self.load(inputs, scenario, base)
                if run.result.ok:
                    return run
        return None

    def _few_runs(
        self,
        inputs: EntryInputs,
        own: Run,
        scenarios: Sequence[Scenario],
        need: Needed,
        *,
        probes: bool,
    ) -> list[Run]:
        """Return the runs of *scenarios*, combined as far as possible."""
        raw = (self._raw.get(inputs.entry) or self._raw_runs(inputs)) if need.raw else []
        if not all(run.result.ok for run in raw):
            return [self.load(inputs, scenario, own.env) for scenario in scenarios]
        if not need.combined:
            return raw
        parts = _parts_of(scenarios)
        combined = self._combined_runs(
            inputs, own, raw, parts, probes=probes, resources=need.resources
        )
        alone = [self.load(inputs, part, own.env) for part in self._not_combined(parts)]
        return [*combined, *alone, *raw]

    def remembered(
        self,
        entries: Sequence[EntryInputs],
        memory: Memory,
        *,
        probes: bool,
        needed: Mapping[Invocation, Needed],
    ) -> tuple[list[Remembered], list[EntryInputs]] | None:
        """Return the runs of a proof that is not thorough, without running Docker Compose.

        With *probes*, combined scenarios must have had a probe; without, they may have had one.

        Returns:
            The runs, and the start commands that were rejected, which have no runs; None if a run
            is missing, or if all start commands were rejected.
        """
        found: list[Remembered] = []
        rejected: list[EntryInputs] = []
        for inputs in entries:
            need = needed.get(inputs.entry, _ALL_NEEDED)
            own = self._remembered(inputs, own_scenario({}), {}, memory)
            raw = self._remembered(inputs, raw_scenario(), {}, memory)
            if own is None and memory.recall(self._rejection(inputs.entry, memory)) is not None:
                rejected.append(inputs)
                continue
            if own is None or (raw is None and need.raw):
                return None
            found += [own, raw] if raw is not None and need.raw else [own]
            parts = _parts_of(self._other_scenarios(inputs))
            combined = self._combined(inputs, parts)
            if combined is None or not need.combined:
                if need.combined and not need.raw:
                    return None
                continue
            probed = replace(combined, probe=PROBE_LATER)
            known = (
                self._remembered(inputs, scenario, env, memory)
                for scenario in ((probed,) if probes else (combined, probed))
                for env in combined.environments
            )
            run = next(filter(None, known), None)
            if run is None:
                return None
            self._assume_required(inputs, combined)
            alone = [
                self._remembered(inputs, part, {}, memory) for part in self._not_combined(parts)
            ]
            if None in alone:
                return None
            found += [run, *(each for each in alone if each is not None)]
            if not need.raw and raw is not None:
                found.append(raw)
            elif not need.raw and not (
                self._tells_variables_apart(inputs, combined, {}, run.env)
                and memory.recall(memory.digest(own.question, _USES_ALL)) is not None
            ):
                return None
        return (found, rejected) if found else None

    def remember_rejected(self, runs: Iterable[Run], memory: Memory) -> None:
        """Remember that the start commands of *runs* are rejected, though not why."""
        for run in runs:
            if run.result.code != STOPPED:
                memory.remember(self._rejection(run.entry, memory), _REJECTED)

    def _rejection(self, entry: Invocation, memory: Memory) -> bytes:
        question = self.runner.question(entry, own_scenario({}), {})
        return memory.digest(question or b"", _REJECTED)

    def _remembered(
        self, inputs: EntryInputs, scenario: Scenario, env: Mapping[str, str], memory: Memory
    ) -> Remembered | None:
        question = self.runner.question(inputs.entry, scenario, env)
        if question is None or memory.recall(question) is None:
            return None
        return Remembered(inputs.entry, scenario, env, question)

    def _command_runs(self, inputs: EntryInputs) -> list[Run]:
        """Return the run with all profiles, and if it fails, also the one without profiles."""
        already_set = self._set_variables(inputs.entry)
        blank = {
            name: variable
            for name, variable in inputs.variables.items()
            if variable.default is None and name not in already_set
        }
        runs = self._load_one(inputs, own_scenario(blank), {})
        if not runs[0].result.ok and inputs.profiles:
            runs += self._load_one(inputs, own_scenario(blank, ()), {})
        return runs

    def _raw_runs(self, inputs: EntryInputs) -> list[Run]:
        return self._load_one(inputs, raw_scenario(), {})

    def _load_one(
        self, inputs: EntryInputs, scenario: Scenario, base: Mapping[str, str]
    ) -> list[Run]:
        return [self.load(inputs, scenario, base)]

    def _other_scenarios(self, inputs: EntryInputs, *, together: bool = True) -> list[Scenario]:
        entry = inputs.entry
        all_scenarios = other_scenarios(
            entry,
            inputs.variables,
            has_env_file=bool(entry.env_files) or bool(self._env_files(entry)),
            profiles=inputs.profiles,
            together=together,
        )
        # A start command that only file names suggest is not compared in every detail.
        return [s for s in all_scenarios if s.essential or s.kind == "hash" or not entry.assumed]

    def _combined_runs(
        self,
        inputs: EntryInputs,
        own: Run,
        raw: Sequence[Run],
        parts: Sequence[Scenario],
        *,
        probes: bool,
        resources: Collection[tuple[str, str]],
    ) -> list[Run]:
        """Return the run of *parts* combined, or a run for each if that is rejected.

        *raw* may have the run of the uninterpolated configuration. If it has none, and the values
        of variables do not replace it, or a service uses not all *resources*, this run is
        returned, too.
        """
        scenario = self._combined(inputs, parts)
        if scenario is None:
            return [] if raw else self._raw_runs(inputs)
        probe = (
            constant_probe(own.result, raw[0].result, self.runner.engine) if probes and raw else {}
        )
        run = self._probed_run(own, scenario, scenario.environments[0], probe)
        if run is None:
            run = self.load(inputs, scenario, own.env)
            if not run.result.ok:
                runs = [self.load(inputs, part, own.env) for part in parts]
                return runs if raw else [*runs, *self._raw_runs(inputs)]
            run = self._probed_run(own, scenario, run.env, probe, _MAX_UNFIT) or run
        self._assume_required(inputs, scenario)
        if raw:
            return [run]
        tells_apart = self._tells_variables_apart(inputs, scenario, own.env, run.env)
        if tells_apart and self._uses_all(own, resources):
            return [run]
        return [run, *self._raw_runs(inputs)]

    def _uses_all(self, own: Run, resources: Collection[tuple[str, str]]) -> bool:
        """Return whether *own* prints all *resources*: those that no service uses are left out.

        That it does is remembered.
        """
        texts = sections(own.result.stdout)
        printed = {
            (section, name.strip("\"'"))
            for section in {section for section, _ in resources} & texts.keys()
            for name in blocks(texts[section].partition("\n")[2], 2) or ()
        }
        memory = self.runner.engine.memory
        question = self.runner.question(own.entry, own.scenario, own.env)
        is_complete = {*resources} <= printed
        if is_complete and memory and question:
            memory.remember(memory.digest(question, _USES_ALL), b"used")
        return is_complete

    def _combined(self, inputs: EntryInputs, parts: Sequence[Scenario]) -> Scenario | None:
        where: RunFrom = "project" if self._not_combined(parts) else "subdirectory"
        return combined_scenario(inputs.variables, self._second_values(inputs), parts, where)

    def _not_combined(self, parts: Sequence[Scenario]) -> list[Scenario]:
        """Return those of *parts* that run alone: with an old version, that of a subdirectory.

        From there, it finds no second ``.env``, so the empty env file would show nothing.
        """
        if self.runner.engine.release >= _FINDS_ENV_FILE or not any(
            part.empty_env_file for part in parts
        ):
            return []
        return [part for part in parts if part.where == "subdirectory"]

    def _tells_variables_apart(
        self,
        inputs: EntryInputs,
        combined: Scenario,
        own_env: Mapping[str, str],
        env: Mapping[str, str],
    ) -> bool:
        """Return whether each variable has two values, and no other variable has the same two.

        Args:
            inputs: The start command.
            combined: The combined scenario.
            own_env: The environment variables of the run of the start command itself.
            env: The environment variables of the run of the combined scenario.
        """
        variables_of = partial(self.runner.variables, inputs.entry)
        own = {**variables_of(own_scenario({})), **self.runner.environ, **own_env}
        other = {**variables_of(combined), **self.runner.environ, **env}
        pairs = {
            tuple(values.get(name, variable.default) or "" for values in (own, other))
            for name, variable in inputs.variables.items()
        }
        return len(pairs) == len(inputs.variables) and all(one != two for one, two in pairs)

    def _assume_required(self, inputs: EntryInputs, combined: Scenario) -> None:
        if combined.empty_env_file:
            required = {v.name for v in inputs.variables.values() if v.required}
            in_env_files = self._set_in_env_files(inputs.entry)
            self._assume(REQUIRED_SET_WITHOUT_ENV_FILE, required & in_env_files)

    def _probed_run(
        self,
        own: Run,
        scenario: Scenario,
        env: Mapping[str, str],
        probe: Mapping[str, Any],
        retries: int = 0,
    ) -> Run | None:
        """Return the run of *scenario* with *probe*, or None if it is rejected or empty.

        With *retries*, services that Docker Compose names in its message are left out.
        """
        services = dict(probe)
        for _ in range(retries + 1):
            if not services:
                return None
            path = self.stage.scratch(render(services))
            probed = replace(scenario, probe=str(path))
            values = {**own.env, **env}
            result = self.runner.run(own.entry, probed, values)
            if result.ok:
                return Run(own.entry, probed, values, result)
            unfit = {*services_named(result.error)} & services.keys()
            if not unfit:
                return None
            services = {name: body for name, body in services.items() if name not in unfit}
        return None

    def load(self, inputs: EntryInputs, scenario: Scenario, base: Mapping[str, str]) -> Run:
        """Return the run of the original in *scenario*, with all that it needs to load.

        Required variables get a value, and missing env files are created empty. If the run still
        fails, the other environments of the scenario are tried, except after one that took too
        long, or after a message that is not about their values: the same one again, or that
        something is undefined. If all fail, the first failed run is returned.

        Args:
            inputs: The start command.
            scenario: The scenario.
            base: Environment variables to set in addition to those of the scenario.
        """
        failed: Run | None = None
        for candidate in scenario.environments:
            values: Mapping[str, str] | None = candidate
            for _ in range(_MAX_ADJUSTED):
                if values is None:
                    break
                run = self._run_with_supplies(inputs, scenario, {**base, **values})
                if run.result.ok:
                    if failed is not None and not scenario.environments[0]:
                        self._assume(BLANK_SET, values)
                    return run
                is_same = failed is not None and run.result.error == failed.result.error
                failed = failed or run
                if run.result.code == STOPPED or is_same or re.search(_UNDEFINED, run.result.error):
                    return failed
                values = adjusted_values(values, run.result.error)
        assert failed is not None  # noqa: S101 - a scenario has at least one environment
        return failed

    def _run_with_supplies(
        self, inputs: EntryInputs, scenario: Scenario, env: dict[str, str]
    ) -> Run:
        """Return a run with *env*, to which values of required variables are added."""
        entry = inputs.entry
        added: list[str] = []
        files: list[str] = []
        while True:
            result = self.runner.run(entry, scenario, env)
            if result.ok or len(added) + len(files) > _MAX_SUPPLIED:
                break
            if required := re.search(_REQUIRED, result.stderr):
                if required[1] in env and env[required[1]]:
                    break
                names = self._missing_required(inputs, scenario, env, required[1])
                env |= {
                    name: str(FIRST_NUMBER - 1 - len(added) - n) for n, name in enumerate(names)
                }
                added += names
            elif (path := self._missing_file(result.stderr)) and path not in files:
                files += [path, *self._other_missing_files()]
            else:
                break
        if result.ok:
            assumption = REQUIRED_SET_WITHOUT_ENV_FILE if scenario.empty_env_file else REQUIRED_SET
            self._assume(assumption, added)
        # With sentinels, a path may be one that the project never names.
        if not scenario.environments[0]:
            self._assume(MISSING_FILES_EMPTY, map(self.stage.relative, files))
        return Run(entry, scenario, env, result)

    def _missing_required(
        self, inputs: EntryInputs, scenario: Scenario, env: Mapping[str, str], missing: str
    ) -> list[str]:
        """Return *missing* and the other variables that Docker Compose would require next."""
        already_set = (
            set(self.runner.environ)
            if scenario.empty_env_file
            else self._set_variables(inputs.entry)
        )
        others = [
            name
            for name, variable in inputs.variables.items()
            if variable.required and name not in env and name not in already_set and name != missing
        ]
        return [missing, *others]

    def _missing_file(self, stderr: str) -> str | None:
        """Return the env or label file that *stderr* reports as missing, and create it empty.

        None if it reports none, or the file cannot be created.
        """
        for pattern in _MISSING_FILES:
            match = pattern.search(stderr)
            if match and PurePosixPath(match[1]).suffix not in {".yml", ".yaml"}:
                return match[1] if self.stage.supply(match[1]) else None
        return None

    def _other_missing_files(self) -> list[str]:
        """Create all other missing env files empty, and return them."""
        missing = [path for path in self.env_files if not self.stage.place(path).exists()]
        return [path for path in missing if self.stage.supply(path)]

    def _env_files(self, entry: Invocation) -> list[str]:
        """Return the existing env files that the start command reads for interpolation."""
        if entry.env_files:
            candidates = list(entry.env_files)
        else:
            directories = {entry.directory, project_directory(entry)}
            candidates = [f"{directory}/.env" for directory in directories]
        return [path for path in candidates if self.stage.place(path).is_file()]

    def _set_variables(self, entry: Invocation) -> set[str]:
        """Return the variables that are set for the start command: in env files or the shell."""
        return {*self.runner.environ, *self._set_in_env_files(entry)}

    def _set_in_env_files(self, entry: Invocation) -> set[str]:
        """Return the variables that only the env files of the start command set."""
        names: set[str] = set()
        for path in self._env_files(entry):
            text = self.stage.place(path).read_text(encoding="utf-8", errors="replace")
            names.update(re.findall(_SET_IN_ENV_FILE, text))
        return names - self.runner.environ.keys()

    def _second_values(self, inputs: EntryInputs) -> set[str]:
        """Return the variables whose value in an env file is not the one without the file.

        If nothing else sets them, a second reading of the file shows.
        """
        values = self.runner.variables(inputs.entry, own_scenario({}))
        return {
            name
            for name in self._set_in_env_files(inputs.entry) & inputs.variables.keys()
            if name in inputs.ambiguous
            or values.get(name) != (inputs.variables[name].default or "")
        }

    def _assume(self, assumption: str, names: Iterable[str]) -> None:
        for name in names:
            self._supplied_names.setdefault(assumption, set()).add(name)
