"""What the wizard needs done between two questions, as values; :mod:`workshop` does it.

*stage* numbers the runs that follow one another in a session: each begins on what those before it
have written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import ComposerefactorError, first_of
from composerefactor.planning.fixes import FixPlan, PlannedFix, contents_with
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import Proposal
from composerefactor.planning.requests import FixRequest, SplitRequest
from composerefactor.refactoring.contract import Effect
from composerefactor.refactoring.modules.grouping import INFRASTRUCTURE, SERVICES
from composerefactor.report.plan_text import consequence
from composerefactor.report.text import Style, counted

ENVIRONMENTS = "environments"
_MOST = 6
"""Services of an item that are named."""
_KINDS = {
    SERVICES: "modules of services",
    INFRASTRUCTURE: "modules of infrastructure",
    ENVIRONMENTS: "environment files",
}


@dataclass(frozen=True)
class Item:
    """One change: *id* is ``""`` where it follows from others and cannot be left out.

    *kind* is what changes of its sort share, *title* and *consequences* say it in words, *loss*
    what leaving it out means. *shown* gives the change as a diff has it; *path* and *content* are
    the file as it would be. *fix* is the change of a transform, *services* are those in a file.
    """

    id: str
    kind: str
    title: str
    path: str
    consequences: tuple[str, ...] = ()
    loss: str = ""
    shown: Callable[[], Changeset] = field(default=Changeset, repr=False)
    content: bytes = field(default=b"", repr=False)
    fix: PlannedFix | None = None
    services: tuple[str, ...] = ()


def items_of(proposal: Proposal, ids: Mapping[str, str]) -> tuple[Item, ...]:
    """Return the changes of *proposal*; *ids* has those of files that can be left out, by path."""
    if proposal.fix_plan is not None:
        return tuple(_mends(proposal.fix_plan))
    return tuple(_files(proposal, ids))


def _mends(fix_plan: FixPlan) -> Iterator[Item]:
    for fix in fix_plan.taken:
        change = fix.change
        path = change.location.path
        evidence = f" ({change.evidence})" if change.evidence else ""
        yield Item(
            fix.id,
            fix.transform,
            f"{change.location}: {change.title}{evidence}",
            path,
            (f"{consequence([fix], Style())}{_places(change.effects)}", *change.details),
            "without it the engine rejects the project" if change.repairs else "",
            partial(_alone, fix_plan.bases[fix.id], fix),
            fix_plan.contents.get(path) or b"",
            fix,
        )


def _alone(base: Project, fix: PlannedFix) -> Changeset:
    """Return what *fix* alone does to the project that it was planned for."""
    found = []
    for path, after in contents_with(base, [fix]).items():
        before = base.read(path) if base.read is not None and base.exists(path) else None
        found.append(FileChange(path, before, after))
    return Changeset(tuple(found))


def _places(effects: Iterable[Effect]) -> str:
    """Return where the model differs, and which containers are others afterwards."""
    found = [e for e in effects if e.matters]
    if not found:
        return ""
    words = [f"{e.verb} {'.'.join(e.path[1:] if e.service else e.path)}" for e in found]
    most = 4
    shown = ", ".join(dict.fromkeys(words[:most])) + (" ..." if len(words) > most else "")
    services = list(dict.fromkeys(e.service for e in found if e.service))
    recreated = f"; `up` recreates {', '.join(services)}" if services else ""
    return f": {shown}{recreated}"


def _files(proposal: Proposal, ids: Mapping[str, str]) -> Iterator[Item]:
    """Yield the files that come or go, and then those that change with them."""
    changes = proposal.changes
    for change in (*changes.created, *changes.deleted, *changes.changed):
        services = proposal.plan.services.get(change.path, ())
        directory = change.path.rpartition("/")[0].rpartition("/")[2]
        kind = _KINDS.get(directory, "other files")
        names = first_of(services, _MOST)
        before, after = _lines(change.before), _lines(change.after)
        if change.is_changed:
            kind = "files that change with the others"
            title = f"{change.path}: {before} -> {counted(after, 'line')}"
            words = "what moves is replaced by the list of modules, the rest stays"
            loss = ""
        elif change.is_deleted:
            title, words, loss = (
                f"{change.path} is deleted",
                "nothing needs it any more",
                "it stays",
            )
        else:
            title = f"{change.path} is new, {counted(after, 'line')}"
            words = f"holds {names}" if names else "holds what others share"
            if directory == ENVIRONMENTS:
                words += ": what this environment alone says"
            verb, they = ("stays", "it is") if len(services) == 1 else ("stay", "they are")
            loss = f"{names} {verb} where {they}" if names else ""
        equal = "same model, no container is recreated"
        yield Item(
            "" if change.is_changed else ids.get(change.path, ""),
            kind,
            title,
            change.path,
            (f"{words}; {equal if proposal.proof is not None else 'nothing was proved'}",),
            loss,
            partial(Changeset, (change,)),
            change.after or b"",
            services=services,
        )


def _lines(content: bytes | None) -> int:
    return len((content or b"").splitlines())


Request: TypeAlias = SplitRequest | FixRequest


class ProjectOptions(Struct, frozen=True):
    """The project, as the command line's options name it."""

    path: Path = Path()
    file: tuple[str, ...] = ()
    entry: tuple[str, ...] = ()
    env_file: tuple[str, ...] = ()


class Open(Struct, frozen=True):
    """Open the project, which asks no engine; gives :class:`Opened`."""

    where: ProjectOptions
    stage: int


class Examine(Struct, frozen=True):
    """Find what is wrong and what could be done; gives :class:`Examined`."""

    where: ProjectOptions
    stage: int


class Examination(Struct, frozen=True):
    """What could be done.

    *rejected* has the engine's words on what it rejects, *fix_plan* everything that the transforms
    that work in place would do, *environments* what telling environments apart would. *division* is
    a split without proof; where there is none, *undivided* says why.
    """

    opened: OpenProject
    rejected: Mapping[Invocation, str]
    fix_plan: FixPlan
    environments: FixPlan
    division: Proposal | None = None
    undivided: str = ""


class Lay(Struct, frozen=True):
    """Plan a split without proof; gives a :class:`Proposal`."""

    where: ProjectOptions
    stage: int
    request: SplitRequest


class Propose(Struct, frozen=True):
    """Plan and prove *request* without the changes *leave*; gives :class:`Proposed`.

    *expected* has the ids of changes that the user wants to be among it.
    """

    where: ProjectOptions
    stage: int
    request: Request
    leave: frozenset[str] = frozenset()
    expected: frozenset[str] = frozenset()


class ItemizedProposal(Struct, frozen=True):
    """A proposal with its changes one by one.

    *leave* has the ids that were left out and are those of changes, *lost* what is not possible
    without them, in words. *dirty* names files that git could not bring back, with the reason;
    those in *own* are as an earlier stage has written them. *left* are the changes that are left.
    """

    proposal: Proposal
    items: tuple[Item, ...]
    leave: frozenset[str] = frozenset()
    lost: tuple[str, ...] = ()
    dirty: Mapping[str, str] = {}
    own: frozenset[str] = frozenset()
    left: tuple[PlannedFix, ...] = ()


class Write(Struct, frozen=True):
    """Write what *propose* has proposed; gives the number of files."""

    propose: Propose


class SavePatch(Struct, frozen=True):
    """Save the patch of what *propose* has proposed in the file *path*; gives its full path."""

    propose: Propose
    path: str


class KeepSettings(Struct, frozen=True):
    """Add the *sections* to the settings file; gives what must be added by hand, ``""`` if none."""

    where: ProjectOptions
    sections: tuple[tuple[str, str], ...]


Work: TypeAlias = Open | Examine | Lay | Propose | Write | SavePatch | KeepSettings


class Say(Struct, frozen=True):
    """Show *lines*; *exact* for those that are to be copied, which stay as long as they are."""

    lines: tuple[str, ...]
    exact: bool = False


class WorkError(Struct, frozen=True):
    """Work that could not be done."""

    error: ComposerefactorError
