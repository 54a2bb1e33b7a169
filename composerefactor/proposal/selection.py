"""Which changes of a plan are wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from composerefactor.compose.project import Project
from composerefactor.edits.changeset import Changeset, FileChange
from composerefactor.errors import RefusedError, UsageError
from composerefactor.proposal.opening import Opened
from composerefactor.transform import Part, Plan

Transformation = Callable[[Project, dict[Part, str], frozenset[Part]], Plan]
"""A transform with its options: project, parts that stay, parts that move all the same."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Ids of changes: *take* only these, where any is named; *leave* these out."""

    take: frozenset[str] = frozenset()
    leave: frozenset[str] = frozenset()


EVERYTHING = Selection()


def changeset(opened: Opened, plan: Plan) -> Changeset:
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


def selected(
    opened: Opened, project: Project, transformation: Transformation, selection: Selection
) -> Transformation:
    """Return *transformation* without the changes that *selection* leaves out.

    Only new files can be chosen: what stays in a changed file follows from them. Raises UsageError
    for an id that no change has.
    """
    if selection == EVERYTHING:
        return transformation
    plan = transformation(project, {}, frozenset())
    ids = {change.path: change.id for change in changeset(opened, plan).created}
    unknown = (selection.take | selection.leave) - set(ids.values())
    if unknown:
        raise UsageError(
            f"no change has the id {min(unknown)!r}",
            remedy="`--dry-run --format json` lists the changes with their ids",
        )
    left = {
        part: "left in place by --take" if selection.take else "left in place by --leave"
        for part, path in plan.moved.items()
        if path in ids
        and (ids[path] in selection.leave or (selection.take and ids[path] not in selection.take))
    }

    def chosen(project: Project, keep: dict[Part, str], move: frozenset[Part]) -> Plan:
        return transformation(project, {**left, **keep}, move)

    return chosen
