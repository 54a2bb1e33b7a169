"""Finding the largest part of a plan that the engine proves.

A plan is proved as a whole. Where the proof fails, what it names stays in place and the rest is
proved again; where it names nothing, halves are tried. At the end every part that stayed is tried
once more alone, so that each one that stays does so because an engine run fails when it moves.

Most tries fail, and they fail where others did before. So a try is asked there first, which takes
an engine run or two; what passes is then proved in every circumstance, together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.file import RESOURCE_SECTIONS
from composerefactor.proposal.incomplete import Incomplete
from composerefactor.transform import Part, Plan
from composerefactor.verify.prover import Prover
from composerefactor.verify.runner import Run
from composerefactor.verify.verdict import Finding, Verdict

Planner = Callable[[dict[Part, str], frozenset[Part]], Plan]
"""Plans with parts that stay, each with a reason, and parts that move whatever speaks against."""


class Settled(Struct):
    """A plan, the verdict on it, and the findings that kept parts in place."""

    plan: Plan
    verdict: Verdict
    findings: dict[Part, Finding] = {}


class Settler:
    """Runs the search for one transform and one project."""

    def __init__(
        self, planner: Planner, prover: Prover, incomplete: Incomplete | None = None
    ) -> None:
        self.planner = planner
        self.prover = prover
        self.incomplete = incomplete
        self.keep: dict[Part, str] = {}
        self.findings: dict[Part, Finding] = {}
        self.failing: set[tuple[EntryPoint, str]] = set()
        """The circumstances in which a plan failed first, by entry point."""

    def settle(self) -> Settled:
        """Return the largest plan that is proved; its verdict is ok unless nothing could be."""
        plan = self.plan()
        predicted = [s.part for s in plan.stays if s.part[1] == "services" and s.forecast]
        verdict = self.check(plan)
        while plan.drafts and not verdict.ok and self.give_way(plan, verdict):
            plan = self.plan()
            verdict = self.check(plan, self.has_failed)
            if not verdict.differences:
                self.release()
                plan = self.plan()
                verdict = self.check(plan)
        plan, verdict = self.overrule([*predicted], plan, verdict)
        return Settled(plan, verdict, self.findings)

    def plan(self, forced: Iterable[Part] = ()) -> Plan:
        """Return the plan with what has to stay so far."""
        return self.planner(self.keep, frozenset(forced))

    def check(self, plan: Plan, only: Callable[[Run], bool] | None = None) -> Verdict:
        """Return the engine's verdict on *plan*; that on no change at all where it is empty."""
        moved = [section for _, section, _ in plan.moved if section.startswith("x-")]
        verdict = self.prover.check(plan.contents(), only=only, moved=moved, entries=plan.entries)
        if self.incomplete is not None:
            verdict = self.incomplete.check(plan, verdict, only, moved)
        firsts: dict[EntryPoint, str] = {}
        for found in verdict.differences:
            firsts.setdefault(found.entry, found.circumstance)
        self.failing.update(firsts.items())
        return verdict

    def has_failed(self, run: Run) -> bool:
        """Return whether a plan has failed in the circumstance of *run*."""
        return (run.entry, run.circumstance.name) in self.failing

    def give_way(self, plan: Plan, verdict: Verdict) -> bool:
        """Keep what *verdict* blames, or what halving finds; False where that is nothing."""
        if not verdict.differences:
            return False
        blamed = list(_blamed(plan, verdict.differences))
        if not blamed:
            blamed = [(part, verdict.differences[0]) for part in self.culprits(plan)]
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
        return not plan.drafts or not self.check(plan, self.has_failed).differences

    def release(self) -> None:
        """Let go what may have stayed for another one's sake only, one after another."""
        if len(self.keep) == 1:
            return  # it has just been seen to fail
        for part in list(self.keep):
            reason = self.keep.pop(part)
            bolder = self.plan()
            if bolder.drafts and not self.check(bolder, self.has_failed).differences:
                self.findings.pop(part, None)
            else:
                self.keep[part] = reason

    def overrule(
        self, predicted: Sequence[Part], plan: Plan, verdict: Verdict
    ) -> tuple[Plan, Verdict]:
        """Move those parts that were only *predicted* to stay, as far as the engine agrees."""
        for only in (_is_essential, None):
            predicted = [part for part in predicted if self.moves_after_all(part, only)]
            if not predicted:
                break
            bolder = self.plan(predicted)
            found = self.check(bolder)
            if found.ok:
                return bolder, found
        return plan, verdict

    def moves_after_all(self, part: Part, only: Callable[[Run], bool] | None) -> bool:
        """Return whether a part that was predicted to stay can move; notes the finding if not."""
        verdict = self.check(self.plan([part]), only)
        if verdict.differences:
            self.findings[part] = verdict.differences[0]
        return not verdict.differences


def _is_essential(run: Run) -> bool:
    return run.circumstance.essential


def _blamed(plan: Plan, findings: Iterable[Finding]) -> Iterable[tuple[Part, Finding]]:
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
