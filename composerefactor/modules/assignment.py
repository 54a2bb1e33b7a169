"""Which service goes to which module: categories, groups and what the user says."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from msgspec import Struct

from composerefactor.catalog.placement import Placement
from composerefactor.modules.naming import Family, Names, kebab

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
