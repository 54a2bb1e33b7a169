"""The work between two questions, described as values; :mod:`workshop` does it.

The field *stage* of each counts the stages that are finished: each stage starts from the files that
the earlier ones have written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeAlias

from msgspec import Struct

from composerefactor.analysis.findings import Finding
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.confidence import CONFIDENCES
from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import ComposerefactorError, first_of
from composerefactor.planning.fix_request import FixRequest
from composerefactor.planning.fixes import FixPlan, PlannedFix, contents_with
from composerefactor.planning.opening import OpenProject, ProjectSelection
from composerefactor.planning.propose import Proposal
from composerefactor.planning.split_request import SplitRequest
from composerefactor.refactoring.contract import Change, Effect
from composerefactor.refactoring.modules.naming import INFRASTRUCTURE, SERVICES
from composerefactor.report.plan_text import consequence
from composerefactor.report.text import Style, counted

ENVIRONMENTS = "environments"
_MOST = 6
"""At most this many services of an item are named."""
_KINDS = {
    SERVICES: "modules of services",
    INFRASTRUCTURE: "modules of infrastructure",
    ENVIRONMENTS: "environment files",
}


Risk: TypeAlias = Literal["safe", "changes", "data"]
SAFE: Risk = "safe"
CHANGES: Risk = "changes"
DATA: Risk = "data"
RISKS = (SAFE, CHANGES, DATA)
"""What a change means for running containers, from nothing to data that is not found any more."""


@dataclass(frozen=True)
class Item:
    """One change that the user can take or skip.

    Attributes:
        id: The id of the change, ``""`` if it follows from others and cannot be skipped.
        kind: The name of the kind of changes that it belongs to.
        title: What the change is.
        path: The file that changes.
        consequences: What the change means, line by line.
        loss: What skipping it means.
        changeset: Returns the change, for a diff.
        content: The new content of the file.
        fix: The fix, for a change of a fixer.
        services: The services in the file, for a new file.
        risk: What the change means for running containers.
    """

    id: str
    kind: str
    title: str
    path: str
    consequences: tuple[str, ...] = ()
    loss: str = ""
    changeset: Callable[[], Changeset] = field(default=Changeset, repr=False)
    content: bytes = field(default=b"", repr=False)
    fix: PlannedFix | None = None
    services: tuple[str, ...] = ()
    risk: Risk = SAFE

    @property
    def name(self) -> str:
        """The title without the reason."""
        if self.fix is None:
            return self.title
        return f"{self.fix.change.location}: {self.fix.change.title}"

    @property
    def is_certain(self) -> bool:
        """False for a guess."""
        return self.fix is None or self.fix.change.confidence != CONFIDENCES[-1]

    @property
    def is_data_risk(self) -> bool:
        """True if a container may no longer find what it has stored."""
        return self.risk == DATA


def risk_of(change: Change) -> Risk:
    """Return what *change* means for running containers.

    Another volume means that what is stored so far is not found, and Docker Compose does not move
    it (observed: v5.6.1).
    """
    if change.is_safe:
        return SAFE
    moves = any(
        effect.path[:1] == ("volumes",) or effect.path[2:3] == ("volumes",)
        for effect in change.effects
        if effect.matters
    )
    return DATA if moves else CHANGES


def items_of(proposal: Proposal, ids: Mapping[str, str]) -> tuple[Item, ...]:
    """Return the changes of *proposal*; *ids* has the ids of files that can be skipped, by path."""
    if proposal.fix_plan is not None:
        return tuple(items_of_fixes(proposal.fix_plan))
    return tuple(_file_items(proposal, ids))


def items_of_fixes(fix_plan: FixPlan) -> Iterator[Item]:
    """Yield the changes that *fix_plan* makes."""
    for fix in fix_plan.applied:
        change = fix.change
        path = change.location.path
        why = f" ({change.justification})" if change.justification else ""
        yield Item(
            fix.id,
            fix.transform,
            f"{change.location}: {change.title}{why}",
            path,
            (f"{consequence([fix], Style())}{_effects_text(change.effects)}", *change.details),
            "Docker Compose rejects the project without it" if change.repairs else "",
            partial(_changeset_of, fix_plan.bases[fix.id], fix),
            fix_plan.contents.get(path) or b"",
            fix,
            risk=risk_of(change),
        )


def _changeset_of(base: Project, fix: PlannedFix) -> Changeset:
    """Return what *fix* alone changes in *base*, the project that it was planned for."""
    changes = []
    for path, after in contents_with(base, [fix]).items():
        before = base.read(path) if base.read is not None and base.exists(path) else None
        changes.append(FileChange(path, before, after))
    return Changeset(tuple(changes))


def _effects_text(effects: Iterable[Effect]) -> str:
    """Return which settings of the resolved configuration change, and what `up` recreates."""
    relevant = [e for e in effects if e.matters]
    if not relevant:
        return ""
    settings = [f"{e.verb} {'.'.join(e.path[1:] if e.service else e.path)}" for e in relevant]
    most = 4
    listed = ", ".join(dict.fromkeys(settings[:most])) + (" ..." if len(settings) > most else "")
    services = list(dict.fromkeys(e.service for e in relevant if e.service))
    recreated = f"; `up` recreates {', '.join(services)}" if services else ""
    return f": {listed}{recreated}"


def _file_items(proposal: Proposal, ids: Mapping[str, str]) -> Iterator[Item]:
    """Yield created and deleted files, and then those that change with them."""
    changes = proposal.changes
    for change in (*changes.created, *changes.deleted, *changes.changed):
        services = proposal.plan.services.get(change.path, ())
        directory = change.path.rpartition("/")[0].rpartition("/")[2]
        kind = _KINDS.get(directory, "other files")
        names = first_of(services, _MOST)
        before, after = change.lines
        if change.is_changed:
            kind = "files that change with the others"
            title = f"{change.path}: {before} -> {counted(after, 'line')}"
            meaning = "lists the modules instead of the text that moves; the rest does not change"
            loss = ""
        elif change.is_deleted:
            title, meaning, loss = (
                f"Delete {change.path}",
                "no file uses it any more",
                "the file stays",
            )
        else:
            title = f"Create {change.path}, {counted(after, 'line')}"
            meaning = f"contains {names}" if names else "contains shared definitions"
            if directory == ENVIRONMENTS:
                meaning += ", with the settings of this environment alone"
            verb = "does" if len(services) == 1 else "do"
            loss = f"{names} {verb} not move" if names else ""
        equal = "same resolved configuration, no container is recreated"
        yield Item(
            "" if change.is_changed else ids.get(change.path, ""),
            kind,
            title,
            change.path,
            (f"{meaning}; {equal if proposal.proof is not None else 'not verified'}",),
            loss,
            partial(Changeset, (change,)),
            change.after or b"",
            services=services,
        )


Request: TypeAlias = SplitRequest | FixRequest


class Open(Struct, frozen=True):
    """Open the project without running Docker Compose; the result is an OpenProject."""

    where: ProjectSelection
    stage: int


class Examine(Struct, frozen=True):
    """Find out which changes are possible; the result is an Examination."""

    where: ProjectSelection
    stage: int


class Examination(Struct, frozen=True):
    """The changes that are possible.

    Attributes:
        opened: The project.
        rejected: Docker Compose's message for each start command that it rejects.
        fix_plan: All changes that the fixers would make, unsafe ones included.
        environments: The changes that separate environments.
        by_hand: The high findings of `analyze` that no fix solves.
        layout: A split, not verified; None if the project cannot be split.
    """

    opened: OpenProject
    rejected: Mapping[Invocation, str]
    fix_plan: FixPlan
    environments: FixPlan
    by_hand: tuple[Finding, ...] = ()
    layout: Proposal | None = None


class PlanFixes(Struct, frozen=True):
    """Plan *request* without verifying it, guesses included; the result is a FixChoices."""

    where: ProjectSelection
    stage: int
    request: FixRequest


class FixChoices(Struct, frozen=True):
    """Changes among which the user can choose.

    Attributes:
        opened: The project.
        items: The changes, those without which Docker Compose rejects the project first.
    """

    opened: OpenProject
    items: tuple[Item, ...]


class Lay(Struct, frozen=True):
    """Plan a split without verifying it; the result is a Proposal."""

    where: ProjectSelection
    stage: int
    request: SplitRequest


class Propose(Struct, frozen=True):
    """Plan and verify *request* without the changes *leave*; the result is an ItemizedProposal."""

    where: ProjectSelection
    stage: int
    request: Request
    leave: frozenset[str] = frozenset()


class ItemizedProposal(Struct, frozen=True):
    """A proposal with its changes one by one.

    Attributes:
        proposal: The proposal.
        items: Its changes.
        leave: The ids of the changes that were skipped, as far as such changes exist.
        dependent: How many changes that the user took are excluded because they build on an
            excluded change.
        dirty: The files with changes that are not committed, with the reason.
        own: Those of them that an earlier stage of this session has written.
        excluded: The fixes that are not made, with the reason.
    """

    proposal: Proposal
    items: tuple[Item, ...]
    leave: frozenset[str] = frozenset()
    dependent: int = 0
    dirty: Mapping[str, str] = {}
    own: frozenset[str] = frozenset()
    excluded: tuple[PlannedFix, ...] = ()


class Write(Struct, frozen=True):
    """Write the files of the proposal for *propose*; the result is their number."""

    propose: Propose


class SavePatch(Struct, frozen=True):
    """Save the proposal for *propose* as a patch in *path*; the result is its full path."""

    propose: Propose
    path: str


class KeepSettings(Struct, frozen=True):
    """Add *sections*, pairs of name and text, to the settings file.

    The result is the text that has to be added by hand, ``""`` if there is none.
    """

    where: ProjectSelection
    sections: tuple[tuple[str, str], ...]


Work: TypeAlias = Open | Examine | PlanFixes | Lay | Propose | Write | SavePatch | KeepSettings


class Say(Struct, frozen=True):
    """Show *lines*; *exact* lines are meant to be copied and are not wrapped."""

    lines: tuple[str, ...]
    exact: bool = False


class WorkError(Struct, frozen=True):
    """The result of work that failed with *error*."""

    error: ComposerefactorError
