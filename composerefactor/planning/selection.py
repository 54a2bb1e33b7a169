"""Selecting changes with ``--take`` and ``--leave``, and applying that to a refactoring.

A change of a refactoring is the creation or deletion of a file. To exclude one, the elements that
would move to or from that file are kept where they are, and the refactoring is planned again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import RefusedError, UsageError
from composerefactor.planning.opening import OpenProject
from composerefactor.refactoring.contract import FileElement, Plan

Transformation = Callable[[Project, dict[FileElement, str], frozenset[FileElement]], Plan]
"""Plans a refactoring with fixed options.

The arguments are the project, the elements that must not move (each with the reason), and the
elements that must move even if the refactoring predicts that they cannot.
"""


class Selection(Struct, frozen=True):
    """Which changes the user wants.

    Attributes:
        take: The ids of the only changes to make; empty for all.
        leave: The ids of changes that are not made.
    """

    take: frozenset[str] = frozenset()
    leave: frozenset[str] = frozenset()

    def check(self, ids: Collection[str]) -> None:
        """Raise UsageError for an id that is not in *ids*, the ids of all changes."""
        unknown = (self.take | self.leave).difference(ids)
        if unknown:
            raise UsageError(
                f"no change has the id {min(unknown)!r}",
                remedy="run with `--dry-run -v` to list the changes with their ids",
            )


EVERYTHING = Selection()

EXCLUDED_BY_TAKE, EXCLUDED_BY_LEAVE = "excluded by --take", "excluded by --leave"
"""Why a change is not made, or an element does not move."""


def changeset(opened: OpenProject, plan: Plan) -> Changeset:
    """Return the files to write and to delete for *plan*.

    Raises:
        RefusedError: A path would be both a file and a directory.
    """
    files = opened.files
    changes = tuple(
        FileChange(path, files.read_bytes(path) if files.exists(path) else None, content)
        for path, content in plan.contents().items()
    )
    try:
        return Changeset(changes)
    except ValueError as error:
        raise RefusedError(
            str(error), remedy="choose other paths with --into or --module"
        ) from None


def selectable(opened: OpenProject, plan: Plan) -> dict[str, str]:
    """Return the changes of *plan* that can be selected: their ids by path.

    *plan* must have been made without any exclusion. Only created and deleted files can be
    selected that elements move to or from; the others follow from them: changed files, or a file
    with what modules share. Files that move as a whole cannot be selected, since they move together
    with the commands that name them.
    """
    changes = changeset(opened, plan)
    moved_files = {*plan.relocated, *plan.relocated.values()}
    chosen = {
        file
        for element, path in plan.moved.items()
        for file in {element[0]} | _destinations(plan, element, path)
    } - moved_files
    files = (*changes.created, *changes.deleted)
    return {change.path: change.id for change in files if change.path in chosen}


def selected(
    opened: OpenProject, project: Project, transformation: Transformation, selection: Selection
) -> Transformation:
    """Return *transformation* without the changes that *selection* excludes.

    Raises:
        UsageError: *selection* contains an id, but no change that can be selected has it.
    """
    if selection == EVERYTHING:
        return transformation
    plan = transformation(project, {}, frozenset())
    ids = selectable(opened, plan)
    unknown = (selection.take | selection.leave) - set(ids.values())
    for change in changeset(opened, plan).changes:
        if change.id in unknown:
            raise UsageError(
                f"the change of {change.path} follows from those of other files",
                remedy="take or leave the files to which services move",
            )
    selection.check(ids.values())
    taken = {path for path, id_ in ids.items() if id_ in selection.take} or ids.keys()
    excluded = {path for path, id_ in ids.items() if id_ in selection.leave}
    reason = EXCLUDED_BY_TAKE if selection.take else EXCLUDED_BY_LEAVE
    unmoved: dict[FileElement, str] = {}
    for element, path in plan.moved.items():
        destinations = ({element[0]} | _destinations(plan, element, path)) & ids.keys()
        if destinations and (destinations & excluded or not destinations & taken):
            unmoved[element] = reason
    return keeping(unmoved, transformation)


def keeping(unmoved: Mapping[FileElement, str], transformation: Transformation) -> Transformation:
    """Return *transformation* without the elements *unmoved*, each with the reason."""

    def kept(project: Project, keep: dict[FileElement, str], move: frozenset[FileElement]) -> Plan:
        return transformation(project, {**unmoved, **keep}, move)

    return kept


def _destinations(plan: Plan, element: FileElement, path: str) -> set[str]:
    """Return the new files that contain *element*, or a piece of it, if it moves to *path*.

    If files that define the same services are deduplicated, a service is written to one module and
    to the environment files beside it: it moves to all of them or not at all.
    """
    if element[1] != "services":
        return {path}
    tree = posixpath.dirname(posixpath.dirname(path))
    return {path} | {
        other
        for other, names in plan.services.items()
        if element[2] in names and posixpath.dirname(posixpath.dirname(other)) == tree
    }
