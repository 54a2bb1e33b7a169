"""The plan for a base file that shares no service with another."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from composerefactor.factoring.inheritance import extended_file, extending, parents
from composerefactor.modules.assemble import Assembler
from composerefactor.modules.assignment import assign
from composerefactor.modules.divide import divide
from composerefactor.modules.include import IncludeEdit
from composerefactor.modules.naming import Names, kebab, variant
from composerefactor.modules.root import Root
from composerefactor.modules.ties import tied_groups
from composerefactor.splitting.options import SplitOptions, layout_options
from composerefactor.splitting.parts import moved_parts, placement_of, plan_whole, stays_of
from composerefactor.transform import Plan


def plan_alone(root: Root, options: SplitOptions, names: Names, *, several: bool) -> Plan:
    """Plan the split of a root that shares no service with another."""
    if root.whole:
        return plan_whole(root)
    stays = stays_of(root, root.reasons)
    units = tied_groups(root.file, root.anchors, root.movable())
    prefix = f"{variant(root.file.path)}-" if several else ""
    layout = layout_options(root, options)
    placement = placement_of(options)
    modules = assign(
        units, lambda name: placement(root.file, name), layout, root.family, names, prefix
    )
    if not modules:
        return Plan(stays=stays)
    modules.sort(key=lambda m: "/infrastructure/" in m.path)
    homes = {s: m.path for m in modules for s in m.services}
    order = tuple(dict.fromkeys(m.path for m in modules))
    division = divide(root.project, root.file, root.anchors, homes, order, root.reasons)
    above = list(parents(root.file, root.anchors, division.homes))
    above = above if options.anchors == "extends" else []
    files = {}
    for parent in above:
        path = names.take(posixpath.join(layout.into, "extends"), root.family, kebab(parent.anchor))
        files[path] = parent
        division.homes[parent.section, ""] = path
    if files:
        taken = {alias for parent in above for alias in parent.aliases}
        division = replace(division, anchors=root.anchors.without(taken), order=(*order, *files))
    local = [posixpath.relpath(path, root.directory or ".") for path in order]
    assembler = Assembler(division, IncludeEdit.of(root.file, local))
    drafts = [assembler.root(), *assembler.modules()]
    for path, parent in files.items():
        named = posixpath.relpath(path, root.directory or ".")
        drafts = [
            extended_file(d, root.file, parent)
            if d.path == path
            else extending(d, root.file, parent, named)
            for d in drafts
        ]
    return Plan(
        drafts=tuple(drafts),
        moved=moved_parts(root, division.homes),
        stays=stays,
        notes=tuple(
            f"{', '.join(parent.heirs)} extend {parent.anchor} in {path}, instead of a copy each"
            for path, parent in files.items()
        ),
        services={m.path: m.services for m in modules},
    )
