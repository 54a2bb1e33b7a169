"""Does the work between two questions: opens, plans, verifies, writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.analysis.analysis import high_without_fix
from composerefactor.cli.run import check_proof, check_targets, dirty
from composerefactor.cli.wizard.files import with_sections
from composerefactor.cli.wizard.work import (
    RISKS,
    Examination,
    Examine,
    FixChoices,
    Item,
    ItemizedProposal,
    KeepSettings,
    Lay,
    Open,
    PlanFixes,
    Propose,
    Request,
    SavePatch,
    Work,
    WorkError,
    Write,
    items_of,
    items_of_fixes,
)
from composerefactor.compose.masking import GENERAL, Masking
from composerefactor.confidence import CONFIDENCES
from composerefactor.edit.planned_files import Changeset
from composerefactor.errors import ComposerefactorError, Location, RefusedError, UsageError
from composerefactor.planning.fix_request import FixRequest
from composerefactor.planning.fixes import ChangeFilter, FixPlan, plan_fixes, still_planned
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.planning.propose import Proposal, propose, propose_fixes
from composerefactor.planning.selection import Selection, selectable
from composerefactor.planning.settle import prover_of
from composerefactor.planning.split_request import SplitRequest
from composerefactor.proof.engine import Engine
from composerefactor.proof.staging import Progress
from composerefactor.report.patch import patch_of
from composerefactor.workspace.apply import apply

ENVIRONMENTS = "add-environments"
"""The fixer that separates environments: a goal of its own, since it moves text to other files."""

ProgressOf = Callable[[str], Progress | None]
"""Takes a title of some work, and returns a callback for its progress."""


class Workshop(Struct):
    """Does the work for one session.

    Attributes:
        find_engine: Called when Docker Compose is first needed; may return None or raise
            EngineError.
        progress: Called for each piece of work that runs Docker Compose.
    """

    find_engine: Callable[[], Engine | None]
    progress: ProgressOf
    _engine: list[Engine | None] = []
    _proposed: dict[Propose, ItemizedProposal] = {}
    _read: dict[Propose, dict[str, bytes | None]] = {}
    _written: dict[str, bytes | None] = {}
    _masking: Masking = GENERAL

    def __call__(self, work: Work) -> Any:
        """Do *work* and return its result; an error for the user is returned as a WorkError."""
        try:
            return self._do(work)
        except ComposerefactorError as error:
            return WorkError(self._masking.error(error))

    @property
    def engine(self) -> Engine | None:
        """Docker Compose, or None for ``--engine none``; raises EngineError if it is not found."""
        if not self._engine:
            self._engine.append(self.find_engine())
        return self._engine[0]

    @singledispatchmethod
    def _do(self, work: Any) -> Any:
        raise TypeError(work)

    @_do.register
    def _(self, work: Open) -> OpenProject:
        return self._open(work.where, repairable=True)

    @_do.register
    def _(self, work: Examine) -> Examination:
        opened = self._open(work.where, repairable=True)
        rejected = {}
        if self.engine is not None:
            progress = self.progress("running Docker Compose")
            with prover_of(opened, self.engine, progress) as prover:
                rejected = {} if prover.accepts_all() else prover.rejected()
        everything = FixRequest(unsafe=True).chosen(opened.settings)
        environments = FixRequest(select=(ENVIRONMENTS,)).chosen(opened.settings)
        fix_plan = self._fix_plan(opened, everything)
        examination = Examination(
            opened,
            rejected,
            fix_plan,
            self._fix_plan(opened, environments),
            tuple(high_without_fix(opened, fix_plan.contents)),
        )
        accepted = tuple(e for e in opened.project.readable if e not in rejected)
        if not accepted:
            return examination
        try:
            layout = self._layout(work.where, SplitRequest())
        except ComposerefactorError:
            return examination
        return replace(examination, layout=layout)

    @_do.register
    def _(self, work: PlanFixes) -> FixChoices:
        opened = self._open(work.where, repairable=True)
        chosen = replace(work.request, confidence=CONFIDENCES[-1]).chosen(opened.settings)
        kinds: dict[str, list[Item]] = {}
        for item in items_of_fixes(self._fix_plan(opened, chosen)):
            kinds.setdefault(item.kind, []).append(item)
        ordered = sorted(kinds.values(), key=_rank)
        return FixChoices(opened, tuple(item for kind in ordered for item in kind))

    @_do.register
    def _(self, work: Lay) -> Proposal:
        return self._layout(work.where, work.request)

    @_do.register
    def _(self, work: Propose) -> ItemizedProposal:
        repairable = isinstance(work.request, FixRequest)
        opened = self._open(work.where, repairable=repairable)
        self._read[work] = opened.files.contents(opened.project.inputs)
        if isinstance(work.request, SplitRequest):
            proposed = self._propose_split(opened, work.request, work)
        else:
            proposed = self._propose_fix(opened, work.request, work)
        check_proof(proposed.proposal)
        check_targets(proposed.proposal)
        unsaved = dirty(proposed.proposal)
        own = {
            path
            for path in unsaved
            if path in self._written and opened.files.read_bytes(path) == self._written[path]
        }
        proposed = replace(proposed, dirty=unsaved, own=frozenset(own))
        self._proposed[work] = proposed
        return proposed

    @_do.register
    def _(self, work: Write) -> int:
        proposal = self._proposed[work.propose].proposal
        command = f"composerefactor {label(work.propose.request)}"
        apply(proposal.opened.root, proposal.changes, command, self._read[work.propose])
        self._written |= proposal.changes.as_mapping()
        return len(proposal.changes.changes)

    @_do.register
    def _(self, work: SavePatch) -> str:
        target = Path(work.path).expanduser()
        if target.exists():
            raise RefusedError(
                "already exists; refusing to overwrite",
                location=Location(work.path),
                remedy="choose another name",
            )
        proposal = self._proposed[work.propose].proposal
        try:
            target.write_bytes(patch_of(proposal, work.propose.where.path))
        except OSError as error:
            raise UsageError(
                f"cannot be written: {error.strerror or error}", location=Location(work.path)
            ) from None
        return str(target.resolve())

    @_do.register
    def _(self, work: KeepSettings) -> str:
        opened = self._open(work.where, repairable=True)
        change, by_hand = with_sections(opened, work.sections)
        if change is not None:
            opened.files.check_writable(change.path)
            apply(opened.root, Changeset((change,)), "composerefactor wizard")
        return by_hand

    def _open(self, where: ProjectSelection, *, repairable: bool) -> OpenProject:
        opened = open_project(where, repairable=repairable)
        self._masking = opened.masking
        return opened

    def _layout(self, where: ProjectSelection, request: SplitRequest) -> Proposal:
        opened = self._open(where, repairable=False)
        return propose(opened, request.transformation(opened, where.path), None)

    def _fix_plan(self, opened: OpenProject, chosen: Any) -> FixPlan:
        return plan_fixes(opened.project, opened.library, chosen, ChangeFilter(), opened.environ)

    def _propose_split(
        self, opened: OpenProject, request: SplitRequest, work: Propose
    ) -> ItemizedProposal:
        transformation = request.transformation(opened, work.where.path)
        progress = self.progress("verifying")
        selection = Selection(leave=work.leave)
        proposal = propose(opened, transformation, self.engine, selection, progress)
        ids = selectable(opened, transformation(proposal.project, {}, frozenset()))
        return ItemizedProposal(proposal, items_of(proposal, ids), work.leave)

    def _propose_fix(
        self, opened: OpenProject, request: FixRequest, work: Propose
    ) -> ItemizedProposal:
        chosen = request.chosen(opened.settings)
        leave = frozenset[str]()
        if work.leave:
            leave = still_planned(
                opened.project, opened.library, chosen, work.leave, opened.environ
            )
        progress = self.progress("verifying")
        proposal = propose_fixes(opened, chosen, self.engine, Selection(leave=leave), progress)
        fix_plan = proposal.fix_plan or FixPlan()
        # A guess that was not selected is no decision against it.
        certain = (fix for fix in fix_plan.excluded if fix.change.confidence != CONFIDENCES[-1])
        return ItemizedProposal(
            proposal,
            items_of(proposal, {}),
            leave,
            excluded=tuple(certain),
        )


def _rank(items: Iterable[Item]) -> int:
    """Return the order of a kind of changes: repairs first, what may lose data last."""
    if any(item.fix is not None and item.fix.change.repairs for item in items):
        return -1
    return max(RISKS.index(item.risk) for item in items)


def label(request: Request) -> str:
    """Return the command that carries out *request*."""
    return "split" if isinstance(request, SplitRequest) else "fix"
