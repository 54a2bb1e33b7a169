"""The plan for base files that define the same services, and for those that keep stubs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from composerefactor.compose.project import Project
from composerefactor.factoring.layout import Layout
from composerefactor.factoring.variants import Factored
from composerefactor.modules.anchors import Holder
from composerefactor.modules.naming import Names
from composerefactor.modules.root import Reason, Root
from composerefactor.splitting.groups import factored
from composerefactor.splitting.options import SplitOptions, layout_options
from composerefactor.splitting.parts import moved_parts, placement_of, plan_whole, stays_of
from composerefactor.stubs.divide import Division, divided
from composerefactor.stubs.layout import StubLayout
from composerefactor.stubs.staying import staying
from composerefactor.transform import Gain, Part, Plan


def plan_together(group: list[Root], options: SplitOptions, names: Names) -> Plan:
    """Plan the split of roots that define the same services."""
    found = factored(group)
    first = group[0]
    layout = Layout(
        first.project, found, layout_options(first, options), names, placement_of(options)
    )
    return _plan_of(layout, group, [root.reasons for root in group])


def plan_stubs(group: list[Root], options: SplitOptions, names: Names, *, several: bool) -> Plan:
    """Plan the split of roots whose services leave stubs: one, or several that share services."""
    if group[0].whole and len(group) == 1:
        return plan_whole(group[0])
    division = divided(group)
    reasons = [division.stays[i] for i in range(len(group))]
    if not division.all.variants:
        return Plan(
            stays=tuple(s for r, why in zip(group, reasons, strict=True) for s in stays_of(r, why))
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
    return replace(plan, notes=(*plan.notes, *layout.notes(plan.drafts)), since=layout.since)


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
) -> list[Root]:
    """Return those of the files *paths* that keep their services, but may say them by stubs."""
    roots = [
        Root(
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


def _plan_staying(division: Division, options: SplitOptions, names: Names) -> Plan:
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
        holder = division.holders.get((v.owners, v.name), -1)
        paths = [layout.factored.files[i].path for i in v.owners if i != holder]
        to = layout.extended(v.owners[-1], v.name)
        moved |= {(path, "services", v.name): to for path in paths}
        notes.append(
            f"{v.name} in {' and '.join(paths)} extends what {to} says: "
            f"{v.repeated} repeated lines are gone"
        )
    return replace(plan, moved=moved, notes=tuple(notes), gain=Gain(), since=since)


def _plan_of(layout: Layout, group: list[Root], reasons: Sequence[Mapping[Holder, Reason]]) -> Plan:
    """Return the plan of *layout*, with the *reasons* for what stays in each root of *group*."""
    drafts = tuple(layout.drafts())
    moved: dict[Part, str] = {}
    for i, root in enumerate(group):
        moved |= moved_parts(root, layout.homes[i])
    services = {module.path: module.services for _, module in layout.modules}
    services |= {p.path: p.services for pieces in layout.environments.values() for p in pieces}
    stays = tuple(s for r, why in zip(group, reasons, strict=True) for s in stays_of(r, why))
    found = layout.factored
    return Plan(drafts, moved, stays, tuple(_notes_on(found)), services, _gain(found))


def _notes_on(found: Factored) -> Iterator[str]:
    gain = _gain(found)
    sharing = {v.name for v in found.variants if v.shared is not None}
    whole: dict[str, list[str]] = {}
    for v in found.variants:
        if v.shared is None:
            paths = ", ".join(found.files[i].path for i in v.owners)
            whole.setdefault(paths if v.name in sharing else "each environment", []).append(v.name)
    if gain.services:
        one = gain.services == 1
        become = "one service become one" if one else f"{gain.services} services become one each"
        yield (
            f"{gain.definitions} definitions of {become}, with "
            f"what each file adds: {gain.lines} repeated lines are gone"
        )
    for where, services in whole.items():
        yield f"stay whole in {where}, since sharing saves nothing: {', '.join(services)}"


def _gain(found: Factored) -> Gain:
    shared = [v for v in found.variants if v.shared is not None]
    return Gain(
        len({v.name for v in shared}),
        sum(len(v.owners) for v in shared),
        sum(v.repeated for v in shared),
    )
