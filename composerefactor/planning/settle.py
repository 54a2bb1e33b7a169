"""Finding the largest part of a plan that the engine proves.

A plan is proved as a whole. Where the proof fails, what it names stays in place and the rest is
proved again; where it names nothing, halves are tried. At the end every part that stayed is tried
once more alone, so that each one that stays does so because an engine run fails when it moves.

Most tries fail, and they fail where others did before. So a try is asked there first, which takes
an engine run or two; what passes is then proved in every circumstance, together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge_keys import merged_entries
from composerefactor.compose.project import Project
from composerefactor.errors import Location
from composerefactor.planning.opening import OpenProject
from composerefactor.proof.comparison import ProofFinding, ProofResult, services_named
from composerefactor.proof.engine import Engine
from composerefactor.proof.prover import Prover
from composerefactor.proof.staging import Run
from composerefactor.refactoring.contract import Part, Plan
from composerefactor.yaml import nodes as yaml
from composerefactor.yaml.nodes import Node, resolve


def prover_of(
    opened: OpenProject,
    engine: Engine,
    progress: Callable[[int, int], None] | None = None,
    *,
    entries: Sequence[Invocation] | None = None,
    consistent: bool = True,
) -> Prover:
    """Return the prover of what is *opened*, for all readable entry points or just *entries*.

    *consistent* and *progress* are as :class:`~composerefactor.proof.prover.Prover` has them.
    """
    return Prover(
        engine,
        opened.root,
        opened.project.readable if entries is None else entries,
        opened.project.inputs,
        env_files=opened.project.env_files,
        variables_of=opened.variables_of,
        profiles_of=opened.profiles_of,
        environ=opened.environ,
        progress=progress,
        consistent=consistent,
    )


class Incomplete:
    """The *rejected* entry points of a project; *stages* closes the staged copies that it makes."""

    def __init__(
        self, opened: OpenProject, engine: Engine, rejected: Sequence[Invocation], stages: ExitStack
    ) -> None:
        self._opened, self._engine = opened, engine
        self._rejected = rejected
        self._provers: dict[Invocation, Prover] = {}
        self._resolved: set[Invocation] = set()
        self._stages = stages

    def resolved(self, paths: Collection[str]) -> tuple[Invocation, ...]:
        """Return those that read one of *paths*, and that the engine resolves without checks."""
        asked = [e for e in self._rejected if not set(paths).isdisjoint(e.files)]
        unknown = [entry for entry in asked if entry not in self._provers]
        if unknown:
            prover = self._stages.enter_context(
                prover_of(self._opened, self._engine, entries=unknown, consistent=False)
            )
            self._provers |= dict.fromkeys(unknown, prover)
            self._resolved |= set(unknown) - prover.rejected().keys()
        return tuple(entry for entry in asked if entry in self._resolved)

    def check(
        self,
        plan: Plan,
        proof: ProofResult,
        only: Callable[[Run], bool] | None,
        moved: Collection[str],
    ) -> ProofResult:
        """Return *proof* with what else *plan* changes in files that no accepted one reads.

        *only* and *moved* are as :meth:`~composerefactor.proof.prover.Prover.check` has them.
        """
        changes = plan.contents()
        read = {path for entry in self._accepted() for path in self._opened.project.files_of[entry]}
        for prover in dict.fromkeys(self._provers.values()):
            concerned = tuple(
                entry
                for entry in prover.entries
                if entry in self._resolved and not (changes.keys() - read).isdisjoint(entry.files)
            )
            if concerned:
                found = prover.check(
                    changes,
                    only=lambda run: run.entry in concerned and (only is None or only(run)),  # noqa: B023
                    moved=moved,
                )
                proof = replace(
                    proof.with_lenient(found, concerned),
                    incomplete=(*proof.incomplete, *concerned),
                )
        return proof

    def _accepted(self) -> list[Invocation]:
        return [e for e in self._opened.project.readable if e not in self._rejected]


Planner = Callable[[dict[Part, str], frozenset[Part]], Plan]
"""Plans with parts that stay, each with a reason, and parts that move whatever speaks against."""


class Settled(Struct):
    """A plan, the verdict on it, and the findings that kept parts in place."""

    plan: Plan
    proof: ProofResult
    findings: dict[Part, ProofFinding] = {}


class Settler:
    """Runs the search for one transform and one project."""

    def __init__(
        self, planner: Planner, prover: Prover, incomplete: Incomplete | None = None
    ) -> None:
        self.planner = planner
        self.prover = prover
        self.incomplete = incomplete
        self.keep: dict[Part, str] = {}
        self.findings: dict[Part, ProofFinding] = {}
        self.failing: set[tuple[Invocation, str]] = set()
        """The circumstances in which a plan failed first, by entry point."""

    def settle(self) -> Settled:
        """Return the largest plan that is proved; its verdict is ok unless nothing could be."""
        plan = self.plan()
        predicted = [s.part for s in plan.unmoved if s.part[1] == "services" and s.predicted]
        proof = self.check(plan)
        while plan.planned_files and not proof.ok and self.give_way(plan, proof):
            plan = self.plan()
            proof = self.check(plan, self.has_failed)
            if not proof.differences:
                self.release()
                plan = self.plan()
                proof = self.check(plan)
        plan, proof = self.overrule([*predicted], plan, proof)
        return Settled(plan, proof, self.findings)

    def plan(self, forced: Iterable[Part] = ()) -> Plan:
        """Return the plan with what has to stay so far."""
        return self.planner(self.keep, frozenset(forced))

    def check(self, plan: Plan, only: Callable[[Run], bool] | None = None) -> ProofResult:
        """Return the engine's verdict on *plan*; that on no change at all where it is empty."""
        moved = [section for _, section, _ in plan.moved if section.startswith("x-")]
        proof = self.prover.check(plan.contents(), only=only, moved=moved, entries=plan.entries)
        if self.incomplete is not None:
            proof = self.incomplete.check(plan, proof, only, moved)
        firsts: dict[Invocation, str] = {}
        for found in proof.differences:
            firsts.setdefault(found.entry, found.scenario)
        self.failing.update(firsts.items())
        return proof

    def has_failed(self, run: Run) -> bool:
        """Return whether a plan has failed in the circumstance of *run*."""
        return (run.entry, run.scenario.name) in self.failing

    def give_way(self, plan: Plan, proof: ProofResult) -> bool:
        """Keep what *proof* blames, or what halving finds; False where that is nothing."""
        if not proof.differences:
            return False
        blamed = list(_blamed(plan, proof.differences))
        if not blamed:
            blamed = [(part, proof.differences[0]) for part in self.culprits(plan)]
        for part, finding in blamed:
            self.keep[part] = finding.words
            self.findings[part] = finding
        return bool(blamed)

    def culprits(self, plan: Plan) -> list[Part]:
        """Return the services of *plan* that cannot move, found by halving."""
        parts = [part for part in plan.moved if part[1] == "services"]
        good: list[Part] = []
        bad: list[Part] = []
        queue: list[Sequence[Part]] = [parts] if parts else []
        while queue:
            chunk = queue.pop(0)
            if self.moves(parts, [*good, *chunk]):
                good += chunk
            elif len(chunk) == 1:
                bad += chunk
            else:
                middle = len(chunk) // 2
                queue = [chunk[:middle], chunk[middle:], *queue]
        return bad

    def moves(self, parts: Sequence[Part], only: Sequence[Part]) -> bool:
        """Return whether the engine agrees, where it has not, when of *parts* just *only* move."""
        kept = {part: "" for part in parts if part not in only}
        plan = self.planner({**self.keep, **kept}, frozenset())
        return not plan.planned_files or not self.check(plan, self.has_failed).differences

    def release(self) -> None:
        """Let go what may have stayed for another one's sake only, one after another."""
        if len(self.keep) == 1:
            return  # it has just been seen to fail
        for part in list(self.keep):
            reason = self.keep.pop(part)
            bolder = self.plan()
            if bolder.planned_files and not self.check(bolder, self.has_failed).differences:
                self.findings.pop(part, None)
            else:
                self.keep[part] = reason

    def overrule(
        self, predicted: Sequence[Part], plan: Plan, proof: ProofResult
    ) -> tuple[Plan, ProofResult]:
        """Move those parts that were only *predicted* to stay, as far as the engine agrees."""
        for only in (_is_essential, None):
            predicted = [part for part in predicted if self.moves_after_all(part, only)]
            if not predicted:
                break
            bolder = self.plan(predicted)
            found = self.check(bolder)
            if found.ok:
                return bolder, found
        return plan, proof

    def moves_after_all(self, part: Part, only: Callable[[Run], bool] | None) -> bool:
        """Return whether a part that was predicted to stay can move; notes the finding if not."""
        proof = self.check(self.plan([part]), only)
        if proof.differences:
            self.findings[part] = proof.differences[0]
        return not proof.differences


def _is_essential(run: Run) -> bool:
    return run.scenario.essential


def _blamed(plan: Plan, findings: Iterable[ProofFinding]) -> Iterable[tuple[Part, ProofFinding]]:
    """Yield the moved parts that *findings* name."""
    by_name: dict[tuple[str, str], list[Part]] = {}
    for part in plan.moved:
        by_name.setdefault(part[1:], []).append(part)
    seen: set[Part] = set()
    for finding in findings:
        names = [("services", finding.service)] if finding.service else []
        if finding.path[:1] and finding.path[0] in RESOURCE_SECTIONS:
            names.append((finding.path[0], finding.path[1] if len(finding.path) > 1 else ""))
        for section, name in names:
            for part in by_name.get((section, name or ""), []):
                if part not in seen:
                    seen.add(part)
                    yield part, finding


def locate(
    project: Project, entry: Invocation, path: Sequence[str], marks: Sequence[str] = ()
) -> Location | None:
    """Return the line that comes closest to *path*, which begins at the top of the model.

    Of several files of *entry* the one that writes more of the path counts, then the later one.
    Of a list the item counts that holds all of *marks*, or is ``NAME=...`` for a NAME in the path.
    None where no file has even the section.
    """
    best: tuple[int, Location] | None = None
    order = [*entry.files, *sorted(project.files_of.get(entry, set()) - set(entry.files))]
    for name in order:
        file = project.files.get(name)
        depth, location = _deepest(file, path, marks) if file else (0, None)
        if location is not None and (best is None or depth >= best[0]):
            best = (depth, location)
    return best[1] if best else None


def blamed_place(project: Project, entry: Invocation, words: str) -> Location:
    """Return the line of the first service or section that the engine's *words* name.

    The whole file where they name none that is written in *entry*.
    """
    files = [project.files[path] for path in entry.files]
    places = [("services", name) for name in services_named(words)]
    places += [(key, "") for key in re.findall(r"\b[a-z]+\b", words)]
    for section, name in places:
        for file in files:
            if name in file.entries(section) or (not name and section in file.root_keys):
                return file.location_of(section, name)
    return Location(entry.base)


def _deepest(
    file: ComposeFile, path: Sequence[str], marks: Sequence[str]
) -> tuple[int, Location | None]:
    node: Node | None = file.root
    location = None
    for depth, part in enumerate(path):
        entry = merged_entries(node).get(part)
        if entry is None:
            item = _item(file, node, [part] if not part.isdecimal() else [], marks)
            found = file.source.location(item.start) if item is not None else location
            return depth + (item is not None), found
        location = file.source.location(entry.start)
        node = entry.value
    item = _item(file, node, (), marks)
    return len(path) + (item is not None), (
        file.source.location(item.start) if item is not None else location
    )


def _item(
    file: ComposeFile, node: Node | None, names: Sequence[str], marks: Sequence[str]
) -> Node | None:
    """Return the item of the list *node* that is called one of *names* or holds all *marks*."""
    sequence = resolve(node) if node is not None else None
    if not isinstance(sequence, yaml.SequenceNode):
        return None
    for item in map(resolve, sequence.items):
        text = file.source.text[item.start : item.end]
        plain = text.strip("\"'")
        if any(plain == name or plain.startswith(f"{name}=") for name in names):
            return item
        if marks and all(mark in text for mark in marks):
            return item
    return None
