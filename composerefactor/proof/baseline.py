"""The originals: in which circumstances they load, and what had to be assumed for that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.scenarios import FIRST_NUMBER, Scenario, adjusted, merged, own, scenarios
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


REQUIRED = "required variables that nothing sets were given values"
REQUIRED_WITHOUT_ENV_FILE = "with an empty --env-file, required variables were given values"
BLANK = "variables that nothing sets were given values, since the engine rejects blanks"
MISSING = "missing files were taken for empty ones"


class Baseline:
    """Runs the originals of all entry points; :meth:`settle` may create env files in the stage.

    *env_files* are paths that services ask for: where the engine misses one, all are supplied,
    since it names them one at a time.
    """

    def __init__(self, runner: Runner, env_files: Iterable[str] = ()) -> None:
        self.runner = runner
        self.env_files = tuple(env_files)
        self.stage = runner.stage
        self._supplied_names: dict[str, set[str]] = {}

    @property
    def assumptions(self) -> list[str]:
        """What was supplied so that the originals load, in words."""
        return [f"{why}: {', '.join(sorted(n))}" for why, n in sorted(self._supplied_names.items())]

    def runs(
        self,
        entries: Iterable[Invocation],
        variables_of: Callable[[Invocation], Iterable[Variable]],
        profiles_of: Callable[[Invocation], Sequence[str]],
    ) -> list[Run]:
        """Return a Run for each entry point and circumstance; failed ones have a failed result."""
        known = [(entry, merged(variables_of(entry)), profiles_of(entry)) for entry in entries]
        firsts = self.runner.side_by_side(
            [lambda each=each: self._own(*each) for each in known]  # type: ignore[misc]
        )
        tasks = [
            (entry, scenario, first[-1].env, variables)
            for (entry, variables, profiles), first in zip(known, firsts, strict=True)
            for scenario in self._others(entry, variables, profiles, first)
        ]
        others = self.runner.side_by_side(
            [lambda task=task: self.settle(*task) for task in tasks]  # type: ignore[misc]
        )
        return [*(run for first in firsts for run in first), *others]

    def own_runs(
        self,
        entries: Iterable[Invocation],
        variables_of: Callable[[Invocation], Iterable[Variable]],
        profiles_of: Callable[[Invocation], Sequence[str]],
    ) -> list[Run]:
        """Return the runs of the commands themselves, on the stage as it is now."""
        tasks = [
            lambda entry=entry: self._own(entry, merged(variables_of(entry)), profiles_of(entry))
            for entry in entries
        ]
        return [run for runs in self.runner.side_by_side(tasks) for run in runs]

    def _own(
        self, entry: Invocation, variables: Mapping[str, Variable], profiles: Sequence[str]
    ) -> list[Run]:
        """Return the runs of the command itself: with all profiles, and without if that fails."""
        given = self._given(entry)
        blank = {
            name: variable
            for name, variable in variables.items()
            if variable.default is None and name not in given
        }
        found = [self.settle(entry, own(blank), {}, variables)]
        if not found[0].result.ok and profiles:
            found.append(self.settle(entry, own(blank, ()), {}, variables))
        return found

    def _others(
        self,
        entry: Invocation,
        variables: Mapping[str, Variable],
        profiles: Sequence[str],
        first: Sequence[Run],
    ) -> list[Scenario]:
        if not first[-1].result.ok and not profiles:
            return []  # the engine rejects the project; it would say the same each time
        found = scenarios(
            entry,
            variables,
            has_env_file=bool(entry.env_files) or bool(self._env_files(entry)),
            profiles=profiles,
            together=first[0].result.ok,
        )
        # An entry point that only names suggest is not asked about in every detail.
        return [c for c in found if c.essential or c.kind == "hash" or not entry.assumed]

    def settle(
        self,
        entry: Invocation,
        scenario: Scenario,
        base: Mapping[str, str],
        variables: Mapping[str, Variable],
    ) -> Run:
        """Run the original in *scenario*, with what it needs to load, on top of *base*.

        Required variables get a value, missing env files are created empty; if it still fails, the
        circumstance's other environments are tried. The run of the first is returned if all fail.
        """
        failed: Run | None = None
        for candidate in scenario.environments:
            values: Mapping[str, str] | None = candidate
            for _ in range(_MAX_ADJUSTED):
                if values is None:
                    break
                run = self._supplied(entry, scenario, {**base, **values}, variables)
                if run.result.ok:
                    if failed is not None and not scenario.environments[0]:
                        self._assume(BLANK, values)
                    return run
                failed = failed or run
                values = adjusted(values, run.result.error)
        assert failed is not None  # noqa: S101 - there is always one environment
        return failed

    def _supplied(
        self,
        entry: Invocation,
        scenario: Scenario,
        env: dict[str, str],
        variables: Mapping[str, Variable],
    ) -> Run:
        added: list[str] = []
        files: list[str] = []
        while True:
            result = self.runner.run(entry, scenario, env)
            if result.ok or len(added) + len(files) > _MAX_SUPPLIED:
                break
            if required := _REQUIRED.search(result.stderr):
                if required[1] in env and env[required[1]]:
                    break
                names = self._required(entry, scenario, env, variables, required[1])
                env |= {
                    name: str(FIRST_NUMBER - 1 - len(added) - n) for n, name in enumerate(names)
                }
                added += names
            elif (path := self._missing_file(result.stderr)) and path not in files:
                files += [path, *self._other_missing_files()]
            else:
                break
        if result.ok:
            why = REQUIRED_WITHOUT_ENV_FILE if scenario.empty_env_file else REQUIRED
            self._assume(why, added)
        # With sentinels in place a path may be one that nobody meant.
        if not scenario.environments[0]:
            self._assume(MISSING, map(self.stage.relative, files))
        return Run(entry, scenario, env, result)

    def _required(
        self,
        entry: Invocation,
        scenario: Scenario,
        env: Mapping[str, str],
        variables: Mapping[str, Variable],
        missing: str,
    ) -> list[str]:
        """Return *missing* and the other variables that the engine would ask for next."""
        given = set(self.runner.environ) if scenario.empty_env_file else self._given(entry)
        others = [
            name
            for name, variable in variables.items()
            if variable.required and name not in env and name not in given and name != missing
        ]
        return [missing, *others]

    def _missing_file(self, stderr: str) -> str | None:
        """Return the env or label file that *stderr* misses, now empty in the stage."""
        for pattern in _MISSING_FILES:
            match = pattern.search(stderr)
            if match and PurePosixPath(match[1]).suffix not in {".yml", ".yaml"}:
                return match[1] if self.stage.supply(match[1]) else None
        return None

    def _other_missing_files(self) -> list[str]:
        """Return the env files that the engine would miss next, now empty in the stage."""
        missing = [p for p in self.env_files if not self.stage.place(p).exists()]
        return [path for path in missing if self.stage.supply(path)]

    def _env_files(self, entry: Invocation) -> list[str]:
        """Return the env files that the command reads, as far as they exist."""
        if entry.env_files:
            candidates = list(entry.env_files)
        else:
            project = entry.project_directory or str(PurePosixPath(entry.base).parent)
            candidates = [f"{directory}/.env" for directory in {entry.directory, project}]
        return [path for path in candidates if self.stage.place(path).is_file()]

    def _given(self, entry: Invocation) -> set[str]:
        """Return the variables that the command's env files set."""
        names = set(self.runner.environ)
        for path in self._env_files(entry):
            text = self.stage.place(path).read_text(encoding="utf-8", errors="replace")
            names.update(_SET_IN_ENV_FILE.findall(text))
        return names

    def _assume(self, why: str, names: Iterable[str]) -> None:
        for name in names:
            self._supplied_names.setdefault(why, set()).add(name)
