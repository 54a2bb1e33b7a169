"""Split a monolithic Compose file into modules that it includes.

Each service moves to a file of its own, with its comments and not one character changed;
infrastructure goes to one file per category. Networks, volumes, secrets and configs that only one
module uses move along; shared ones stay in the root file. The root file keeps its name, place and
header comments, and lists the modules in `include`.

With the strategy `extends` a stub of each service stays in the root file, or in an environment file
that it includes, and extends the service of the same name in a module. Relative paths in modules
are rewritten; a path that begins with a variable cannot be, and stays with the stub. Networks,
volumes, secrets and configs stay in the root file.
"""

from __future__ import annotations

from composerefactor.compose.project import Project
from composerefactor.refactoring.contract import Plan, SavedLines, refactoring
from composerefactor.refactoring.deduplicate.variants import repeating_files
from composerefactor.refactoring.modules.grouping import Names
from composerefactor.refactoring.modules.include import empty_env_file
from composerefactor.refactoring.split.options import (
    SplitOptions,
    check_options,
    included_monoliths,
    root_file_of,
    sharing_groups,
    split_notes,
)
from composerefactor.refactoring.split.plan import plan_group, plan_root, plan_stubs


@refactoring(SplitOptions)
def split(project: Project, options: SplitOptions) -> Plan:
    """Plan the split of every base file of *project*.

    Raises UsageError for options that name unknown services or groups, and RefusedError for paths
    that are outside of the project or already exist.
    """
    check_options(options, project)
    roots = [root_file_of(project, path, options) for path in project.root_files]
    copies = [root_file_of(project, path, options) for path in repeating_files(project)]
    groups = sharing_groups([*roots, *copies])
    alone = [root for root in roots if all(root not in group for group in groups)]
    alone += [root_file_of(project, path, options) for path in included_monoliths(project)]
    several = sum(not root.why_whole for root in alone) > 1 or bool(groups)
    names = Names(project.exists, project.is_ignored)
    if options.strategy == "extends":
        all_groups = [*([root] for root in alone), *groups]
        plans = [plan_stubs(group, options, names, several=several) for group in all_groups]
    else:
        plans = [plan_root(root, options, names, several=several) for root in alone]
        plans += [plan_group(group, options, names) for group in groups]
    planned_files = tuple(f for p in plans for f in p.planned_files)
    planned_files += tuple(map(empty_env_file, names.env_files.values()))
    moved = {element: path for p in plans for element, path in p.moved.items()}
    plan_notes = [n for p in plans for n in p.notes]
    if planned_files:
        plan_notes += split_notes(
            project, [r for r in roots if not r.why_whole], planned_files, moved
        )
    return Plan(
        planned_files,
        moved,
        unmoved=tuple(u for p in plans for u in p.unmoved if u.element not in moved),
        notes=tuple(plan_notes),
        services={path: names for p in plans for path, names in p.services.items()},
        reasons={path: why for p in plans for path, why in p.reasons.items() if why},
        saved_lines=SavedLines(
            sum(p.saved_lines.services for p in plans),
            sum(p.saved_lines.definitions for p in plans),
            sum(p.saved_lines.lines for p in plans),
        ),
        since=max((p.since for p in plans), default=""),
    )
