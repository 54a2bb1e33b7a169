"""Does the work between questions: opens, plans, asks the engine, writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.cli.wizard.settings_file import with_sections
from composerefactor.cli.wizard.work import (
    Examination,
    Examine,
    Item,
    ItemizedProposal,
    KeepSettings,
    Lay,
    Open,
    ProjectOptions,
    Propose,
    Request,
    SavePatch,
    Work,
    WorkError,
    Write,
    items_of,
)
from composerefactor.edit.planned_files import Changeset
from composerefactor.errors import ComposerefactorError, Location, RefusedError, UsageError
from composerefactor.planning.fixes import ChangeFilter, FixPlan, plan_fixes, still_planned
from composerefactor.planning.guard import check_proof, check_targets, dirty
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.planning.propose import Proposal, propose, propose_fixes
from composerefactor.planning.requests import FixRequest, SplitRequest
from composerefactor.planning.selection import Selection, selectable
from composerefactor.planning.settle import prover_of
from composerefactor.proof.engine import Engine
from composerefactor.report.patch import patch_of
from composerefactor.workspace.apply import apply

MOST_TRIED = 12
"""So many changes that were left are tried for what others need of them."""


def lost_mends(
    gone: Sequence[Item],
    left: Sequence[Item],
    leave: frozenset[str],
    planned: Callable[[frozenset[str]], set[str]],
) -> Iterator[str]:
    """Yield for each change in *gone* which of those in *left* it needs.

    *leave* are the ids that are left out, *planned* gives the ids of the changes that are made
    without those that it is called with.
    """
    if not gone:
        return
    nearest = sorted(left, key=lambda item: item.path not in {each.path for each in gone})
    with_one = {_named(item): planned(leave - {item.id}) for item in nearest[:MOST_TRIED]}
    for each in gone:
        needs = " or ".join(name for name, ids in with_one.items() if each.id in ids)
        yield f"{_named(each)}; it needs {needs or 'what was left out'}"


def _named(item: Item) -> str:
    title = item.fix.change.title if item.fix is not None else item.title
    return f"{item.kind}: {title}"


def lost_files(proposal: Proposal, expected: Sequence[Item]) -> Iterator[str]:
    """Yield which of the *expected* files are not written, and why what they would hold stays."""
    written = {change.path for change in proposal.changes.changes}
    reasons = {stay.part[2]: stay.reason for stay in proposal.plan.unmoved}
    for item in expected:
        if item.path in written:
            continue
        why = [reason for name, reason in reasons.items() if name in item.services]
        words = "; ".join(dict.fromkeys(why)) or "what it would hold stays in place"
        yield f"{item.path} is not written either: {words}"


ENVIRONMENTS = "add-environments"
"""The transform that tells environments apart: a goal of its own, since it divides files."""

Progress = Callable[[str], "Callable[[int, int], None] | None"]
"""Gives a callback for the engine runs of a piece of work that the words describe."""


class Workshop(Struct):
    """Does the work for one session.

    *find_engine* is called where an engine is first needed, *environ* is the shell's environment.
    *progress* says what is going on.
    """

    find_engine: Callable[[], Engine | None]
    environ: Mapping[str, str]
    progress: Progress
    _engine: list[Engine | None] = []
    _proposed: dict[Propose, ItemizedProposal] = {}
    _seen: dict[str, Item] = {}
    _mine: dict[str, bytes | None] = {}

    def __call__(self, work: Work) -> Any:
        """Do *work*; what a user can be told of an error comes back as :class:`Failed`."""
        try:
            return self._do(work)
        except ComposerefactorError as error:
            return WorkError(error)

    @property
    def engine(self) -> Engine | None:
        """The engine; raises EngineError where there is none."""
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
            shown = self.progress("asking Docker Compose")
            with prover_of(opened, self.engine, shown) as prover:
                rejected = {} if prover.accepts_all() else prover.rejected()
        everything = FixRequest(unsafe=True).chosen(opened.settings)
        apart = FixRequest(select=(ENVIRONMENTS,)).chosen(opened.settings)
        found = Examination(
            opened, rejected, self._mended(opened, everything), self._mended(opened, apart)
        )
        accepted = tuple(e for e in opened.project.readable if e not in rejected)
        if not accepted:
            return replace(found, undivided="the engine rejects the project as it stands")
        try:
            proposal = self._laid(work.where, SplitRequest())
        except ComposerefactorError as error:
            return replace(found, undivided=str(error))
        return replace(found, division=proposal)

    @_do.register
    def _(self, work: Lay) -> Proposal:
        return self._laid(work.where, work.request)

    @_do.register
    def _(self, work: Propose) -> ItemizedProposal:
        repairable = isinstance(work.request, FixRequest)
        opened = self._open(work.where, repairable=repairable)
        if isinstance(work.request, SplitRequest):
            found = self._propose_split(opened, work.request, work)
        else:
            found = self._propose_fix(opened, work.request, work)
        check_proof(found.proposal)
        check_targets(found.proposal)
        self._seen |= {item.id: item for item in found.items if item.id}
        unsaved = dirty(found.proposal)
        own = {
            p for p in unsaved if p in self._mine and opened.files.read_bytes(p) == self._mine[p]
        }
        found = replace(found, dirty=unsaved, own=frozenset(own))
        self._proposed[work] = found
        return found

    @_do.register
    def _(self, work: Write) -> int:
        proposal = self._proposed[work.propose].proposal
        apply(
            proposal.opened.root, proposal.changes, f"composerefactor {label(work.propose.request)}"
        )
        self._mine |= proposal.changes.as_mapping()
        return len(proposal.changes.changes)

    @_do.register
    def _(self, work: SavePatch) -> str:
        target = Path(work.path).expanduser()
        if target.exists():
            raise RefusedError(
                "exists already, and is not overwritten",
                location=Location(work.path),
                remedy="give another name",
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
        change, rest = with_sections(opened, work.sections)
        if change is not None:
            opened.files.check_writable(change.path)
            apply(opened.root, Changeset((change,)), "composerefactor wizard")
        return rest

    def _open(self, where: ProjectOptions, *, repairable: bool) -> OpenProject:
        choice = ProjectSelection(where.path, where.file, where.entry, where.env_file, self.environ)
        return open_project(choice, repairable=repairable)

    def _laid(self, where: ProjectOptions, request: SplitRequest) -> Proposal:
        opened = self._open(where, repairable=False)
        return propose(opened, request.transformation(opened, where.path), None)

    def _mended(self, opened: OpenProject, chosen: Any) -> FixPlan:
        return plan_fixes(opened.project, opened.library, chosen, ChangeFilter(), opened.environ)

    def _propose_split(
        self, opened: OpenProject, request: SplitRequest, work: Propose
    ) -> ItemizedProposal:
        transformation = request.transformation(opened, work.where.path)
        shown = self.progress("proving")
        selection = Selection(leave=work.leave)
        proposal = propose(opened, transformation, self.engine, selection, shown)
        ids = selectable(opened, transformation(proposal.project, {}, frozenset()))
        expected = [self._seen[id_] for id_ in work.expected if id_ in self._seen]
        lost = tuple(lost_files(proposal, expected))
        return ItemizedProposal(proposal, items_of(proposal, ids), work.leave, lost)

    def _propose_fix(
        self, opened: OpenProject, request: FixRequest, work: Propose
    ) -> ItemizedProposal:
        chosen = request.chosen(opened.settings)
        plan = (opened.project, opened.library, chosen)
        leave = still_planned(*plan, work.leave, opened.environ) if work.leave else frozenset()
        shown = self.progress("proving")
        proposal = propose_fixes(opened, chosen, self.engine, Selection(leave=leave), shown)
        taken = {each.id for each in proposal.fix_plan.taken} if proposal.fix_plan else set()
        gone = [self._seen[id_] for id_ in work.expected - taken if id_ in self._seen]
        left = [self._seen[id_] for id_ in leave if id_ in self._seen]

        def without(ids: frozenset[str]) -> set[str]:
            found = plan_fixes(
                *plan, ChangeFilter(leave=still_planned(*plan, ids, opened.environ)), opened.environ
            )
            return {each.id for each in found.taken}

        lost = tuple(lost_mends(gone, left, leave, without))
        fix_plan = proposal.fix_plan
        return ItemizedProposal(
            proposal,
            items_of(proposal, {}),
            leave,
            lost,
            left=tuple(fix_plan.left if fix_plan else ()),
        )


def label(request: Request) -> str:
    """Return the command that does what is asked for."""
    return "split" if isinstance(request, SplitRequest) else "fix"
