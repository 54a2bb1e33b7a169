"""Divide a monolithic Compose file into modules that it includes.

Each service moves, with its comments and not one character changed, to a file of its own, or
infrastructure to one file a category. Networks, volumes, secrets and configs that one module alone
uses move along; what several share stays in the root. The root keeps its name and place, its header
comments, and lists the modules in `include`.

Files that are merged over a base, as alternatives of each other, and files with few services are
not divided. What they repeat of a service they extend, from a module or from the file that says
nothing else, where that saves more lines than it takes.

With the strategy `extends` a stub of each service stays in the root, or stands in an environment
file that it includes, and extends the service of that name in a module. Relative paths there are
written anew; what begins with a variable cannot be, and stays with the stub. So do networks,
volumes, secrets and configs with the root.
"""

from __future__ import annotations

from composerefactor.compose.project import Project
from composerefactor.refactoring.contract import Plan, SavedLines, refactoring
from composerefactor.refactoring.deduplicate.variants import repeating
from composerefactor.refactoring.modules.base_file import BaseFile
from composerefactor.refactoring.modules.naming import Names
from composerefactor.refactoring.split.options import (
    SplitOptions,
    check_options,
    included_monoliths,
    notes,
    root_of,
    sharing_groups,
)
from composerefactor.refactoring.split.plan import (
    plan_alone,
    plan_staying,
    plan_stubs,
    plan_together,
)


@refactoring(SplitOptions)
def split(project: Project, options: SplitOptions) -> Plan:
    """Plan the split of every base file of *project*.

    Raises UsageError for options that name what is not there, and RefusedError for paths that lead
    out of the project or are taken.
    """
    check_options(options, project)
    roots = [root_of(project, path, options) for path in project.bases]
    copies = [root_of(project, path, options) for path in repeating(project)]
    groups = sharing_groups([*roots, *copies])
    alone = [root for root in roots if all(root not in group for group in groups)]
    alone += [root_of(project, path, options) for path in included_monoliths(project)]
    several = sum(not root.whole for root in alone) > 1 or bool(groups)
    names = Names(project.exists, project.is_ignored)
    if options.strategy == "extends":
        parts = [*([root] for root in alone), *groups]
        plans = [plan_stubs(part, options, names, several=several) for part in parts]
    else:
        plans = [plan_alone(root, options, names, several=several) for root in alone]
        plans += _together(groups, options, names)
    plans += _staying(project, options, names, {d.path for p in plans for d in p.planned_files})
    planned_files = tuple(d for p in plans for d in p.planned_files)
    moved = {part: path for p in plans for part, path in p.moved.items()}
    told = [n for p in plans for n in p.notes]
    if planned_files:
        told += notes(project, options, [r for r in roots if not r.whole], planned_files, moved)
    return Plan(
        planned_files,
        moved,
        unmoved=tuple(s for p in plans for s in p.unmoved if s.part not in moved),
        notes=tuple(told),
        services={path: names for p in plans for path, names in p.services.items()},
        saved_lines=SavedLines(
            sum(p.saved_lines.services for p in plans),
            sum(p.saved_lines.definitions for p in plans),
            sum(p.saved_lines.lines for p in plans),
        ),
        since=max((p.since for p in plans), default=""),
    )


def _together(groups: list[list[BaseFile]], options: SplitOptions, names: Names) -> list[Plan]:
    if not groups:
        return []

    return [plan_together(group, options, names) for group in groups]


def _staying(
    project: Project, options: SplitOptions, names: Names, drafted: set[str]
) -> list[Plan]:
    """Return plans for what files repeat of each other that are not divided."""
    if sum(len(entry.files) for entry in (*project.readable, *project.rejected)) < 2:  # noqa: PLR2004
        return []

    return plan_staying(project, options, names, drafted)
