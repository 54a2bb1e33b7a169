"""The budget for copies: how much text a plan may write more often than it was written.

An anchor is known only in its own file (YAML 1.2), so a block that several modules use is copied
where services cannot extend it, and nobody keeps the copies equal. Where a plan would copy too
much, modules with the same block are joined, as long as they are not too large.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations

from composerefactor.compose.files import ComposeFile
from composerefactor.edit.planned_files import PlannedFile, Slice, text_lines
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.modules.grouping import most_services
from composerefactor.refactoring.modules.naming import LayoutOptions, Names, Tie
from composerefactor.refactoring.modules.root_file import RootFile

MOST_COPIED = 0.05
"""The part of the lines of root files that may be copied."""

ALWAYS_COPIED = 10
"""So many lines of a project may be copied, however short its root files are."""


def copy_budget(roots: Sequence[RootFile]) -> float:
    """Return how many lines of *roots* may be copied.

    The lines that may always be copied are for all root files of the project together.
    """
    project = roots[0].project
    files = {root.file.path: root.file for root in roots}
    every = {path: project.files[path] for path in project.root_files} | files
    part = max(MOST_COPIED, ALWAYS_COPIED / max(1, sum(map(_lines_of, every.values()))))
    return part * sum(map(_lines_of, files.values()))


def _lines_of(file: ComposeFile) -> int:
    return text_lines(file.source.text.encode())


def exceeds_budget(plan: Plan, roots: Sequence[RootFile], options: LayoutOptions) -> bool:
    """Return whether *plan* copies more of *roots* than may be copied.

    Where the user wants copies, or says what a module contains, there is no budget.
    """
    if options.anchors == "copy" or options.granularity != "auto":
        return False
    return plan.copied_lines > copy_budget(roots)


def plan_within_budget(
    plan_with: Callable[[Sequence[Tie]], Plan],
    roots: Sequence[RootFile],
    options: LayoutOptions,
    names: Names,
) -> Plan:
    """Return the plan with the smallest modules that copies no more than may be copied.

    If there is no such plan, it is the one that copies least. *plan_with* returns the plan in which
    services are together as ties say; it takes the paths of new files from *names*.
    """
    ties: list[Tie] = []
    useless: set[frozenset[str]] = set()
    limit = most_services(max(len(root.file.services) for root in roots))
    before = names.state()
    plan = plan_with(ties)
    while exceeds_budget(plan, roots, options):
        candidates = _ties(plan, roots, limit)
        tie = next((t for t in candidates if t.services not in useless), None)
        if tie is None:
            break
        names.reset(before)
        other = plan_with([*ties, tie])
        if len(other.services) < len(plan.services):
            plan, ties = other, [*ties, tie]
        else:  # the user wants them apart, or different root files define them
            useless.add(tie.services)
            names.reset(before)
            plan = plan_with(ties)
    return plan


def most_copied(plan: Plan, roots: Iterable[RootFile]) -> str:
    """Return the block of *roots* of which *plan* copies most lines; ``""`` if it copies nothing.

    It is an ``x-`` section, or a service with an anchor that others refer to.
    """
    name_of, counts = _names(roots), Counter[str]()
    for copy in (copy for planned_file in plan.planned_files for copy in _copies(planned_file)):
        counts[name_of(copy)] += _line_count(copy)
    return max(counts, key=counts.__getitem__, default="")


def _ties(plan: Plan, roots: Iterable[RootFile], limit: int) -> Iterator[Tie]:
    """Yield the modules of *plan* that could be one, those with most copied lines in common first.

    Of those with equally many, the ones in one directory are first, and then the smallest ones.
    *limit* is how many services a module may have.
    """
    modules = [file for file in plan.planned_files if file.path in plan.reasons]
    copies = {
        (copy.source.path, copy.start): copy
        for planned_file in plan.planned_files
        for copy in _copies(planned_file)
    }
    name_of = _names(roots)
    blocks = [
        {key for key, copy in copies.items() if _contains(module, copy)} for module in modules
    ]
    found: list[tuple[int, bool, int, Tie]] = []
    for (one, in_one), (other, in_other) in combinations(zip(modules, blocks, strict=True), 2):
        services = frozenset((*plan.services[one.path], *plan.services[other.path]))
        common = [copies[key] for key in in_one & in_other]
        if common and len(services) <= limit:
            longest = max(common, key=lambda copy: (_line_count(copy), -copy.start))
            lines = sum(map(_line_count, common))
            is_apart = posixpath.dirname(one.path) != posixpath.dirname(other.path)
            found.append((-lines, is_apart, len(services), Tie(services, name_of(longest))))
    yield from (tie for *_, tie in sorted(found, key=lambda each: each[:-1]))


def _copies(planned_file: PlannedFile) -> Iterator[Slice]:
    """Yield the lines of *planned_file* that are in another file, too."""
    return (p for p in planned_file.pieces if isinstance(p, Slice) and p.copy)


def _contains(planned_file: PlannedFile, copy: Slice) -> bool:
    """Return whether *planned_file* has the lines of *copy*."""
    pieces = (piece for piece in planned_file.pieces if isinstance(piece, Slice))
    return any(p.source is copy.source and p.start <= copy.start < p.end for p in pieces)


def _line_count(copy: Slice) -> int:
    return copy.source.text.count("\n", copy.start, copy.end)


def _names(roots: Iterable[RootFile]) -> Callable[[Slice], str]:
    """Return a function that returns the ``x-`` section, or the service, with lines of *roots*."""
    files = {root.file.path: root.file for root in roots}

    def name_of(copy: Slice) -> str:
        file = files[copy.source.path]
        places = [(name, section.region) for name, section in (file.sections or {}).items()]
        places += file.regions_in("services").items()
        inside = [name for name, r in places if r.lead <= copy.start < r.end]
        return inside[-1] if inside else ""

    return name_of
