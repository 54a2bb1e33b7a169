"""The plan for base files that define the same services, and for those that keep stubs."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.compose.paths import path_attributes
from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.images.placement import Placement, place
from composerefactor.refactoring.contract import Part, Plan, SavedLines, Unmoved
from composerefactor.refactoring.deduplicate.inheritance import (
    Parent,
    extended_file,
    extending,
    parents,
)
from composerefactor.refactoring.deduplicate.layout import Layout
from composerefactor.refactoring.deduplicate.variants import SharedServices
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.base_file import BaseFile, Reason, divide
from composerefactor.refactoring.modules.grouping import assign, units_of
from composerefactor.refactoring.modules.include import IncludeEdit
from composerefactor.refactoring.modules.naming import Names, kebab, variant
from composerefactor.refactoring.modules.writer import Assembler, Division
from composerefactor.refactoring.split.extends import (
    StubDivision,
    divided,
    fixed_attributes,
    replacements,
)
from composerefactor.refactoring.split.options import SplitOptions, factored, layout_options
from composerefactor.refactoring.split.staying import staying
from composerefactor.refactoring.split.stubs import StubLayout
from composerefactor.yaml.nodes import Node


def moved_parts(root: BaseFile, destinations: Mapping[Element, str]) -> dict[Part, str]:
    """Return the new path of each part of *root* that moves."""
    return {(root.file.path, s, name): home for (s, name), home in destinations.items() if home}


def stays_of(root: BaseFile, reasons: Mapping[Element, Reason]) -> tuple[Unmoved, ...]:
    """Return what stays in *root*, with the reasons."""
    return tuple(
        Unmoved((root.file.path, *element), r.words, root.file.location_of(*element), r.predicted)
        for element, r in reasons.items()
    )


def plan_whole(root: BaseFile) -> Plan:
    """Return the plan of a file that is not divided."""
    reason = Reason(root.whole)
    return Plan(unmoved=stays_of(root, {("services", n): reason for n in root.file.services}))


def placement_of(options: SplitOptions) -> Callable[[ComposeFile, str], Placement]:
    """Return what tells where a service belongs."""
    known: dict[tuple[str, str], Placement] = {}

    def placement(file: ComposeFile, name: str) -> Placement:
        key = (file.path, name)
        if key not in known:
            image = scalar_text(merged_get(file.services[name], "image"))
            known[key] = place(name, image, options.catalog)
        return known[key]

    return placement


def plan_together(group: list[BaseFile], options: SplitOptions, names: Names) -> Plan:
    """Plan the split of roots that define the same services."""
    found = factored(group)
    first = group[0]
    layout = Layout(
        first.project, found, layout_options(first, options), names, placement_of(options)
    )
    return _plan_of(layout, group, [root.reasons for root in group])


def plan_stubs(
    group: list[BaseFile], options: SplitOptions, names: Names, *, several: bool
) -> Plan:
    """Plan the split of roots whose services leave stubs: one, or several that share services."""
    if group[0].whole and len(group) == 1:
        return plan_whole(group[0])
    division = divided(group)
    reasons = [division.unmoved[i] for i in range(len(group))]
    if not division.all.variants:
        return Plan(
            unmoved=tuple(
                s for r, why in zip(group, reasons, strict=True) for s in stays_of(r, why)
            )
        )
    layout = StubLayout(
        group[0].project,
        division.modules,
        layout_options(group[0], options),
        names,
        placement_of(options),
        several,
        division=division,
    )
    plan = _plan_of(layout, group, reasons)
    return replace(plan, notes=(*plan.notes, *layout.notes(plan.planned_files)), since=layout.since)


def plan_staying(
    project: Project, options: SplitOptions, names: Names, drafted: Collection[str]
) -> list[Plan]:
    """Plan what files that are not divided share by ``extends``; those *drafted* are left alone.

    Files that the engine rejects take part as far as it resolves them without its checks of what
    belongs together, since they may lack what other files say.
    """
    late = options.strategy == "extends"
    paths = [p for e in project.readable for p in e.files]
    incomplete = [p for e in project.rejected for p in e.files]
    found = staying(_undivided(project, options, [*paths, *incomplete], drafted), late=late)
    unread = {root.file.path for division in found for root in division.roots} - set(paths)
    if unread:
        incomplete = [p for e in project.incomplete(unread) for p in e.files if p in unread]
        found = staying(_undivided(project, options, [*paths, *incomplete], drafted), late=late)
    return [_plan_staying(division, options, names) for division in found]


def _undivided(
    project: Project, options: SplitOptions, paths: Iterable[str], drafted: Collection[str]
) -> list[BaseFile]:
    """Return those of the files *paths* that keep their services, but may say them by stubs."""
    roots = [
        BaseFile(
            project,
            project.files[path],
            options.keep,
            options.move,
            options.into,
            leaves_stubs=True,
        )
        for path in dict.fromkeys(paths)
        if path in project.files and path not in drafted and not project.is_ignored(path)
    ]
    return [root for root in roots if not root.whole or root.is_small]


def _plan_staying(division: StubDivision, options: SplitOptions, names: Names) -> Plan:
    first = division.roots[0]
    layout = StubLayout(
        first.project,
        division.modules,
        layout_options(first, options),
        names,
        placement_of(options),
        division=division,
    )
    plan = _plan_of(layout, division.roots, [{} for _ in division.roots])
    since = layout.since if options.strategy == "extends" else ""
    moved = dict(plan.moved)
    notes = []
    for v in division.all.variants:
        element = division.elements.get((v.owners, v.name), -1)
        paths = [layout.factored.files[i].path for i in v.owners if i != element]
        to = layout.extended(v.owners[-1], v.name)
        moved |= {(path, "services", v.name): to for path in paths}
        notes.append(
            f"{v.name} in {' and '.join(paths)} extends what {to} says: "
            f"{v.repeated} repeated lines are gone"
        )
    return replace(plan, moved=moved, notes=tuple(notes), saved_lines=SavedLines(), since=since)


def _plan_of(
    layout: Layout, group: list[BaseFile], reasons: Sequence[Mapping[Element, Reason]]
) -> Plan:
    """Return the plan of *layout*, with the *reasons* for what stays in each root of *group*."""
    planned_files = tuple(layout.planned_files())
    moved: dict[Part, str] = {}
    for i, root in enumerate(group):
        moved |= moved_parts(root, layout.destinations[i])
    services = {module.path: module.services for _, module in layout.modules}
    services |= {p.path: p.services for pieces in layout.environments.values() for p in pieces}
    unmoved = tuple(s for r, why in zip(group, reasons, strict=True) for s in stays_of(r, why))
    found = layout.factored
    return Plan(planned_files, moved, unmoved, tuple(_notes_on(found)), services, _gain(found))


def _notes_on(found: SharedServices) -> Iterator[str]:
    saved_lines = _gain(found)
    sharing = {v.name for v in found.variants if v.shared is not None}
    whole: dict[str, list[str]] = {}
    for v in found.variants:
        if v.shared is None:
            paths = ", ".join(found.files[i].path for i in v.owners)
            whole.setdefault(paths if v.name in sharing else "each environment", []).append(v.name)
    if saved_lines.services:
        one = saved_lines.services == 1
        become = (
            "one service become one" if one else f"{saved_lines.services} services become one each"
        )
        yield (
            f"{saved_lines.definitions} definitions of {become}, with "
            f"what each file adds: {saved_lines.lines} repeated lines are gone"
        )
    for where, services in whole.items():
        yield f"stay whole in {where}, since sharing saves nothing: {', '.join(services)}"


def _gain(found: SharedServices) -> SavedLines:
    shared = [v for v in found.variants if v.shared is not None]
    return SavedLines(
        len({v.name for v in shared}),
        sum(len(v.owners) for v in shared),
        sum(v.repeated for v in shared),
    )


def plan_alone(root: BaseFile, options: SplitOptions, names: Names, *, several: bool) -> Plan:
    """Plan the split of a root that shares no service with another."""
    if root.whole:
        return plan_whole(root)
    unmoved = stays_of(root, root.reasons)
    prefix = f"{variant(root.file.path)}-" if several else ""
    layout = layout_options(root, options)
    placement = placement_of(options)

    def place(name: str) -> Placement:
        return placement(root.file, name)

    units = units_of(root.file, root.anchors, root.movable(), place, layout)
    modules = assign(units, place, layout, root.family, names, prefix)
    if not modules:
        return Plan(unmoved=unmoved)
    modules.sort(key=lambda m: m.is_infrastructure)
    destinations = {s: m.path for m in modules for s in m.services}
    order = tuple(dict.fromkeys(m.path for m in modules))
    division = divide(root.project, root.file, root.anchors, destinations, order, root.reasons)
    local = [posixpath.relpath(path, root.directory or ".") for path in order]
    include = IncludeEdit.of(root.file, local)
    services = {m.path: m.services for m in modules}
    if options.anchors == "extends":
        directory = posixpath.join(layout.into, "extends")
        files = parent_files(root, division, directory, names)
        if files:
            division = without_copies(division, root, files)
            planned_files = inherited(root, _drafts(division, include), files)
            moved = moved_parts(root, division.destinations)
            return Plan(tuple(planned_files), moved, unmoved, notes_on(files), services)
    moved = moved_parts(root, division.destinations)
    return Plan(tuple(_drafts(division, include)), moved, unmoved, services=services)


def _drafts(division: Division, include: IncludeEdit) -> list[PlannedFile]:
    assembler = Assembler(division, include)
    return [assembler.root(), *assembler.modules()]


Parents = Mapping[str, Parent]
"""Blocks to extend, by the path of their new file."""


def parent_files(root: BaseFile, division: Division, directory: str, names: Names) -> Parents:
    """Return the blocks of *root* that services can extend, in new files in *directory*."""

    def can_move(block: Node) -> bool:
        missing = any(path.resolved and path.is_missing for path in path_attributes(block))
        return not missing and not fixed_attributes(block, root.file.source)

    return {
        names.take(directory, root.family, kebab(parent.anchor)): parent
        for parent in parents(root.file, root.anchors, division.destinations, can_move)
    }


def without_copies(division: Division, root: BaseFile, files: Parents) -> Division:
    """Return *division* with the blocks in *files*, and no use for them elsewhere."""
    taken = {alias for parent in files.values() for alias in parent.aliases}
    destinations = {**division.destinations, **{(p.section, ""): path for path, p in files.items()}}
    anchors = root.anchors.without(taken)
    return replace(
        division, destinations=destinations, anchors=anchors, order=(*division.order, *files)
    )


def inherited(
    root: BaseFile, planned_files: Iterable[PlannedFile], files: Parents
) -> list[PlannedFile]:
    """Return *planned_files* with services that extend what *files* hold."""
    planned_files = list(planned_files)
    for path, parent in files.items():
        named = posixpath.relpath(path, root.directory or ".")
        planned_files = [
            _parent_file(planned_file, root, parent)
            if planned_file.path == path
            else extending(planned_file, root.file, parent, named)
            for planned_file in planned_files
        ]
    return planned_files


def _parent_file(planned_file: PlannedFile, root: BaseFile, parent: Parent) -> PlannedFile:
    """Return *planned_file* with the service that others extend, its paths rewritten."""
    source = root.file.source
    block = (root.file.sections or {})[parent.section].region.entry.value
    up = posixpath.relpath(root.directory or ".", posixpath.dirname(planned_file.path))
    moved = planned_file.rewritten(source, replacements(block, source, up))
    return extended_file(moved, root.file, parent)


def notes_on(files: Parents) -> tuple[str, ...]:
    """Return a sentence for each file that services extend."""
    return tuple(
        f"{', '.join(parent.heirs)} extend {parent.anchor} in {path}, instead of a copy each"
        for path, parent in files.items()
    )
