"""Which service goes to which module: categories, groups and what the user says."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import takewhile
from typing import NamedTuple

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.references import extended
from composerefactor.images.placement import Placement
from composerefactor.refactoring.modules.anchors import AnchorIndex, Element
from composerefactor.refactoring.modules.naming import Family, Names, kebab
from composerefactor.yaml.nodes import Node

MAX_SERVICES = 6
"""A category with more services than this gets one file a service (product layout)."""

SERVICES, INFRASTRUCTURE = "services", "infrastructure"


class LayoutOptions(Struct, frozen=True):
    """What the user decides about the layout. Paths are relative to the project directory.

    *granularity* is ``auto``, ``service`` or ``category``. *groups* puts services together in the
    module of that name; *modules* gives the path of the module of a service. *variants* has what
    roots are called in new names, by path.
    """

    into: str
    granularity: str = "auto"
    groups: Mapping[str, tuple[str, ...]] = {}
    modules: Mapping[str, str] = {}
    variants: Mapping[str, str] = {}


class Bundle(NamedTuple):
    """What the services of one module have in common, and what the module is called.

    *directory* is "" where the user gives the whole path as *name*. *owner* is the first service
    of a module of its own, so that two services whose names give one file name do not end up in
    one file. *longer* is the name where another module has *name* already.
    """

    directory: str
    name: str
    owner: str = ""
    longer: str = ""


class Module(Struct, frozen=True):
    """One module: its *path* relative to the project directory, and its services in text order."""

    path: str
    services: tuple[str, ...]

    @property
    def is_infrastructure(self) -> bool:
        """True where it stands in the folder of that name."""
        return posixpath.basename(posixpath.dirname(self.path)) == INFRASTRUCTURE


def assign(
    units: Sequence[Sequence[str]],
    place: Callable[[str], Placement],
    options: LayoutOptions,
    family: Family,
    names: Names,
    prefix: str = "",
) -> list[Module]:
    """Return the modules for *units*, groups of services that stay together.

    *place* gives the category of a service; *names* hands out free paths; *prefix* begins the
    name of a category module, where another root has one of that category.
    """
    rank = {name: n for n, name in enumerate(name for unit in units for name in unit)}
    bundles: dict[Bundle, list[str]] = {}
    by_service: dict[str, tuple[str, str]] = {}
    for group, wanted in options.groups.items():
        here = [name for name in wanted if name in rank]
        by_service |= {name: (place(here[0]).directory, group) for name in here}
    sizes: dict[str, int] = {}
    placements = [place(unit[0]) for unit in units]
    for unit, placement in zip(units, placements, strict=True):
        if placement.directory == INFRASTRUCTURE:
            sizes[placement.category] = sizes.get(placement.category, 0) + len(unit)
    for unit, placement in zip(units, placements, strict=True):
        bundle = _bundle(unit, placement, options, by_service, sizes, rank, prefix)
        bundles.setdefault(bundle, []).extend(unit)
    modules = []
    for bundle, members in bundles.items():
        members.sort(key=rank.__getitem__)
        if bundle.directory == "":
            path = names.reserve(posixpath.normpath(bundle.name))
        else:
            directory = posixpath.join(options.into, bundle.directory)
            free = not bundle.longer or names.is_free(directory, family, bundle.name)
            path = names.take(directory, family, bundle.name if free else bundle.longer)
        modules.append(Module(path, tuple(members)))
    return modules


def _bundle(
    unit: Sequence[str],
    placement: Placement,
    options: LayoutOptions,
    by_service: Mapping[str, tuple[str, str]],
    sizes: Mapping[str, int],
    services: Collection[str],
    prefix: str,
) -> Bundle:
    """Return the bundle of *unit*, equal for all that share a module."""
    for name in unit:
        if name in options.modules:
            return Bundle("", options.modules[name])
    for name in unit:
        if name in by_service:
            directory, group = by_service[name]
            return Bundle(directory, kebab(group))
    by_category = options.granularity == "category" or (
        options.granularity == "auto"
        and placement.directory == INFRASTRUCTURE
        and _fits(sizes[placement.category], len(services))
        and sizes[placement.category] > (1 if prefix else 0)  # the service's name says more
    )
    if by_category:
        name = kebab(placement.category)
        longer = f"{prefix}{name}" if prefix != f"{name}-" else ""
        return Bundle(placement.directory, name, longer=longer if prefix else "")
    return Bundle(placement.directory, _title(unit, services), unit[0])


def _title(unit: Sequence[str], services: Iterable[str]) -> str:
    """Return what all names of *unit* begin with, if no other service is called so; or the first.

    Whole words count: ``snuba-api`` and ``snuba-errors`` are ``snuba``.
    """
    names = [kebab(name) for name in unit]
    if len(names) == 1:
        return names[0]
    columns = zip(*(name.split("-") for name in names), strict=False)
    common = "-".join(words[0] for words in takewhile(lambda ws: len(set(ws)) == 1, columns))
    others = {kebab(name) for name in services if name not in unit}
    return common if common and common not in others else names[0]


def _fits(size: int, total: int) -> bool:
    """A category is one file while it is small, and no more than half of the project."""
    return size <= MAX_SERVICES and size <= max(3, total // 2) and size < total


MAX_TIED = 6
"""More services than this in one module would be a monolith again."""

MAX_DETAIL = 8
"""Lines of an attribute that are copied rather than tie services that have no more in common."""


def tied_groups(
    file: ComposeFile,
    anchors: AnchorIndex,
    names: Iterable[str],
    directory_of: Callable[[str], str] | None = None,
) -> list[list[str]]:
    """Divide the services *names* of *file* into groups that stay in one module each.

    ``extends`` without a file sees only its own file (Compose specification), so both ends stay
    together. Services that share an anchor written in one of them do, where it is that service or
    more than :data:`MAX_DETAIL` lines of it, as long as the group is no more than half of all and
    at most :data:`MAX_TIED`; beyond that the anchor is copied. *directory_of* tells what kind a
    service is; no anchor ties services of two kinds.
    """
    order = list(names)
    groups = _Groups(order)
    for name in order:
        parent = extended(file.services[name])
        if parent and parent[0] is None and parent[1] in groups.of:
            groups.join(name, parent[1] or "")
    limit = limit_of(len(order))
    for user, owner, anchored in anchors.shared_nodes():
        if user not in groups.of or owner not in groups.of:
            continue
        alike = directory_of is None or directory_of(user) == directory_of(owner)
        if alike and not _is_detail(file, owner, anchored):
            together = {
                id(groups.of[user]): groups.of[user],
                id(groups.of[owner]): groups.of[owner],
            }
            if sum(map(len, together.values())) <= limit:
                groups.join(user, owner)
    seen: dict[int, list[str]] = {}
    for name in order:
        seen.setdefault(id(groups.of[name]), groups.of[name])
    return [sorted(group, key=order.index) for group in seen.values()]


def limit_of(services: int) -> int:
    """Return how many of *services* one module may take that need not stay together."""
    return min(MAX_TIED, max(3, services // 2))


def _is_detail(file: ComposeFile, owner: str, anchored: Node) -> bool:
    """Return whether *anchored* is a few lines of the service *owner*, not what makes it one."""
    source = file.source
    if anchored is file.services[owner]:
        return False
    return source.line_index(anchored.end) - source.line_index(anchored.start) < MAX_DETAIL


class _Groups:
    def __init__(self, names: list[str]) -> None:
        self.of = {name: [name] for name in names}

    def join(self, one: str, other: str) -> None:
        if self.of[one] is self.of[other]:
            return
        merged = self.of[one] + self.of[other]
        for name in merged:
            self.of[name] = merged


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

    Joined are units that need the same block of more than :data:`MAX_DETAIL` lines, where more
    services do than one module takes. No unit with a service of *apart* is.
    """
    total = sum(map(len, units))
    if total <= MAX_TIED:
        return list(units)
    limit = limit_of(total)
    members: dict[Element, list[int]] = {}
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


def _needed_lines(anchors: AnchorIndex, unit: Unit) -> dict[Element, int]:
    """Return how many lines of each ``x-`` block the services of *unit* need in their file."""
    source = anchors.file.source
    needed = anchors.needs(("services", name) for name in unit)
    return {
        element: sum(
            source.text.count("\n", block.start, block.end)
            for block in anchors.blocks(element, targets, set())
        )
        for element, targets in needed.items()
        if element[0].startswith("x-")
    }


def _own_lines(file: ComposeFile, unit: Unit) -> int:
    entries = file.regions_in("services")
    regions = [entries[name] for name in unit]
    return sum(file.source.text.count("\n", r.key, r.end) for r in regions)
