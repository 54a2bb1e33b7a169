"""The plan for base files that define the same services, and for those that keep stubs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from composerefactor.factoring.layout import Layout
from composerefactor.factoring.variants import Factored
from composerefactor.modules.anchors import Holder
from composerefactor.modules.naming import Names
from composerefactor.modules.root import Reason, Root
from composerefactor.splitting.groups import factored
from composerefactor.splitting.options import SplitOptions, layout_options
from composerefactor.splitting.parts import moved_parts, placement_of, plan_whole, stays_of
from composerefactor.stubs.divide import divided
from composerefactor.stubs.layout import StubLayout
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
