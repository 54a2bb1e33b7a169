"""The proof that a change keeps the model, for every entry point in every circumstance."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.baseline import Baseline
from composerefactor.proof.comparison import NotCovered, ProofFinding, ProofResult, judge, recreated
from composerefactor.proof.engine import DEFAULT_TIMEOUT, Engine, Result
from composerefactor.proof.probes import OverrideSensitivity, Trials
from composerefactor.proof.scenarios import left_out
from composerefactor.proof.staging import Run, Runner, Stage


class Prover:
    """Proves changes to one project; a context manager, since it holds a staged copy.

    *root* is the project directory, *inputs* what the engine reads, relative to it (see
    :class:`~composerefactor.proof.staging.Stage`), *env_files* those of them that are taken for
    empty where they are missing. *variables_of* and *profiles_of* give what the
    files of an entry point use, *environ* the shell's variables that they may see. *progress* is
    called with the runs done and to do. *consistent* False leaves out the engine's checks of what
    belongs together, so that a project which names what it does not define is resolved all the same
    (``config --no-consistency``).

    The originals are run once, at the first use; the checks that follow reuse them. Use it from one
    thread: it runs the engine in several itself.
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
        self._trials = Trials(self._runner)
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
        """Return the runs of the originals; they are made at the first call."""
        if self._runs is None:
            self._runs = self._baseline.runs(self.entries, self._variables_of, self._profiles_of)
        return self._runs

    def accepts_all(self) -> bool:
        """Return whether the engine accepts every entry point as it stands: one run for each."""
        runs = self._baseline.own_runs(self.entries, self._variables_of, self._profiles_of)
        return {run.entry for run in runs if run.result.ok} == set(self.entries)

    def rejected(self) -> dict[Invocation, str]:
        """Return the entry points that the engine rejects as they stand, with its words."""
        models = [run for run in self.baseline() if run.scenario.kind == "model"]
        accepted = {run.entry for run in models if run.result.ok}
        words: dict[Invocation, str] = {}
        for run in models:
            if run.entry not in accepted:
                words.setdefault(run.entry, self._runner.words(run.result))
        return words

    def check(
        self,
        changes: Mapping[str, bytes | None],
        *,
        only: Callable[[Run], bool] | None = None,
        moved: Collection[str] = (),
        variables: Mapping[str, str] | None = None,
        entries: Mapping[Invocation, Invocation] | None = None,
    ) -> ProofResult:
        """Compare the models before and after *changes* (paths to contents, None deletes).

        *only* chooses the runs of the originals that are compared with; all are if it is None.
        *moved* names the top-level ``x-*`` that may leave the root. *variables* are set after the
        changes where nothing else sets them. *entries* gives the command that is run afterwards
        for each one that is another then; it is run from the same directory.
        """
        begin, runs_before = time.perf_counter(), self._runner.runs
        runs = [run for run in self.baseline() if only is None or only(run)]
        accepted = [run for run in runs if run.result.ok]
        untried = self._untried() if only is None else []
        not_covered = [self._uncovered(run, run.result) for run in runs if not run.result.ok]
        not_covered += untried
        found: dict[tuple[Invocation, tuple[str, ...], str], ProofFinding] = {}
        changed: dict[Invocation, list[str]] = {entry: [] for entry in self.entries}
        results = self._after(accepted, changes, variables or {}, entries or {})
        for run, after in zip(accepted, results, strict=True):
            if run.scenario.kind == "raw" and not after.ok:
                # The engine checks included text more strictly where it is not interpolated.
                not_covered.append(self._uncovered(run, after))
                continue
            for finding in judge(run, after, self._runner, moved):
                found.setdefault((finding.entry, finding.path, finding.words), finding)
            if run.scenario.kind == "hash" and after.ok:
                changed[run.entry] += [
                    name for name in recreated(run, after) if name not in changed[run.entry]
                ]
        return ProofResult(
            differences=list(found.values()),
            covered=len(runs) + len(untried) - len(not_covered),
            not_covered=not_covered,
            assumptions=self._baseline.assumptions,
            runs=self._runner.runs - runs_before,
            seconds=time.perf_counter() - begin,
            recreated=changed,
        )

    def rejected_after(self, changes: Mapping[str, bytes | None]) -> dict[Invocation, str]:
        """Return which of the rejected entry points the engine rejects after *changes* too."""
        before = self.rejected()
        self._stage.apply(changes)
        try:
            runs = self._baseline.own_runs(before, self._variables_of, self._profiles_of)
        finally:
            self._stage.reset()
        accepted = {run.entry for run in runs if run.result.ok}
        return {
            run.entry: self._runner.words(run.result) for run in runs if run.entry not in accepted
        }

    def sensitivities(
        self,
        changes: Mapping[str, bytes | None],
        entries: Mapping[Invocation, Invocation] | None = None,
    ) -> list[OverrideSensitivity]:
        """Return in which ways unseen override files would have another effect after *changes*.

        *entries* is as :meth:`check` has it.
        """
        probed = self._trials.baseline(self.baseline())
        after = self._after(probed, changes, {}, entries or {})
        return self._trials.sensitivities(probed, after)

    def _after(
        self,
        runs: Sequence[Run],
        changes: Mapping[str, bytes | None],
        variables: Mapping[str, str],
        entries: Mapping[Invocation, Invocation],
    ) -> list[Result]:
        """Return what the engine says in the circumstances of *runs* after *changes*."""
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

    def _untried(self) -> list[NotCovered]:
        return [
            NotCovered(entry, f"profile {profile}", "not tried alone: too many profiles")
            for entry in self.entries
            for profile in left_out(self._profiles_of(entry))
        ]

    def _uncovered(self, run: Run, result: Result) -> NotCovered:
        return NotCovered(run.entry, run.scenario.name, self._runner.words(result))
