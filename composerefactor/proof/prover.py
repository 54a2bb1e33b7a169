"""Proving that a change keeps the resolved configuration, in every scenario."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.baseline import Baseline
from composerefactor.proof.comparison import (
    NotCovered,
    ProofFinding,
    ProofResult,
    compare_run,
    recreated_services,
)
from composerefactor.proof.engine import DEFAULT_TIMEOUT, Engine, Result
from composerefactor.proof.probes import OverrideSensitivity, ProbeRuns
from composerefactor.proof.scenarios import untried_profiles
from composerefactor.proof.staging import Run, Runner, Stage


class Prover:
    """Proves changes to one project; a context manager, since it creates a staged copy.

    The original runs once, at the first use; later checks reuse its results. Use a prover from one
    thread only: it runs Docker Compose in several threads itself.

    Args:
        engine: Docker Compose.
        root: The project directory.
        entries: The start commands to compare.
        inputs: What Docker Compose reads, relative to the root; see
            :class:`~composerefactor.proof.staging.Stage`.
        env_files: Those of the inputs that are treated as empty if they are missing.
        variables_of: Returns the variables that the files of a start command use.
        profiles_of: Returns the profiles that the services of a start command name.
        environ: The shell's variables that are passed to Docker Compose.
        progress: Called with the number of finished runs and of all runs.
        timeout: Seconds that one run may take.
        consistent: False disables Docker Compose's consistency checks
            (``config --no-consistency``), so that a project that refers to undefined elements is
            resolved nevertheless.
    """

    def __init__(
        self,
        engine: Engine,
        root: Path,
        entries: Iterable[Invocation],
        inputs: Iterable[str],
        *,
        env_files: Iterable[str] = (),
        variables_of: Callable[[Invocation], Iterable[Variable]],
        profiles_of: Callable[[Invocation], Sequence[str]],
        environ: Mapping[str, str] | None = None,
        progress: Callable[[int, int], None] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        consistent: bool = True,
    ) -> None:
        self.engine = engine
        self.entries = tuple(entries)
        self._variables_of, self._profiles_of = variables_of, profiles_of
        self._stage = Stage(root, inputs)
        self._runner = Runner(
            engine,
            self._stage,
            timeout=timeout,
            progress=progress,
            environ=environ,
            options=() if consistent else ("--no-consistency",),
        )
        self._baseline = Baseline(self._runner, env_files)
        self._probe_runs = ProbeRuns(self._runner)
        self._runs: list[Run] | None = None

    def __enter__(self) -> Self:
        self._stage.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stage.__exit__(kind, error, traceback)

    def baseline(self) -> list[Run]:
        """Return the runs of the original; they are made at the first call."""
        if self._runs is None:
            self._runs = self._baseline.runs(self.entries, self._variables_of, self._profiles_of)
        return self._runs

    def accepts_all(self) -> bool:
        """Return whether Docker Compose accepts every start command now; one run for each."""
        runs = self._baseline.own_runs(self.entries, self._variables_of, self._profiles_of)
        return {run.entry for run in runs if run.result.ok} == set(self.entries)

    def rejected(self) -> dict[Invocation, str]:
        """Return the start commands that Docker Compose rejects now, with its message."""
        models = [run for run in self.baseline() if run.scenario.kind == "model"]
        accepted = {run.entry for run in models if run.result.ok}
        messages: dict[Invocation, str] = {}
        for run in models:
            if run.entry not in accepted:
                messages.setdefault(run.entry, self._runner.error_message(run.result))
        return messages

    def check(
        self,
        changes: Mapping[str, bytes | None],
        *,
        only: Callable[[Run], bool] | None = None,
        moved: Collection[str] = (),
        variables: Mapping[str, str] | None = None,
        entries: Mapping[Invocation, Invocation] | None = None,
    ) -> ProofResult:
        """Compare the resolved configurations before and after *changes*.

        Args:
            changes: The new content by path; None for a deleted file.
            only: Selects the runs of the original to compare with; None selects all.
            moved: Top-level ``x-*`` sections that may be missing afterwards.
            variables: Variables that are set after the changes if nothing else sets them.
            entries: The start command that replaces another one after the changes; it runs from the
                same directory.
        """
        begin, runs_before = time.perf_counter(), self._runner.runs
        runs = [run for run in self.baseline() if only is None or only(run)]
        accepted = [run for run in runs if run.result.ok]
        untried = self._untried_profiles() if only is None else []
        not_covered = [self._not_covered(run, run.result) for run in runs if not run.result.ok]
        not_covered += untried
        findings: dict[tuple[Invocation, tuple[str, ...], str], ProofFinding] = {}
        changed: dict[Invocation, list[str]] = {entry: [] for entry in self.entries}
        results = self._after(accepted, changes, variables or {}, entries or {})
        for run, after in zip(accepted, results, strict=True):
            if run.scenario.kind == "raw" and not after.ok:
                # Docker Compose checks included files more strictly without interpolation.
                not_covered.append(self._not_covered(run, after))
                continue
            for finding in compare_run(run, after, self._runner, moved):
                findings.setdefault((finding.entry, finding.path, finding.message), finding)
            if run.scenario.kind == "hash" and after.ok:
                changed[run.entry] += [
                    name
                    for name in recreated_services(run, after)
                    if name not in changed[run.entry]
                ]
        return ProofResult(
            differences=list(findings.values()),
            covered=len(runs) + len(untried) - len(not_covered),
            not_covered=not_covered,
            assumptions=self._baseline.assumptions,
            runs=self._runner.runs - runs_before,
            seconds=time.perf_counter() - begin,
            recreated=changed,
        )

    def rejected_after(self, changes: Mapping[str, bytes | None]) -> dict[Invocation, str]:
        """Return the rejected start commands that Docker Compose also rejects after *changes*."""
        before = self.rejected()
        self._stage.apply(changes)
        try:
            runs = self._baseline.own_runs(before, self._variables_of, self._profiles_of)
        finally:
            self._stage.reset()
        accepted = {run.entry for run in runs if run.result.ok}
        return {
            run.entry: self._runner.error_message(run.result)
            for run in runs
            if run.entry not in accepted
        }

    def sensitivities(
        self,
        changes: Mapping[str, bytes | None],
        entries: Mapping[Invocation, Invocation] | None = None,
    ) -> list[OverrideSensitivity]:
        """Return which override files would have a different effect after *changes*.

        *changes* and *entries* are as for :meth:`check`.
        """
        probed = self._probe_runs.baseline(self.baseline())
        after = self._after(probed, changes, {}, entries or {})
        return self._probe_runs.sensitivities(probed, after)

    def _after(
        self,
        runs: Sequence[Run],
        changes: Mapping[str, bytes | None],
        variables: Mapping[str, str],
        entries: Mapping[Invocation, Invocation],
    ) -> list[Result]:
        """Return the results of the scenarios of *runs* after *changes*, in the same order."""
        self._stage.apply(changes)
        try:
            return self._runner.side_by_side(
                [
                    lambda run=run: self._runner.run(  # type: ignore[misc]
                        entries.get(run.entry, run.entry),
                        run.scenario,
                        {**variables, **run.env},
                    )
                    for run in runs
                ]
            )
        finally:
            self._stage.reset()

    def _untried_profiles(self) -> list[NotCovered]:
        return [
            NotCovered(entry, f"profile {profile}", "not compared alone: too many profiles")
            for entry in self.entries
            for profile in untried_profiles(self._profiles_of(entry))
        ]

    def _not_covered(self, run: Run, result: Result) -> NotCovered:
        return NotCovered(run.entry, run.scenario.name, self._runner.error_message(result))
