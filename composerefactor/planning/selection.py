"""Which changes of a plan are wanted."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from msgspec import Struct

from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import RefusedError, UsageError
from composerefactor.planning.opening import OpenProject
from composerefactor.refactoring.contract import Part, Plan

Transformation = Callable[[Project, dict[Part, str], frozenset[Part]], Plan]
"""A transform with its options: project, parts that stay, parts that move all the same."""


class Selection(Struct, frozen=True):
    """Ids of changes: *take* only these, where any is named; *leave* these out."""

    take: frozenset[str] = frozenset()
    leave: frozenset[str] = frozenset()


EVERYTHING = Selection()

LEFT_BY_TAKE, LEFT_BY_LEAVE = "left in place by --take", "left in place by --leave"
"""Why a part stays that a selection leaves out."""


def changeset(opened: OpenProject, plan: Plan) -> Changeset:
    """Return the changes that carry *plan* out.

    Raises RefusedError for paths of which one would be a file and the directory of another.
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
    """Return the ids by path of the changes in *plan*, made with nothing in place, to choose from.

    Only files that come or go can be chosen: what stays in a changed file follows from them. Those
    that go elsewhere as a whole do so with the commands that name them, or not at all.
    """
    changes = changeset(opened, plan)
    whole = {*plan.relocated, *plan.relocated.values()}
    files = (*changes.created, *changes.deleted)
    return {change.path: change.id for change in files if change.path not in whole}


def selected(
    opened: OpenProject, project: Project, transformation: Transformation, selection: Selection
) -> Transformation:
    """Return *transformation* without the changes that *selection* leaves out.

    Raises UsageError for an id that no change has.
    """
    if selection == EVERYTHING:
        return transformation
    plan = transformation(project, {}, frozenset())
    ids = selectable(opened, plan)
    unknown = (selection.take | selection.leave) - set(ids.values())
    if unknown:
        raise UsageError(
            f"no change has the id {min(unknown)!r}",
            remedy="`--dry-run --format json` lists the changes with their ids",
        )
    taken = {path for path, id_ in ids.items() if id_ in selection.take} or ids.keys()
    dropped = {path for path, id_ in ids.items() if id_ in selection.leave}
    reason = LEFT_BY_TAKE if selection.take else LEFT_BY_LEAVE
    left: dict[Part, str] = {}
    for part, path in plan.moved.items():
        destinations = ({part[0]} | _homes(plan, part, path)) & ids.keys()
        if destinations and (destinations & dropped or not destinations & taken):
            left[part] = reason

    def chosen(project: Project, keep: dict[Part, str], move: frozenset[Part]) -> Plan:
        return transformation(project, {**left, **keep}, move)

    return chosen


def _homes(plan: Plan, part: Part, path: str) -> set[str]:
    """Return the new files that hold *part*, which moves to *path*, or some of it.

    Where files that define the same services are factored, a service is written in one module and
    in the environment files beside it: it moves to all of them, or stays whole.
    """
    if part[1] != "services":
        return {path}
    tree = posixpath.dirname(posixpath.dirname(path))
    return {path} | {
        other
        for other, names in plan.services.items()
        if part[2] in names and posixpath.dirname(posixpath.dirname(other)) == tree
    }
