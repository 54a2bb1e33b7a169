"""The plan for a base file that shares no service with another."""

from __future__ import annotations

import posixpath

from composerefactor.catalog.placement import Placement
from composerefactor.edits.drafts import Draft
from composerefactor.modules.assemble import Assembler, Division
from composerefactor.modules.assignment import assign
from composerefactor.modules.divide import divide
from composerefactor.modules.families import units_of
from composerefactor.modules.include import IncludeEdit
from composerefactor.modules.naming import Names, variant
from composerefactor.modules.root import Root
from composerefactor.splitting.options import SplitOptions, layout_options
from composerefactor.splitting.parts import moved_parts, placement_of, plan_whole, stays_of
from composerefactor.transform import Plan


def plan_alone(root: Root, options: SplitOptions, names: Names, *, several: bool) -> Plan:
    """Plan the split of a root that shares no service with another."""
    if root.whole:
        return plan_whole(root)
    stays = stays_of(root, root.reasons)
    prefix = f"{variant(root.file.path)}-" if several else ""
    layout = layout_options(root, options)
    placement = placement_of(options)

    def place(name: str) -> Placement:
        return placement(root.file, name)

    units = units_of(root.file, root.anchors, root.movable(), place, layout)
    modules = assign(units, place, layout, root.family, names, prefix)
    if not modules:
        return Plan(stays=stays)
    modules.sort(key=lambda m: m.is_infrastructure)
    homes = {s: m.path for m in modules for s in m.services}
    order = tuple(dict.fromkeys(m.path for m in modules))
    division = divide(root.project, root.file, root.anchors, homes, order, root.reasons)
    local = [posixpath.relpath(path, root.directory or ".") for path in order]
    include = IncludeEdit.of(root.file, local)
    services = {m.path: m.services for m in modules}
    if options.anchors == "extends":
        from composerefactor.splitting import inheriting  # noqa: PLC0415 - see cli/__init__.py

        directory = posixpath.join(layout.into, "extends")
        files = inheriting.parent_files(root, division, directory, names)
        if files:
            division = inheriting.without_copies(division, root, files)
            drafts = inheriting.inherited(root, _drafts(division, include), files)
            moved = moved_parts(root, division.homes)
            return Plan(tuple(drafts), moved, stays, inheriting.notes_on(files), services)
    moved = moved_parts(root, division.homes)
    return Plan(tuple(_drafts(division, include)), moved, stays, services=services)


def _drafts(division: Division, include: IncludeEdit) -> list[Draft]:
    assembler = Assembler(division, include)
    return [assembler.root(), *assembler.modules()]
