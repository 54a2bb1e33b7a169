"""Services that need the same long ``x-`` blocks: fewer modules where copies outweigh them.

An anchor is known in its own file alone, so each module has a copy of what its services need. Where
forty services take a block of fifty lines, one module for each is a text of two thousand lines
that nobody keeps equal. A few services to a module have fewer copies, and stay readable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet

from composerefactor.catalog.placement import Placement
from composerefactor.compose.file import ComposeFile
from composerefactor.modules.anchors import AnchorIndex, Holder
from composerefactor.modules.assignment import INFRASTRUCTURE, LayoutOptions
from composerefactor.modules.ties import MAX_DETAIL, MAX_TIED, limit_of, tied_groups

Unit = Sequence[str]
"""Services that stay in one module."""


def units_of(
    file: ComposeFile,
    anchors: AnchorIndex,
    names: Iterable[str],
    place: Callable[[str], Placement],
    options: LayoutOptions,
) -> list[Unit]:
    """Divide the services *names* of *file* into units, as *options* have it."""
    order = list(names)
    units: list[Unit] = [*tied_groups(file, anchors, order, lambda n: place(n).directory)]
    if options.granularity != "auto":
        return units
    apart = {name for name in order if place(name).directory == INFRASTRUCTURE}
    return families(file, anchors, units, apart.union(options.modules, *options.groups.values()))


def families(
    file: ComposeFile, anchors: AnchorIndex, units: Sequence[Unit], apart: AbstractSet[str]
) -> list[Unit]:
    """Return *units* of *file* with those joined that would copy more than they say themselves.

    Joined are units that need the same block of more than
    :data:`~composerefactor.modules.ties.MAX_DETAIL` lines, where more services do than one module
    takes. No unit with a service of *apart* is.
    """
    total = sum(map(len, units))
    if total <= MAX_TIED:
        return list(units)
    limit = limit_of(total)
    members: dict[Holder, list[int]] = {}
    copied: dict[int, int] = {}
    for n, unit in enumerate(units):
        if not apart.isdisjoint(unit):
            continue
        lines = _needed_lines(anchors, unit)
        longest = max(lines, key=lines.__getitem__, default=None)
        if longest is not None and lines[longest] > MAX_DETAIL:
            members.setdefault(longest, []).append(n)
            copied[n] = sum(lines.values())
    joined: dict[int, list[int]] = {}
    for of in members.values():
        services = sum(len(units[n]) for n in of)
        own = sum(_own_lines(file, units[n]) for n in of)
        if services > MAX_TIED and sum(copied[n] for n in of[1:]) > own:
            joined |= {chunk[0]: chunk for chunk in _chunks(units, of, limit)}
    later = {n for chunk in joined.values() for n in chunk[1:]}
    return [
        [name for m in joined.get(n, [n]) for name in units[m]]
        for n in range(len(units))
        if n not in later
    ]


def _chunks(units: Sequence[Unit], of: Sequence[int], limit: int) -> list[list[int]]:
    """Divide the units *of* into runs of about equal size, of no more than *limit* services."""
    services = sum(len(units[n]) for n in of)
    size = math.ceil(services / math.ceil(services / limit))
    chunks: list[list[int]] = []
    length = size
    for n in of:
        if length >= size or length + len(units[n]) > limit:
            chunks.append([])
            length = 0
        chunks[-1].append(n)
        length += len(units[n])
    return chunks


def _needed_lines(anchors: AnchorIndex, unit: Unit) -> dict[Holder, int]:
    """Return how many lines of each ``x-`` block the services of *unit* need in their file."""
    source = anchors.file.source
    needed = anchors.needs(("services", name) for name in unit)
    return {
        holder: sum(
            source.text.count("\n", block.start, block.end)
            for block in anchors.blocks(holder, targets, set())
        )
        for holder, targets in needed.items()
        if holder[0].startswith("x-")
    }


def _own_lines(file: ComposeFile, unit: Unit) -> int:
    entries = file.regions_in("services")
    regions = [entries[name] for name in unit]
    return sum(file.source.text.count("\n", r.key, r.end) for r in regions)
