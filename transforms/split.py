"""Split a monolithic Compose file into modules that it includes.

Services that belong together move to one module, with their comments: those that share a block,
have related names, are under one banner, have the same profile, or are of one category. Relative
paths are written for the place of the module. A block that several modules use becomes a service in
a common file that they extend, where that is exactly the same. Networks, volumes, secrets and
configs that only one module uses move along; shared ones stay in the root file. The root file keeps
its name, place and header comments, and lists the modules in `include`. A short licence header is
in each new file, too. A file with fewer than four services or 100 lines stays whole, since modules
would help little, and so does one whose services are mostly defined in files that they extend;
`--force` splits it.

With the strategy `extends` the root file, or an environment file that it includes, keeps a stub of
each service, which extends the service of the same name in a module. Relative paths in modules are
rewritten; a path that begins with a variable cannot be, and remains in the stub. Networks, volumes,
secrets and configs remain in the root file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import TypeAlias

from msgspec.structs import replace

from composerefactor.compose.project import Project
from composerefactor.compose.remarks import licence_header
from composerefactor.edit.planned_files import NewText, PlannedFile, Slice, text_lines
from composerefactor.refactoring.contract import Plan, SavedLines, refactoring
from composerefactor.refactoring.deduplicate.variants import repeating_files
from composerefactor.refactoring.modules.include import empty_env_file
from composerefactor.refactoring.modules.naming import Names, are_environments
from composerefactor.refactoring.modules.root_file import RootFile
from composerefactor.refactoring.split.budget import exceeds_budget
from composerefactor.refactoring.split.options import (
    SplitOptions,
    check_options,
    included_monoliths,
    root_file_of,
    sharing_groups,
    split_notes,
)
from composerefactor.refactoring.split.plan import plan_group, plan_root, plan_stubs

FEWEST_VARIANTS = 3
"""This many files are planned with both strategies."""


MAX_GROWTH = 1.06
"""How much longer the text of environments may become, since one place is easier to change."""

WORTH_MODULES = 0.8
"""How much of the text of small files may be left, since more files are harder to read."""

MOST_SHORT_FILES, FEWEST_AVERAGE_LINES = 10, 20
"""More new files than that of small ones, and than there were, have so many lines on average."""


@refactoring(SplitOptions)
def split(project: Project, options: SplitOptions) -> Plan:
    """Plan the split of every base file of *project*.

    Raises UsageError for options that name unknown services or groups, and RefusedError for paths
    that are outside of the project or already exist.
    """
    check_options(options, project)
    roots = [root_file_of(project, path, options) for path in project.root_files]
    copies = [root_file_of(project, path, options) for path in repeating_files(project)]
    chosen = _joined(list(_planned_together([*roots, *copies], options)), options)
    groups = [group for group, _ in chosen]
    alone = [root for root in roots if all(root not in group for group in groups)]
    alone += [root_file_of(project, path, options) for path in included_monoliths(project)]
    several = sum(not root.why_whole for root in alone) > 1 or bool(groups)
    names = Names(project.exists, project.is_ignored)
    # What several files share has the plainest names.
    plans = [
        _plan_of_group(group, own_options, names, several=len(chosen) > 1)
        for group, own_options in chosen
    ]
    plans += [_plan_of_root(root, options, names, several=several) for root in alone]
    planned_files = tuple(_licensed(project, f) for p in plans for f in p.planned_files)
    planned_files += tuple(map(empty_env_file, names.env_files.values()))
    moved = {element: path for p in plans for element, path in p.moved.items()}
    plan_notes = [n for p in plans for n in p.notes]
    services = {path: names for p in plans for path, names in p.services.items()}
    if planned_files:
        plan_notes += split_notes(
            project, [r for r in roots if not r.why_whole], planned_files, moved, services
        )
    return Plan(
        planned_files,
        moved,
        unmoved=tuple(u for p in plans for u in p.unmoved if u.element not in moved),
        notes=tuple(plan_notes),
        services=services,
        reasons={path: why for p in plans for path, why in p.reasons.items() if why},
        saved_lines=SavedLines(
            sum(p.saved_lines.services for p in plans),
            sum(p.saved_lines.definitions for p in plans),
            sum(p.saved_lines.lines for p in plans),
        ),
        since=max((p.since for p in plans), default=""),
    )


def _licensed(project: Project, planned_file: PlannedFile) -> PlannedFile:
    """Return *planned_file* below the licence of the file that its text is from, if it is new."""
    sources = (piece.source for piece in planned_file.pieces if isinstance(piece, Slice))
    source = next(sources, None)
    header = licence_header(source) if source else ""
    if source is None or not header or planned_file.path in project.files:
        return planned_file
    return replace(planned_file, pieces=(NewText(header + source.newline), *planned_file.pieces))


def _plan_of_root(root: RootFile, options: SplitOptions, names: Names, *, several: bool) -> Plan:
    """Plan the split of a root file that shares no service with another."""
    if options.strategy == "extends":
        return plan_stubs([root], options, names, several=several)
    return plan_root(root, options, names, several=several)


def _plan_of_group(
    group: list[RootFile], options: SplitOptions, names: Names, *, several: bool = False
) -> Plan:
    """Plan the split of root files that define the same services.

    *several* is True where other groups have modules too.
    """
    if options.strategy == "extends":
        return plan_stubs(group, options, names, several=True)
    return plan_group(group, options, names, several=several)


def _planned_together(
    roots: list[RootFile], options: SplitOptions
) -> Iterator[tuple[list[RootFile], SplitOptions]]:
    """Yield the groups of *roots* that are planned together, each with its strategy.

    Small files that a larger one leaves behind may be worth it among themselves: a second run would
    find them.
    """
    for group in sharing_groups(roots):
        with_strategy = _with_strategy(group, options)
        small = [root for root in group if root.is_small]
        if with_strategy:
            yield group, with_strategy
        elif 1 < len(small) < len(group):
            yield from _planned_together(small, options)


_Group: TypeAlias = tuple[list[RootFile], SplitOptions]


def _joined(chosen: list[_Group], options: SplitOptions) -> list[_Group]:
    """Return the groups *chosen*, two of them as one where that makes their text shorter.

    Small files are planned among themselves if they share most of what they have with each other.
    They may have the same in common with larger ones: it would be written twice.
    """
    for first, second in combinations(chosen, 2):
        groups = [group for group, _ in (first, second)]
        names = [{(r.directory, n) for r in group for n in r.file.services} for group in groups]
        if names[0].isdisjoint(names[1]):
            continue
        both = [*groups[0], *groups[1]]
        with_strategy = _with_strategy(both, options)
        if with_strategy is None:
            continue
        free = _fresh_names(both)
        apart = [_plan_of_group(*each, free, several=True) for each in (first, second)]
        together = _plan_of_group(both, with_strategy, _fresh_names(both))
        if _lines_after(both, [together]) < _lines_after(both, apart):
            rest = [each for each in chosen if each not in (first, second)]
            return _joined([(both, with_strategy), *rest], options)
    return chosen


def _with_strategy(group: list[RootFile], options: SplitOptions) -> SplitOptions | None:
    """Return *options* with the strategy for *group*; None if its files are not planned together.

    They are if that makes their text shorter than a plan of each does: the text of whole files,
    with include lists, keys and stubs. The text of environments may be a little longer, since a
    value that all of them have is then changed in one place; what variants have in common is often
    a coincidence. Of small files a fifth has to go, and not into many short files. A file that is
    merged over the only root file and repeats it is neither. A plan that copies more than may be
    copied, or more than it removes of what the files repeat, is not considered.
    """
    project = group[0].project
    candidates = [options] if options.strategy != "auto" else _automatic(group, options)
    roots = [root for root in group if root.file.path in project.root_files]
    if len(roots) == 1:
        plan = _plan_of_group(group, candidates[0], _fresh_names(group))
        return None if exceeds_budget(plan, group, options) else candidates[0]
    names = _fresh_names(group)
    apart = [_plan_of_root(root, options, names, several=True) for root in roots]
    most = _lines_after(group, apart)
    lengths: list[float] = []
    for candidate in candidates:
        plan = _plan_of_group(group, candidate, _fresh_names(group))
        copied = plan.copied_lines - sum(each.copied_lines for each in apart)
        too_much = exceeds_budget(plan, group, candidate) or copied > plan.saved_lines.lines
        is_worse = too_much or _scatters(plan, group)
        lengths.append(math.inf if is_worse else _lines_after(group, [plan]))
    if all(root.is_small for root in roots):
        most = math.floor(WORTH_MODULES * most)
    else:
        are_alike = are_environments(project, [root.file.path for root in roots])
        most = math.floor(MAX_GROWTH * most) if are_alike else most - 1
    shortest = min(lengths)
    return candidates[lengths.index(shortest)] if shortest <= most else None


def _scatters(plan: Plan, group: list[RootFile]) -> bool:
    """Return whether *plan* makes many short files of the small files of *group*."""
    paths = {root.file.path for root in group}
    new = [each for each in plan.planned_files if each.path not in paths]
    lines = sum(text_lines(each.content()) for each in new)
    is_many = len(new) > max(MOST_SHORT_FILES, len(group))
    are_short = lines < FEWEST_AVERAGE_LINES * len(new)
    return is_many and are_short and all(root.is_small for root in group)


def _fresh_names(group: list[RootFile]) -> Names:
    """Return names for a plan that is only measured."""
    project = group[0].project
    return Names(project.exists, project.is_ignored)


def _lines_after(group: list[RootFile], plans: list[Plan]) -> int:
    """Return how many lines the files of *group* and their new files have after *plans*."""
    contents: dict[str, bytes | None] = {r.file.path: r.file.source.text.encode() for r in group}
    for plan in plans:
        contents |= plan.contents()
    return sum(map(text_lines, contents.values()))


def _automatic(group: list[RootFile], options: SplitOptions) -> list[SplitOptions]:
    """Return *options* with each strategy that is compared for *group*, the preferred one first.

    With stubs, each of many variants says in one place what it has; two files need no comparison.
    """
    include = replace(options, strategy="include")
    if len(group) < FEWEST_VARIANTS or options.anchors == "extends":
        return [include]
    return [include, replace(options, strategy="extends")]
