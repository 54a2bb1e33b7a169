"""Proving that a change keeps the resolved configuration, in every scenario."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self, TypeAlias

from msgspec import Struct

from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.baseline import Baseline, EntryInputs, Remembered
from composerefactor.proof.comparison import (
    NotCovered,
    ProofFinding,
    ProofResult,
    changes_hash,
    compare_run,
    recreated_services,
)
from composerefactor.proof.config_output import extension_names, places, sections
from composerefactor.proof.engine import DEFAULT_TIMEOUT, Engine, Result
from composerefactor.proof.intended import Intended, Intention
from composerefactor.proof.memory import Memory
from composerefactor.proof.probes import OverrideSensitivity, ProbeRuns, constant_probe, render
from composerefactor.proof.scenarios import (
    ALL_PROFILES,
    OWN,
    Kind,
    Needed,
    Scenario,
    hash_scenario,
    own_scenario,
    raw_scenario,
    untried_profiles,
)
from composerefactor.proof.staging import Progress, Run, Runner, StagedCopy

_Asked: TypeAlias = tuple[Invocation, Scenario, frozenset[tuple[str, str]]]
"""A start command, its scenario and its environment variables."""


class PlannedVariables(Struct, frozen=True):
    """Variables that are set after a change.

    Attributes:
        values: Their values by name.
        win: Whether they have these values also where a scenario sets one of them. So the original
            may use the name otherwise: ``$PASSWORD`` where it means the shell of the container.
    """

    values: Mapping[str, str] = {}
    win: bool = False

    def with_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a run whose scenario sets those of *environment*."""
        first, second = (environment, self.values) if self.win else (self.values, environment)
        return {**first, **second}


NO_VARIABLES = PlannedVariables()


class Prover:
    """Proves changes to one project; a context manager, since it creates a staged copy.

    The original runs once, at the first use; later checks reuse its results. Use a prover from one
    thread only: it runs Docker Compose in several threads itself.

    Args:
        engine: Docker Compose.
        root: The project directory.
        entries: The start commands to compare.
        inputs: What Docker Compose reads, relative to the root; see
            :class:`~composerefactor.proof.staging.StagedCopy`.
        env_files: Those of the inputs that are treated as empty if they are missing.
        variables_of: Returns the variables that the files of a start command use.
        profiles_of: Returns the profiles that the services of a start command name.
        environ: The shell's variables that are passed to Docker Compose.
        progress: Shows how far the verification is.
        timeout: Seconds that one run may take.
        consistent: False disables Docker Compose's consistency checks
            (``config --no-consistency``), so that a project that refers to undefined elements is
            resolved nevertheless.
        probes: Whether combined scenarios include a probe, so that :meth:`sensitivities` needs no
            more runs if they are equal.
        needed: What start commands need for the only changes to be checked, if that is less than
            every scenario.
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
        progress: Progress | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        consistent: bool = True,
        probes: bool = False,
        needed: Mapping[Invocation, Needed] = MappingProxyType({}),
    ) -> None:
        self.engine = engine
        self.entries = tuple(entries)
        self._inputs = EntryInputs.of(self.entries, variables_of, profiles_of)
        self._stage = StagedCopy(root, inputs)
        self._runner = Runner(
            engine,
            self._stage,
            timeout=timeout,
            progress=progress,
            environ=environ,
            options=() if consistent else ("--no-consistency",),
        )
        self._baseline = Baseline(self._runner, env_files)
        self._thorough, self._probes, self._needed = engine.is_thorough, probes, needed
        self._owns: list[list[Run]] | None = None
        self._runs: list[Run] | None = None
        self._is_recalled = False
        self._remembered: list[Remembered] | None = None
        self._rejected: list[list[Run]] | None = None
        self._apart: dict[tuple[Invocation, Scenario], Run] = {}
        self._latest: tuple[object, dict[_Asked, Result]] = (None, {})

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
            self._runs = self._baseline.runs(
                self._inputs,
                self._first_runs(),
                thorough=self._thorough,
                probes=self._probes,
                needed=self._needed,
            )
        return self._runs

    def _first_runs(self) -> list[list[Run]]:
        if self._owns is None:
            # Nothing else would run beside a single start command.
            is_alone = len(self.entries) == 1 and not self._thorough and not self._needed
            self._owns = self._baseline.first_runs(self._inputs, raw=is_alone)
        return self._owns

    @property
    def runs(self) -> int:
        """The number of runs of Docker Compose so far."""
        return self._runner.runs

    def accepts_all(self) -> bool:
        """Return whether Docker Compose accepts every start command now; one run for each."""
        if not self._are_accepted() and self._owns is None:
            self._owns = self._baseline.first_runs(self._inputs)
        return not self._rejected_runs()

    def rejected(self) -> dict[Invocation, str]:
        """Return the start commands that Docker Compose rejects now, with its message."""
        return {
            own[0].entry: self._runner.error_message(own[0].result) for own in self._rejected_runs()
        }

    def _rejected_runs(self) -> list[list[Run]]:
        """Return the runs of each start command that Docker Compose rejects now."""
        if self._are_accepted():
            return []
        if self._rejected is None:
            owns = self._first_runs()
            rejected = self._baseline.rejected(self._inputs, owns)
            self._rejected = [own for own in owns if own[0].entry in rejected]
            if self.engine.memory is not None and not self.is_supplied:
                self._baseline.remember_rejected(rejected.values(), self.engine.memory)
        return self._rejected

    def _are_accepted(self) -> bool:
        """Return whether Docker Compose accepted all start commands in an earlier command."""
        if self._recall() is not None or self._owns is not None or self._thorough:
            return self._rejected == []
        return all(map(self._is_remembered, self.entries))

    def _recall(self) -> list[Remembered] | None:
        """Return the runs of the original that are remembered; None if one is not.

        Start commands that were rejected run again, since messages are not remembered.
        """
        memory = self.engine.memory
        if self._is_recalled or memory is None or self._thorough:
            return self._remembered
        self._is_recalled = True
        recalled = self._baseline.remembered(
            self._inputs, memory, probes=self._probes, needed=self._needed
        )
        if recalled is None:
            return None
        runs, inputs = recalled
        owns = self._baseline.first_runs(inputs)
        if len(self._baseline.rejected(inputs, owns)) == len(inputs):
            self._remembered, self._rejected = runs, owns
        return self._remembered

    def check(
        self,
        changes: Mapping[str, bytes | None],
        *,
        only: Callable[[Run], bool] | None = None,
        moved: Collection[str] = (),
        variables: PlannedVariables = NO_VARIABLES,
        entries: Mapping[Invocation, Invocation] | None = None,
        expected: Callable[[ProofFinding], bool] | None = None,
        intention: Intention | None = None,
    ) -> ProofResult:
        """Compare the resolved configurations before and after *changes*.

        Args:
            changes: The new content by path; None for a deleted file.
            only: Selects the runs of the original to compare with; None selects all.
            moved: Top-level ``x-*`` sections that may be missing afterwards.
            variables: Variables that are set after the changes.
            entries: The start command that replaces another one after the changes; it runs from the
                same directory.
            expected: Returns whether a difference is intended. A combined scenario is taken apart
                only if it shows another one.
            intention: What decides *expected*. If it is given, the intended differences are
                remembered; a result that follows from them does not list them.
        """
        moved_names = frozenset(moved)
        remembered = self._recall()
        if only is None and expected is None and remembered is not None:
            equal = self._equal_to_remembered(remembered, changes, moved_names, entries or {})
            if equal is not None:
                return equal
        in_memory = self._result_in_memory(changes, intention, variables, entries or {})
        if in_memory is None:
            return self._compared(changes, only, moved_names, variables, entries, expected)
        if (known_result := in_memory.recall()) is not None:
            return known_result
        intended = Intended(self._runner, in_memory.memory, in_memory.intention)
        result = self._as_intended(intended, changes, variables, entries or {})
        if result is None:
            result = self._compared(
                changes, only, moved_names, variables, entries, expected, intended
            )
        if expected is not None:
            in_memory.remember(result, expected)
        return result

    def _compared(
        self,
        changes: Mapping[str, bytes | None],
        only: Callable[[Run], bool] | None,
        moved: Collection[str],
        variables: PlannedVariables,
        entries: Mapping[Invocation, Invocation] | None,
        expected: Callable[[ProofFinding], bool] | None,
        intended: Intended | None = None,
    ) -> ProofResult:
        """Return the result of a check that compares with the runs of the original.

        What it finds is remembered in *intended*; the other arguments are those of :meth:`check`.
        """
        check = _Check(self, changes, moved, variables, entries or {}, expected or _none)
        if not changes and not self._thorough:
            # Two equal states are equal in every scenario.
            if self._owns is None and self._are_accepted():
                self.engine.usage.remembered += len(self.entries)
                return ProofResult(
                    covered=2 * len(self.entries),
                    assumptions=self.assumptions,
                    recreated=check.recreated,
                )
            check.compare([run for own in self._first_runs() for run in own])
            check.compare_hashes()
            return check.result([])
        known = [*self.baseline(), *self._apart.values()] if only else self.baseline()
        check.compare([run for run in known if only is None or only(run)])
        if only is None:
            check.compare_hashes()
        if intended is not None:
            check.remember(intended)
        return check.result(self._untried_profiles() if only is None else [])

    def rejected_after(
        self, changes: Mapping[str, bytes | None], entries: Collection[Invocation]
    ) -> dict[Invocation, str]:
        """Return those of *entries* that Docker Compose rejects after *changes*."""
        inputs = [each for each in self._inputs if each.entry in entries]
        if not inputs:
            return {}
        self._stage.apply(changes)
        try:
            rejected = self._baseline.rejected(inputs, self._baseline.first_runs(inputs))
        finally:
            self._stage.reset()
        return {entry: self._runner.error_message(run.result) for entry, run in rejected.items()}

    def sensitivities(
        self,
        changes: Mapping[str, bytes | None],
        entries: Mapping[Invocation, Invocation] | None = None,
        insensitive: Collection[Invocation] = (),
    ) -> list[OverrideSensitivity]:
        """Return which override files would have a different effect after *changes*.

        *changes* and *entries* are as for :meth:`check`. *insensitive* are the start commands that
        its result lists as probed.
        """
        if set(self.entries) <= {*insensitive, *self.rejected()}:
            return []
        probe_runs = ProbeRuns(self._runner)
        probed = probe_runs.baseline(run for run in self.baseline() if run.entry not in insensitive)
        return probe_runs.sensitivities(
            probed, self.after(probed, changes, NO_VARIABLES, entries or {})
        )

    def after(
        self,
        runs: Sequence[Run | Remembered],
        changes: Mapping[str, bytes | None],
        variables: PlannedVariables,
        entries: Mapping[Invocation, Invocation],
    ) -> list[Result]:
        """Return the results of the scenarios of *runs* after *changes*, in the same order.

        Those of the latest changes are kept, so that none runs twice.
        """
        state = dict(changes), self._stage.content()
        if self._latest[0] != state:
            self._latest = state, {}
        known = self._latest[1]
        asked: list[_Asked] = [
            (
                entries.get(run.entry, run.entry),
                run.scenario,
                frozenset(variables.with_environment(run.env).items()),
            )
            for run in runs
        ]
        new = [each for each in dict.fromkeys(asked) if each not in known]
        if new:
            self._stage.apply(changes)
            try:
                results = self._runner.side_by_side(
                    [
                        partial(self._runner.run, entry, scenario, dict(env))
                        for entry, scenario, env in new
                    ]
                )
            finally:
                self._stage.reset()
            known.update(zip(new, results, strict=True))
        return [known[each] for each in asked]

    def apart(self, runs: Iterable[tuple[Run, bool]]) -> list[Run]:
        """Return runs of the original that show which scenario a combined one differs in.

        For a combined run with True, these are the runs of its parts; with False, it is the
        combined one without its probe. They are made once.
        """
        inputs = {i.entry: i for i in self._inputs}
        wanted = {
            (run.entry, scenario): run
            for run, in_parts in runs
            for scenario in (
                run.scenario.parts if in_parts else (replace(run.scenario, probe=None),)
            )
        }
        new = [key for key in wanted if key not in self._apart]
        own = {run.entry: run.env for run in reversed(self.baseline()) if run.scenario.name == OWN}
        loaded = self._runner.side_by_side(
            [partial(self._baseline.load, inputs[e], scenario, own[e]) for e, scenario in new]
        )
        self._apart.update(zip(new, loaded, strict=True))
        return [self._apart[key] for key in wanted]

    def hashes(self, runs: Iterable[Run]) -> list[Run]:
        """Return runs of the original that print the hashes of what *runs* resolve; made once."""
        inputs = {i.entry: i for i in self._inputs}
        wanted = {(run.entry, hash_scenario(run.scenario.profiles)): run.env for run in runs}
        new = [key for key in wanted if key not in self._apart]
        loaded = self._runner.side_by_side(
            [
                partial(self._baseline.load, inputs[e], hashed, wanted[e, hashed])
                for e, hashed in new
            ]
        )
        self._apart.update(zip(new, loaded, strict=True))
        return [self._apart[key] for key in wanted]

    @property
    def is_remembered(self) -> bool:
        """Whether the runs of the original are remembered from an earlier command."""
        return self._recall() is not None

    @property
    def is_supplied(self) -> bool:
        """Whether the original needs values or files that are not in the project to load."""
        return self._baseline.is_supplied

    @property
    def assumptions(self) -> list[str]:
        """What was supplied to make the original load, for users."""
        return self._baseline.assumptions

    @property
    def runner(self) -> Runner:
        """What runs Docker Compose on the staged copy."""
        return self._runner

    def _result_in_memory(
        self,
        changes: Mapping[str, bytes | None],
        intention: Intention | None,
        variables: PlannedVariables,
        entries: Mapping[Invocation, Invocation],
    ) -> _RememberedResult | None:
        """Return where the result for *changes* is remembered; None if it is not."""
        memory, identity = self.engine.memory, self.engine.identity
        if intention is None or memory is None or identity is None or self._thorough:
            return None
        before = self._stage.content()
        self._stage.apply(changes)
        try:
            after = self._stage.content()
        finally:
            self._stage.reset()
        given = (
            self.entries, sorted(self._runner.environ.items()), self._runner.options,
            sorted(variables.values.items()), variables.win, list(entries.items()), self._probes,
            intention.text,
        )  # fmt: skip
        question = memory.digest(
            b"result", identity, repr(given).encode(), repr(before).encode(), repr(after).encode()
        )
        return _RememberedResult(self, memory, question, intention)

    def _equal_to_remembered(
        self,
        runs: Sequence[Remembered],
        changes: Mapping[str, bytes | None],
        moved: Collection[str],
        entries: Mapping[Invocation, Invocation],
    ) -> ProofResult | None:
        """Return the proof that *runs* are equal after *changes*; None if one is not.

        Only what is not remembered about the changed project runs.
        """
        names = {name for text in self._stage.texts() for name in extension_names(text)}
        runs_before = self.runs
        self._stage.apply(changes)
        try:
            is_equal = partial(self._is_equal, names=names, moved=moved, entries=entries)
            # A probe is made of the other results, which therefore come first.
            for is_combined in (False, True):
                tasks = [
                    partial(is_equal, run)
                    for run in runs
                    if bool(run.scenario.parts) is is_combined
                ]
                if not all(self._runner.side_by_side(tasks)):
                    return None
        finally:
            self._stage.reset()
        self.engine.usage.remembered += 2 * len(runs) - (self.runs - runs_before)
        probed = frozenset(run.entry for run in runs if run.scenario.probe)
        return self._remembered_result(runs, {}, probed)

    def _remembered_result(
        self,
        runs: Sequence[Remembered],
        recreated: Mapping[Invocation, list[str]],
        probed: frozenset[Invocation] = frozenset(),
    ) -> ProofResult:
        """Return the result of a proof that has compared *runs*."""
        entries = {run.entry for run in runs}
        return ProofResult(
            covered=len(runs) + len(entries),  # hashes follow from the configuration
            not_covered=self.rejected_scenarios(),
            assumptions=self.assumptions,
            recreated={entry: recreated.get(entry, []) for entry in self.entries},
            probed=probed,
        )

    def rejected_scenarios(self) -> list[NotCovered]:
        """Return the scenarios of start commands that Docker Compose rejects now."""
        return [
            NotCovered(run.entry, run.scenario.name, self._runner.error_message(run.result))
            for own in self._rejected_runs()
            for run in own
        ]

    def _as_intended(
        self,
        intended: Intended,
        changes: Mapping[str, bytes | None],
        variables: PlannedVariables,
        entries: Mapping[Invocation, Invocation],
    ) -> ProofResult | None:
        """Return the proof that only remembered differences are there after *changes*.

        None if that is not so; the original does not run.
        """
        runs = self._recall()
        if runs is None or any(run.scenario.probe for run in runs):
            return None  # a probe is made of runs of the original
        names = {name for text in self._stage.texts() for name in extension_names(text)}
        recreated: dict[Invocation, list[str]] = {}
        results = self.after(runs, changes, variables, entries)
        for run, after in zip(runs, results, strict=True):
            services = intended.recreated(run.question, after.stdout, names) if after.ok else None
            if services is None:
                return None
            if run.scenario.name == OWN:
                recreated[run.entry] = sorted(services)
        self.engine.usage.remembered += len(runs)
        return self._remembered_result(runs, recreated)

    def _is_equal(
        self,
        run: Remembered,
        *,
        names: Collection[str],
        moved: Collection[str],
        entries: Mapping[Invocation, Invocation],
    ) -> bool:
        """Return whether the result of *run* is the same in the current state of the copy."""
        memory, entry, scenario = (
            self.engine.memory,
            entries.get(run.entry, run.entry),
            run.scenario,
        )
        question = self._runner.question(entry, scenario, run.env)
        if memory is None or question is None:
            return False
        if memory.recall(question) is None:
            if scenario.probe:
                own = self._runner.run(entry, own_scenario({}), {})
                raw = self._runner.run(entry, raw_scenario(), {})
                text = render(constant_probe(own, raw, self.engine))
                scenario = replace(scenario, probe=str(self._stage.scratch(text)))
            self._runner.run(entry, scenario, run.env)
        return memory.is_equal(run.question, question, names, moved)

    def _is_remembered(self, entry: Invocation) -> bool:
        """Return whether Docker Compose accepted *entry* in an earlier command."""
        memory = self.engine.memory
        question = self._runner.question(entry, own_scenario({}), {})
        return bool(memory and question and memory.recall(question) is not None)

    def _untried_profiles(self) -> list[NotCovered]:
        """Return the profiles that are not compared alone, of start commands that need it."""
        alone = {
            run.entry for run in self.baseline() if run.scenario.profiles not in {(), ALL_PROFILES}
        }
        return [
            NotCovered(inputs.entry, f"profile {profile}", "not compared alone: too many profiles")
            for inputs in self._inputs
            if inputs.entry in alone
            for profile in untried_profiles(inputs.profiles)
        ]


class _RememberedResult:
    """A remembered result: that there are no unintended differences, and what is recreated.

    Only results of projects that load as they are get remembered; values of required variables for
    the scenario with an empty env file may be supplied.
    """

    def __init__(
        self, prover: Prover, memory: Memory, question: bytes, intention: Intention
    ) -> None:
        self.prover, self.memory, self.question = prover, memory, question
        self.intention = intention

    def recall(self) -> ProofResult | None:
        """Return the result; None if it, or the original, is not remembered."""
        answer = self.memory.recall(self.question)
        if answer is None or not self.prover.is_remembered:
            return None
        covered = int.from_bytes(answer[:4], "big")
        self.prover.engine.usage.remembered += 2 * covered
        return ProofResult(
            covered=covered,
            not_covered=self.prover.rejected_scenarios(),
            assumptions=self.prover.assumptions,
            recreated={
                entry: [
                    name
                    for name in self.intention.services
                    if self.memory.recall(self._of(n, name))
                ]
                for n, entry in enumerate(self.prover.entries)
            },
        )

    def remember(self, result: ProofResult, expected: Callable[[ProofFinding], bool]) -> None:
        """Remember *result* if it can be recalled completely."""
        is_complete = result.not_covered == self.prover.rejected_scenarios() and {
            *result.recreated_names
        } <= {*self.intention.services}
        is_intended = all(map(expected, result.differences))
        if not (result.covered and is_complete and is_intended) or self.prover.is_supplied:
            return
        for n, entry in enumerate(self.prover.entries):
            for name in result.recreated.get(entry, ()):
                self.memory.remember(self._of(n, name), b"recreated")
        self.memory.remember(self.question, result.covered.to_bytes(4, "big") + b"result")

    def _of(self, entry: int, service: str) -> bytes:
        return self.memory.digest(self.question, f"{entry} {service}".encode())


_ORDER: dict[Kind, int] = {"model": 0, "raw": 1, "hash": 2}
"""The order of differences: what users write is more helpful than what follows from it."""


class _Check:
    """One comparison of a prover's runs with those after a change."""

    def __init__(
        self,
        prover: Prover,
        changes: Mapping[str, bytes | None],
        moved: Collection[str],
        variables: PlannedVariables,
        entries: Mapping[Invocation, Invocation],
        expected: Callable[[ProofFinding], bool],
    ) -> None:
        self.prover, self.changes, self.moved = prover, changes, moved
        self.variables, self.entries, self.expected = variables, entries, expected
        self.covered = 0
        self.probed: set[Invocation] = set()
        self.places: set[tuple[Invocation, tuple[str, ...]]] = set()
        self.with_hash: set[Invocation] = set()
        self.hashed: set[Invocation] = set()
        self.unhashed: dict[Invocation, tuple[Run, Result]] = {}
        self.compared: list[tuple[Run, Result, list[ProofFinding]]] = []
        self.not_covered: list[NotCovered] = []
        self.findings: dict[tuple[Invocation, tuple[str, ...], str], ProofFinding] = {}
        self.recreated: dict[Invocation, list[str]] = {entry: [] for entry in prover.entries}

    def compare(self, runs: Sequence[Run]) -> None:
        """Compare *runs*; combined ones that differ are taken apart and compared again."""
        self.with_hash |= {run.entry for run in runs if run.scenario.kind == "hash"}
        combined: dict[Invocation, tuple[Run, list[ProofFinding]]] = {}
        without_raw: set[Invocation] = set()
        compared_otherwise = {
            run.entry for run in runs if run.scenario.kind == "model" and run.scenario.name != OWN
        }
        for run, after in self._after(runs):
            found = compare_run(run, after, self.prover.runner, self.moved)
            self.compared.append((run, after, found))
            is_raw = run.scenario.kind == "raw"
            if is_raw and not after.ok and run.entry in compared_otherwise:
                # Docker Compose checks included files more strictly without interpolation.
                self._add_not_covered(run, after)
                without_raw.add(run.entry)
            elif run.scenario.parts:
                combined[run.entry] = run, found
            else:
                self._add(run, after, found)
        apart: list[tuple[Run, list[ProofFinding], bool]] = []
        for entry, (run, found) in combined.items():
            has_probe = run.scenario.probe is not None
            if entry in without_raw:
                apart.append((run, [] if has_probe else found, True))
            elif self._is_explained(found):
                self.covered += 1
                self._add_findings(f for f in found if not self._is_known(f))
                if has_probe and not found:
                    self.probed.add(entry)
            else:
                apart.append((run, found, not has_probe))
        self._take_apart(apart)

    def compare_hashes(self) -> None:
        """Say which containers would be recreated where no hashes were compared.

        The hash of a service follows from the resolved configuration. So those of equal texts are
        equal, and those of services of which a hashed attribute differs are not. Hashes are asked
        only where the text of a service is another one, and no difference was found; not if the
        comparison has failed already.
        """
        self._derive_recreated()
        if not all(map(self.expected, self.findings.values())):
            self.covered += len(self.hashed - self.unhashed.keys())
            return
        asked = [run for run, after in self.unhashed.values() if self._is_unclear(run, after)]
        self.covered += len(self.hashed) - len(asked)
        runs = self.prover.hashes(asked)
        for run, after in self._after(runs):
            self._add(run, after, compare_run(run, after, self.prover.runner, self.moved))

    def _derive_recreated(self) -> None:
        release = self.prover.engine.release
        for finding in self.findings.values():
            known = self.recreated[finding.entry]
            is_own = finding.entry in self.unhashed and finding.scenario == OWN
            if is_own and changes_hash(finding, release) and finding.path[1] not in known:
                known.append(finding.path[1])

    def _is_unclear(self, run: Run, after: Result) -> bool:
        """Return whether a service has another text in *after*, but no difference was found."""
        old, new = places(run.result.stdout), places(after.stdout)
        differing = {place[:2] for place in {**old, **new} if old.get(place) != new.get(place)}
        found = {each.path[:2] for each in self.findings.values() if each.entry == run.entry}
        return any(place[0] == "services" and place not in found for place in differing)

    def remember(self, intended: Intended) -> None:
        """Remember the intended differences."""
        if self.prover.is_supplied:
            return  # then the original is not remembered either
        for run, after, found in self.compared:
            if after.ok:
                intended.remember(run, after.stdout, found, self.expected)

    def result(self, untried: Sequence[NotCovered]) -> ProofResult:
        """Return the result; *untried* is not covered, too."""
        return ProofResult(
            differences=sorted(self.findings.values(), key=lambda each: _ORDER[each.kind]),
            covered=self.covered,
            not_covered=[*self.not_covered, *untried],
            assumptions=self.prover.assumptions,
            recreated=self.recreated,
            probed=frozenset(self.probed),
        )

    def _take_apart(self, differing: Sequence[tuple[Run, list[ProofFinding], bool]]) -> None:
        """Compare combined runs that differ without their probe, then in parts.

        A difference that only the combination shows remains. *differing* has the run, its
        differences, and whether it is compared in parts at once.
        """
        if not differing:
            return
        again: list[tuple[Run, list[ProofFinding], bool]] = []
        in_parts = {run.entry: found for run, found, parts in differing if parts}
        runs = self.prover.apart([(run, parts) for run, _, parts in differing])
        explained: set[Invocation] = set()
        for run, after in self._after(runs):
            found = compare_run(run, after, self.prover.runner, self.moved)
            if run.scenario.parts and not self._is_explained(found):
                again.append((run, found, True))
                continue
            if not self._is_explained(found):
                explained.add(run.entry)
            self._add(run, after, found)
        for entry, found in in_parts.items():
            if entry not in explained:
                self._add_findings(found)
        self._take_apart(again)

    def _is_explained(self, found: Iterable[ProofFinding]) -> bool:
        """Return whether each difference is expected, or known from another scenario."""
        return all(self.expected(f) or self._is_known(f) for f in found)

    def _is_known(self, finding: ProofFinding) -> bool:
        """Return whether another scenario shows *finding*, perhaps with other values."""
        return _key(finding) in self.findings or (finding.entry, finding.path) in self.places

    def _after(self, runs: Sequence[Run]) -> Iterator[tuple[Run, Result]]:
        """Yield the successful *runs* with the results after the change; note the others."""
        accepted = [run for run in runs if run.result.ok]
        for run in runs:
            if not run.result.ok:
                self._add_not_covered(run, run.result)
        results = self.prover.after(accepted, self.changes, self.variables, self.entries)
        yield from zip(accepted, results, strict=True)

    def _add(self, run: Run, after: Result, found: Iterable[ProofFinding]) -> None:
        self.covered += 1
        self._add_findings(found)
        if run.scenario.name == OWN and after.ok and run.entry not in self.with_hash:
            self.hashed.add(run.entry)
            if _hashed(run.result) != _hashed(after):
                self.unhashed[run.entry] = run, after
        if run.scenario.kind == "hash" and after.ok:
            known = self.recreated[run.entry]
            known += [name for name in recreated_services(run, after) if name not in known]

    def _add_findings(self, found: Iterable[ProofFinding]) -> None:
        for finding in found:
            self.findings.setdefault(_key(finding), finding)
            if finding.kind == "model" and not finding.rejects:
                self.places.add((finding.entry, finding.path))

    def _add_not_covered(self, run: Run, result: Result) -> None:
        message = self.prover.runner.error_message(result)
        self.not_covered.append(NotCovered(run.entry, run.scenario.name, message))


def _hashed(config: Result) -> dict[str, str]:
    """Return the text from which hashes follow: all sections of *config* without ``x-*``."""
    texts = sections(config.stdout)
    return {name: text for name, text in texts.items() if not name.startswith("x-")}


def _none(_: ProofFinding) -> bool:
    return False


def _key(finding: ProofFinding) -> tuple[Invocation, tuple[str, ...], str]:
    """Return what makes *finding* the same in several scenarios."""
    return finding.entry, finding.path, finding.message
