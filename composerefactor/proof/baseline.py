"""Runs of the original project: the scenarios in which it loads, and what that requires.

Many projects do not load from a fresh checkout: required variables have no value, and env files are
missing. Values and empty files are supplied, and reported as assumptions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.scenarios import (
    FIRST_NUMBER,
    Scenario,
    adjusted_values,
    merge_variables,
    other_scenarios,
    own_scenario,
)
from composerefactor.proof.staging import Run, Runner

_MAX_SUPPLIED = 200
_MAX_ADJUSTED = 12
_REQUIRED = re.compile(r"required variable (\S+) is missing a value")
_MISSING_FILES = (
    re.compile(r"(?:env|label) file (.+?) not found"),
    re.compile(r"couldn't find env file: (.+?)\s*$", re.MULTILINE),
    re.compile(r"\bstat (.+?): no such file or directory"),
)
_SET_IN_ENV_FILE = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*[=:]")


REQUIRED_SET = "values were supplied for required variables that are not set"
REQUIRED_SET_WITHOUT_ENV_FILE = (
    "with an empty --env-file, values were supplied for required variables"
)
BLANK_SET = "values were supplied for unset variables, since Docker Compose rejects blanks"
MISSING_FILES_EMPTY = "missing files were treated as empty"


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

    @property
    def assumptions(self) -> list[str]:
        """What was supplied to make the original load, for users."""
        return [
            f"{assumption}: {', '.join(sorted(names))}"
            for assumption, names in sorted(self._supplied_names.items())
        ]

    def runs(
        self,
        entries: Iterable[Invocation],
        variables_of: Callable[[Invocation], Iterable[Variable]],
        profiles_of: Callable[[Invocation], Sequence[str]],
    ) -> list[Run]:
        """Return a run for each start command and scenario; some may have a failed result."""
        inputs = [
            (entry, merge_variables(variables_of(entry)), profiles_of(entry)) for entry in entries
        ]
        firsts = self.runner.side_by_side(
            [lambda item=item: self._command_runs(*item) for item in inputs]  # type: ignore[misc]
        )
        tasks = [
            (entry, scenario, first[-1].env, variables)
            for (entry, variables, profiles), first in zip(inputs, firsts, strict=True)
            for scenario in self._other_scenarios(entry, variables, profiles, first)
        ]
        others = self.runner.side_by_side(
            [lambda task=task: self.load(*task) for task in tasks]  # type: ignore[misc]
        )
        return [*(run for first in firsts for run in first), *others]

    def own_runs(
        self,
        entries: Iterable[Invocation],
        variables_of: Callable[[Invocation], Iterable[Variable]],
        profiles_of: Callable[[Invocation], Sequence[str]],
    ) -> list[Run]:
        """Return the runs of the start commands themselves, on the current state of the copy."""
        tasks = [
            lambda entry=entry: self._command_runs(
                entry, merge_variables(variables_of(entry)), profiles_of(entry)
            )
            for entry in entries
        ]
        return [run for runs in self.runner.side_by_side(tasks) for run in runs]

    def _command_runs(
        self, entry: Invocation, variables: Mapping[str, Variable], profiles: Sequence[str]
    ) -> list[Run]:
        """Return the run of *entry* with all profiles, and if it fails, also without profiles."""
        already_set = self._set_variables(entry)
        blank = {
            name: variable
            for name, variable in variables.items()
            if variable.default is None and name not in already_set
        }
        runs = [self.load(entry, own_scenario(blank), {}, variables)]
        if not runs[0].result.ok and profiles:
            runs.append(self.load(entry, own_scenario(blank, ()), {}, variables))
        return runs

    def _other_scenarios(
        self,
        entry: Invocation,
        variables: Mapping[str, Variable],
        profiles: Sequence[str],
        first: Sequence[Run],
    ) -> list[Scenario]:
        if not first[-1].result.ok and not profiles:
            return []  # Docker Compose rejects the project, and would in every scenario
        all_scenarios = other_scenarios(
            entry,
            variables,
            has_env_file=bool(entry.env_files) or bool(self._env_files(entry)),
            profiles=profiles,
            together=first[0].result.ok,
        )
        # A start command that only file names suggest is not compared in every detail.
        return [s for s in all_scenarios if s.essential or s.kind == "hash" or not entry.assumed]

    def load(
        self,
        entry: Invocation,
        scenario: Scenario,
        base: Mapping[str, str],
        variables: Mapping[str, Variable],
    ) -> Run:
        """Return the run of the original in *scenario*, with all that it needs to load.

        Required variables get a value, and missing env files are created empty. If the run still
        fails, the other environments of the scenario are tried. If all fail, the first failed run
        is returned.

        Args:
            entry: The start command.
            scenario: The scenario.
            base: Environment variables to set in addition to those of the scenario.
            variables: All variables that the files of the start command use.
        """
        failed: Run | None = None
        for candidate in scenario.environments:
            values: Mapping[str, str] | None = candidate
            for _ in range(_MAX_ADJUSTED):
                if values is None:
                    break
                run = self._run_with_supplies(entry, scenario, {**base, **values}, variables)
                if run.result.ok:
                    if failed is not None and not scenario.environments[0]:
                        self._assume(BLANK_SET, values)
                    return run
                failed = failed or run
                values = adjusted_values(values, run.result.error)
        assert failed is not None  # noqa: S101 - a scenario has at least one environment
        return failed

    def _run_with_supplies(
        self,
        entry: Invocation,
        scenario: Scenario,
        env: dict[str, str],
        variables: Mapping[str, Variable],
    ) -> Run:
        """Return a run with *env*, to which values of required variables are added."""
        added: list[str] = []
        files: list[str] = []
        while True:
            result = self.runner.run(entry, scenario, env)
            if result.ok or len(added) + len(files) > _MAX_SUPPLIED:
                break
            if required := _REQUIRED.search(result.stderr):
                if required[1] in env and env[required[1]]:
                    break
                names = self._missing_required(entry, scenario, env, variables, required[1])
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
        self,
        entry: Invocation,
        scenario: Scenario,
        env: Mapping[str, str],
        variables: Mapping[str, Variable],
        missing: str,
    ) -> list[str]:
        """Return *missing* and the other variables that Docker Compose would require next."""
        already_set = (
            set(self.runner.environ) if scenario.empty_env_file else self._set_variables(entry)
        )
        others = [
            name
            for name, variable in variables.items()
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
            project = entry.project_directory or str(PurePosixPath(entry.root_file).parent)
            candidates = [f"{directory}/.env" for directory in {entry.directory, project}]
        return [path for path in candidates if self.stage.place(path).is_file()]

    def _set_variables(self, entry: Invocation) -> set[str]:
        """Return the variables that are set for the start command: in env files or the shell."""
        names = set(self.runner.environ)
        for path in self._env_files(entry):
            text = self.stage.place(path).read_text(encoding="utf-8", errors="replace")
            names.update(_SET_IN_ENV_FILE.findall(text))
        return names

    def _assume(self, assumption: str, names: Iterable[str]) -> None:
        for name in names:
            self._supplied_names.setdefault(assumption, set()).add(name)
