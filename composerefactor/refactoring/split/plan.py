"""The plan of one root file, or of a group of root files that define the same services.

* :func:`plan_root`: one root file, which includes its modules.
* :func:`plan_group`: several root files, with modules for what they share (strategy ``include``).
* :func:`plan_stubs`: one or several root files with strategy ``extends``.

With ``--anchors extends``, :func:`plan_root` also lets services extend ``x-`` blocks instead of
copying them to each module.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.compose.paths import path_attributes
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.images.catalog import Placement, find_placement
from composerefactor.refactoring.contract import FileElement, Plan, SavedLines, Unmoved
from composerefactor.refactoring.deduplicate.inheritance import (
    ExtendableBlock,
    extendable_blocks,
    with_extends,
    with_parent_service,
)
from composerefactor.refactoring.deduplicate.layout import Layout
from composerefactor.refactoring.deduplicate.variants import SharedServices
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.grouping import (
    Names,
    assign,
    environment_name,
    kebab,
    service_groups,
)
from composerefactor.refactoring.modules.include import IncludeEdit
from composerefactor.refactoring.modules.root_file import Reason, RootFile, file_layout
from composerefactor.refactoring.modules.writer import Assembler, FileLayout
from composerefactor.refactoring.split.extends import fixed_attributes, replacements, split_services
from composerefactor.refactoring.split.options import SplitOptions, layout_options, shared_services
from composerefactor.refactoring.split.stubs import StubLayout
from composerefactor.yaml.nodes import Node


def plan_root(root: RootFile, options: SplitOptions, names: Names, *, several: bool) -> Plan:
    """Plan the split of a root file that shares no service with another.

    *several* is True where other root files have modules too.
    """
    if root.why_whole:
        return plan_unsplit(root)
    unmoved = unmoved_of(root, root.reasons)
    prefix = f"{environment_name(root.file.path)}-" if several else ""
    chosen = layout_options(root, options)
    placement = placement_of(options)

    def place(name: str) -> Placement:
        return placement(root.file, name)

    groups = service_groups(root.file, root.anchors, root.movable(), place, chosen)
    modules = assign(groups, place, chosen, root.family, names, prefix)
    if not modules:
        return Plan(unmoved=unmoved)
    modules.sort(key=lambda m: m.is_infrastructure)
    module_of = {name: module.path for module in modules for name in module.services}
    order = tuple(dict.fromkeys(module.path for module in modules))
    layout = file_layout(root.project, root.file, root.anchors, module_of, order, root.reasons)
    local = [posixpath.relpath(path, root.directory or ".") for path in order]
    include = IncludeEdit.of(root.file, local)
    services = {module.path: module.services for module in modules}
    if options.anchors == "extends":
        directory = posixpath.join(chosen.into, "extends")
        files = inheritance_files(root, layout, directory, names)
        if files:
            layout = layout_with_inheritance(layout, root, files)
            planned_files = with_inheritance(root, _planned_files(layout, include), files)
            moved = moved_elements(root, layout.destinations)
            return Plan(tuple(planned_files), moved, unmoved, inheritance_notes(files), services)
    moved = moved_elements(root, layout.destinations)
    return Plan(tuple(_planned_files(layout, include)), moved, unmoved, services=services)


def _planned_files(layout: FileLayout, include: IncludeEdit) -> list[PlannedFile]:
    assembler = Assembler(layout, include)
    return [assembler.root(), *assembler.modules()]


def plan_group(group: list[RootFile], options: SplitOptions, names: Names) -> Plan:
    """Plan the split of root files that define the same services."""
    first = group[0]
    layout = Layout(
        first.project,
        shared_services(group),
        layout_options(first, options),
        names,
        placement_of(options),
    )
    return _plan_of(layout, group, [root.reasons for root in group])


def plan_stubs(
    group: list[RootFile], options: SplitOptions, names: Names, *, several: bool
) -> Plan:
    """Plan the split, with stubs, of one root file or of several that share services.

    *several* is True where root files outside of the group have modules too.
    """
    if group[0].why_whole and len(group) == 1:
        return plan_unsplit(group[0])
    split = split_services(group)
    reasons = [split.unmoved[i] for i in range(len(group))]
    if not split.all.services:
        return Plan(unmoved=_unmoved_of_all(group, reasons))
    layout = StubLayout(
        group[0].project,
        split.modules,
        layout_options(group[0], options),
        names,
        placement_of(options),
        several,
        split=split,
    )
    plan = _plan_of(layout, group, reasons)
    return replace(plan, notes=(*plan.notes, *layout.notes(plan.planned_files)), since=layout.since)


def _plan_of(
    layout: Layout, group: list[RootFile], reasons: Sequence[Mapping[Element, Reason]]
) -> Plan:
    """Return the plan of *layout*; *reasons* are why elements of each root file do not move."""
    planned_files = tuple(layout.planned_files())
    moved: dict[FileElement, str] = {}
    for i, root in enumerate(group):
        moved |= moved_elements(root, layout.destinations[i])
    services = {module.path: module.services for _, module in layout.modules}
    for environments in layout.environments.values():
        services |= {environment.path: environment.services for environment in environments}
    factored = layout.factored
    notes = tuple(_sharing_notes(factored))
    unmoved = _unmoved_of_all(group, reasons)
    return Plan(planned_files, moved, unmoved, notes, services, _saved_lines(factored))


def _unmoved_of_all(
    group: list[RootFile], reasons: Sequence[Mapping[Element, Reason]]
) -> tuple[Unmoved, ...]:
    pairs = zip(group, reasons, strict=True)
    return tuple(unmoved for root, why in pairs for unmoved in unmoved_of(root, why))


def _sharing_notes(factored: SharedServices) -> Iterator[str]:
    """Yield what is deduplicated, and which services are not."""
    saved = _saved_lines(factored)
    sharing = {service.name for service in factored.services if service.shared is not None}
    whole: dict[str, list[str]] = {}
    for service in factored.services:
        if service.shared is None:
            paths = ", ".join(factored.files[i].path for i in service.defined_in)
            where = paths if service.name in sharing else "each environment"
            whole.setdefault(where, []).append(service.name)
    if saved.services:
        services = "1 service" if saved.services == 1 else f"{saved.services} services"
        yield (
            f"deduplicated {services} ({saved.definitions} definitions): each file keeps only what "
            f"it adds; {saved.lines} repeated lines are removed"
        )
    for where, names in whole.items():
        yield f"not deduplicated in {where}, since that saves nothing: {', '.join(names)}"


def _saved_lines(factored: SharedServices) -> SavedLines:
    shared = [service for service in factored.services if service.shared is not None]
    return SavedLines(
        len({service.name for service in shared}),
        sum(len(service.defined_in) for service in shared),
        sum(service.repeated_lines for service in shared),
    )


def plan_unsplit(root: RootFile) -> Plan:
    """Return the plan of a root file that is not split: all its services are unmoved."""
    reason = Reason(root.why_whole)
    return Plan(unmoved=unmoved_of(root, {("services", n): reason for n in root.file.services}))


def moved_elements(root: RootFile, destinations: Mapping[Element, str]) -> dict[FileElement, str]:
    """Return the new path of each element of *root* that moves."""
    return {
        (root.file.path, section, name): path
        for (section, name), path in destinations.items()
        if path
    }


def unmoved_of(root: RootFile, reasons: Mapping[Element, Reason]) -> tuple[Unmoved, ...]:
    """Return the elements of *root* that do not move, with *reasons*."""
    return tuple(
        Unmoved((root.file.path, *element), r.message, root.file.location_of(*element), r.predicted)
        for element, r in reasons.items()
    )


def placement_of(options: SplitOptions) -> Callable[[ComposeFile, str], Placement]:
    """Return a function that returns the category of a service in a file."""
    known: dict[tuple[str, str], Placement] = {}

    def placement(file: ComposeFile, name: str) -> Placement:
        key = (file.path, name)
        if key not in known:
            image = scalar_text(merged_get(file.services[name], "image"))
            known[key] = find_placement(name, image, options.catalog)
        return known[key]

    return placement


BlockFiles = Mapping[str, ExtendableBlock]
"""Blocks that services extend, by the path of the new file of each."""


def inheritance_files(
    root: RootFile, layout: FileLayout, directory: str, names: Names
) -> BlockFiles:
    """Return the blocks of *root* that services can extend, by new paths in *directory*."""

    def can_move(block: Node) -> bool:
        missing = any(path.resolved and path.is_missing for path in path_attributes(block))
        return not missing and not fixed_attributes(block, root.file.source)

    return {
        names.take(directory, root.family, kebab(block.anchor)): block
        for block in extendable_blocks(root.file, root.anchors, layout.destinations, can_move)
    }


def layout_with_inheritance(layout: FileLayout, root: RootFile, files: BlockFiles) -> FileLayout:
    """Return *layout* with the blocks in *files*, and without the aliases that need them."""
    replaced = {alias for block in files.values() for alias in block.aliases}
    block_paths = {(block.section, ""): path for path, block in files.items()}
    return replace(
        layout,
        destinations={**layout.destinations, **block_paths},
        anchors=root.anchors.without(replaced),
        order=(*layout.order, *files),
    )


def with_inheritance(
    root: RootFile, planned_files: Iterable[PlannedFile], files: BlockFiles
) -> list[PlannedFile]:
    """Return *planned_files* with services that extend the blocks in *files*."""
    planned_files = list(planned_files)
    for path, block in files.items():
        local = posixpath.relpath(path, root.directory or ".")
        planned_files = [
            _block_file(planned_file, root, block)
            if planned_file.path == path
            else with_extends(planned_file, root.file, block, local)
            for planned_file in planned_files
        ]
    return planned_files


def _block_file(planned_file: PlannedFile, root: RootFile, block: ExtendableBlock) -> PlannedFile:
    """Return *planned_file*, the new file of *block*, with a service to extend.

    The paths in the block are rewritten.
    """
    source = root.file.source
    value = (root.file.sections or {})[block.section].region.entry.value
    up = posixpath.relpath(root.directory or ".", posixpath.dirname(planned_file.path))
    moved = planned_file.rewritten(source, replacements(value, source, up))
    return with_parent_service(moved, root.file, block)


def inheritance_notes(files: BlockFiles) -> tuple[str, ...]:
    """Return a sentence for each file with a block that services extend."""
    return tuple(
        f"{', '.join(block.merge_keys)} extend {block.anchor} in {path} instead of having copies"
        for path, block in files.items()
    )
