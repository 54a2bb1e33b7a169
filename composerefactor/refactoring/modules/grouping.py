"""Which service goes to which module, and what the modules are called.

Services are grouped by what the user says, by category, and by what they share. File names follow
the project's own pattern, in kebab-case, without collisions.
"""

from __future__ import annotations

import hashlib
import math
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import takewhile
from typing import Annotated, Literal, NamedTuple, TypeAlias

from msgspec import Meta, Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.references import extends_target
from composerefactor.images.catalog import Placement
from composerefactor.refactoring.modules.anchors import AnchorIndex, Element
from composerefactor.yaml.nodes import Node

MAX_NAME = 80
"""Longer names are cut: with their directories they could be too long for a file system."""


class Family(Struct, frozen=True):
    """The pattern of a project's Compose file names: ``PREFIX.NAME.EXTENSION``."""

    prefix: str
    extension: str

    @classmethod
    def of(cls, path: str) -> Family:
        """Return the family of the Compose file *path*."""
        name = posixpath.basename(path)
        extension = "yaml" if name.endswith(".yaml") else "yml"
        return cls("compose" if name.startswith("compose") else "docker-compose", extension)

    def file(self, name: str) -> str:
        """Return the file name of the module *name*."""
        return f"{self.prefix}.{name}.{self.extension}"


def environment_name(path: str) -> str:
    """Return the environment in the name of a root file, ``main`` where it has none.

    ``docker-compose.dev.yml`` gives ``dev``.
    """
    stem = posixpath.basename(path).rsplit(".", 1)[0]
    rest = re.sub(r"^(docker-)?compose[._-]?", "", stem)
    return kebab(rest) if rest else "main"


def kebab(name: str) -> str:
    """Return *name* in kebab-case, as part of a file name that works on every system."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    plain = re.sub(r"[^\w-]+|_+", "-", spaced.lower()).strip("-")
    plain = re.sub(r"--+", "-", plain) or "service"
    if len(plain) > MAX_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        plain = f"{plain[:MAX_NAME].rstrip('-')}-{digest}"
    return plain


class Names:
    """Hands out paths that are free, also on file systems that ignore case.

    *exists* returns whether a path is taken, *is_ignored* whether git ignores it. A directory that
    git ignores gets another name, since new files in it would not be committed.
    """

    def __init__(
        self, exists: Callable[[str], bool], is_ignored: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._exists, self._is_ignored = exists, is_ignored
        self._reserved: set[str] = set()
        self._directories: dict[str, str] = {}

    def take(self, directory: str, family: Family, name: str) -> str:
        """Return a free path for the module *name* in *directory*, with a number if necessary."""
        number = 1
        while True:
            numbered = name if number == 1 else f"{name}-{number}"
            path = self._path(directory, family, numbered)
            if self._is_free(path):
                self._reserved.add(path.lower())
                return path
            number += 1

    def is_free(self, directory: str, family: Family, name: str) -> bool:
        """Return whether the path of the module *name* in *directory* is free."""
        return self._is_free(self._path(directory, family, name))

    def _path(self, directory: str, family: Family, name: str) -> str:
        if directory not in self._directories:
            other = f"{directory}-modules"
            is_ignored, other_is_ignored = (
                self._is_ignored(posixpath.normpath(posixpath.join(place, family.file(name))))
                for place in (directory, other)
            )
            use_other = is_ignored and not other_is_ignored
            self._directories[directory] = other if use_other else directory
        return posixpath.normpath(posixpath.join(self._directories[directory], family.file(name)))

    def _is_free(self, path: str) -> bool:
        return path.lower() not in self._reserved and not self._exists(path)

    def reserve(self, path: str) -> str:
        """Reserve *path*, and return it."""
        self._reserved.add(path.lower())
        return path


MAX_SERVICES = 6
"""A category with more services than this gets one file per service."""


MAX_TIED = 6
"""An anchor ties no more services than this: their module would be a monolith again."""


MAX_DETAIL = 8
"""Up to this many lines are copied rather than tie services that have nothing else in common."""


SERVICES, INFRASTRUCTURE = "services", "infrastructure"


Group = Sequence[str]
"""Names of services that stay in one module."""


Granularity: TypeAlias = Literal["auto", "service", "category"]
Strategy: TypeAlias = Literal["include", "extends"]
AnchorHandling: TypeAlias = Literal["copy", "extends"]


class LayoutOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """What the user decides about the layout of a split.

    The command line and the settings file take the names, values, defaults and descriptions from
    here. Paths are relative to the root file; in a layout, to the project directory.
    """

    into: Annotated[str, Meta(description="Directory of the modules.")] = ""
    granularity: Annotated[
        Granularity,
        Meta(
            description="One file per service, one per category, or both: services singly, "
            "infrastructure by category (auto, the default)."
        ),
    ] = "auto"
    groups: Annotated[
        Mapping[str, tuple[str, ...]],
        Meta(description="The services of a module, by its name."),
    ] = {}
    modules: Annotated[
        Mapping[str, str], Meta(description="The path of the module, by service.")
    ] = {}
    strategy: Annotated[
        Strategy,
        Meta(
            description="Root files include the modules (default), or keep stubs that extend their "
            "services."
        ),
    ] = "include"
    anchors: Annotated[
        AnchorHandling,
        Meta(
            description="What happens to an x- block that several modules merge with <<: each "
            "module gets a copy and no line changes (default), or services extend it from one "
            "file, where the result is exactly the same."
        ),
    ] = "copy"
    environments: Annotated[
        Mapping[str, str],
        Meta(description="The name of the environment, by root file, if its name has none."),
    ] = {}


class Module(Struct, frozen=True):
    """A new file with whole services.

    Attributes:
        path: its path, relative to the project directory.
        services: its services in the order of the text.
    """

    path: str
    services: tuple[str, ...]

    @property
    def is_infrastructure(self) -> bool:
        """True where it is in the directory for infrastructure."""
        return posixpath.basename(posixpath.dirname(self.path)) == INFRASTRUCTURE


class ModuleKey(NamedTuple):
    """What identifies a module before it has a path: equal for all groups in one module.

    Attributes:
        directory: its directory below the directory of the modules; ``""`` where *name* is the
            whole path that the user gives.
        name: its name.
        first_service: the first service of a module for one group; so two groups with one name do
            not end up in one file.
        longer_name: the name to use where another module has *name* already.
    """

    directory: str
    name: str
    first_service: str = ""
    longer_name: str = ""


def assign(
    groups: Sequence[Group],
    place: Callable[[str], Placement],
    options: LayoutOptions,
    family: Family,
    names: Names,
    prefix: str = "",
) -> list[Module]:
    """Return the modules for *groups* of services.

    Args:
        groups: services that stay together.
        place: returns the category of a service.
        options: what the user decides.
        family: the file name pattern of the project.
        names: hands out free paths.
        prefix: what the name of a category module begins with, where another root file has a module
            of that category.
    """
    rank = {name: n for n, name in enumerate(name for group in groups for name in group)}
    members_of: dict[ModuleKey, list[str]] = {}
    chosen: dict[str, tuple[str, str]] = {}
    for module_name, services in options.groups.items():
        present = [name for name in services if name in rank]
        chosen |= {name: (place(present[0]).directory, module_name) for name in present}
    sizes: dict[str, int] = {}
    placements = [place(group[0]) for group in groups]
    for group, placement in zip(groups, placements, strict=True):
        if placement.directory == INFRASTRUCTURE:
            sizes[placement.category] = sizes.get(placement.category, 0) + len(group)
    for group, placement in zip(groups, placements, strict=True):
        key = _module_key(group, placement, options, chosen, sizes, rank, prefix)
        members_of.setdefault(key, []).extend(group)
    modules = []
    for key, members in members_of.items():
        members.sort(key=rank.__getitem__)
        if key.directory == "":
            path = names.reserve(posixpath.normpath(key.name))
        else:
            directory = posixpath.join(options.into, key.directory)
            is_free = not key.longer_name or names.is_free(directory, family, key.name)
            path = names.take(directory, family, key.name if is_free else key.longer_name)
        modules.append(Module(path, tuple(members)))
    return modules


def _module_key(
    group: Group,
    placement: Placement,
    options: LayoutOptions,
    chosen: Mapping[str, tuple[str, str]],
    sizes: Mapping[str, int],
    services: Collection[str],
    prefix: str,
) -> ModuleKey:
    """Return what identifies the module of *group*.

    *chosen* has the directory and the module name of each service for which the user gives one,
    *sizes* the number of services in each category of infrastructure. The other arguments are those
    of :func:`assign`; *services* are all services.
    """
    for name in group:
        if name in options.modules:
            return ModuleKey("", options.modules[name])
    for name in group:
        if name in chosen:
            directory, module_name = chosen[name]
            return ModuleKey(directory, kebab(module_name))
    by_category = options.granularity == "category" or (
        options.granularity == "auto"
        and placement.directory == INFRASTRUCTURE
        and _fits_in_one_file(sizes[placement.category], len(services))
        and sizes[placement.category] > (1 if prefix else 0)  # the service's name says more
    )
    if by_category:
        name = kebab(placement.category)
        longer_name = f"{prefix}{name}" if prefix and prefix != f"{name}-" else ""
        return ModuleKey(placement.directory, name, longer_name=longer_name)
    return ModuleKey(placement.directory, _common_name(group, services), group[0])


def _common_name(group: Group, services: Iterable[str]) -> str:
    """Return what the names of all services in *group* begin with.

    That is the name of the first one where the names have no first word in common, or where another
    of *services* has that name. Whole words count: ``snuba-api`` and ``snuba-errors`` give
    ``snuba``.
    """
    names = [kebab(name) for name in group]
    if len(names) == 1:
        return names[0]
    columns = zip(*(name.split("-") for name in names), strict=False)
    equal_columns = takewhile(lambda words: len(set(words)) == 1, columns)
    common = "-".join(words[0] for words in equal_columns)
    others = {kebab(name) for name in services if name not in group}
    return common if common and common not in others else names[0]


def _fits_in_one_file(size: int, total: int) -> bool:
    """Return whether *size* of *total* services may be one file: few, and at most half of all."""
    return size <= MAX_SERVICES and size <= max(3, total // 2) and size < total


def service_groups(
    file: ComposeFile,
    anchors: AnchorIndex,
    names: Iterable[str],
    place: Callable[[str], Placement],
    options: LayoutOptions,
) -> list[Group]:
    """Return the services *names* of *file* in groups that go to one module each."""
    order = list(names)
    groups: list[Group] = [*tied_groups(file, anchors, order, lambda n: place(n).directory)]
    if options.granularity != "auto":
        return groups
    apart = {name for name in order if place(name).directory == INFRASTRUCTURE}
    apart = apart.union(options.modules, *options.groups.values())
    return join_families(file, anchors, groups, apart)


def tied_groups(
    file: ComposeFile,
    anchors: AnchorIndex,
    names: Iterable[str],
    directory_of: Callable[[str], str] | None = None,
) -> list[list[str]]:
    """Return the services *names* of *file* in groups that stay in one module each.

    ``extends`` without a file finds only services of its own file (Compose specification), so both
    services stay together. Services that share an anchor written in one of them stay together where
    the anchor is on the whole service or on more than :data:`MAX_DETAIL` lines of it, as long as
    the group is no more than half of all services and at most :data:`MAX_TIED`. In other cases the
    anchor is copied. *directory_of* returns the directory of a service's module: no anchor ties
    services of two directories.
    """
    order = list(names)
    groups = _DisjointGroups(order)
    for name in order:
        target = extends_target(file.services[name])
        if target and target[0] is None and target[1] in groups.of:
            groups.join(name, target[1] or "")
    limit = size_limit(len(order))
    for user, owner, anchored in anchors.shared_nodes():
        if user not in groups.of or owner not in groups.of:
            continue
        alike = directory_of is None or directory_of(user) == directory_of(owner)
        if alike and not _is_detail(file, owner, anchored):
            both = {id(groups.of[name]): groups.of[name] for name in (user, owner)}
            if sum(map(len, both.values())) <= limit:
                groups.join(user, owner)
    distinct: dict[int, list[str]] = {}
    for name in order:
        distinct.setdefault(id(groups.of[name]), groups.of[name])
    return [sorted(group, key=order.index) for group in distinct.values()]


def size_limit(services: int) -> int:
    """Return how many of *services* may be in one module without being tied by ``extends``."""
    return min(MAX_TIED, max(3, services // 2))


def _is_detail(file: ComposeFile, owner: str, anchored: Node) -> bool:
    """Return whether *anchored* is only a few lines of the service *owner*."""
    source = file.source
    if anchored is file.services[owner]:
        return False
    return source.line_index(anchored.end) - source.line_index(anchored.start) < MAX_DETAIL


class _DisjointGroups:
    """Groups of *names*, one name in each at first; ``of`` is the group of each name."""

    def __init__(self, names: list[str]) -> None:
        self.of = {name: [name] for name in names}

    def join(self, one: str, other: str) -> None:
        """Make the groups of two names one group."""
        if self.of[one] is self.of[other]:
            return
        union = self.of[one] + self.of[other]
        for name in union:
            self.of[name] = union


def join_families(
    file: ComposeFile, anchors: AnchorIndex, groups: Sequence[Group], apart: AbstractSet[str]
) -> list[Group]:
    """Return *groups* with those joined whose copies of an ``x-`` block would outweigh their text.

    A family is all groups that need the same block of more than :data:`MAX_DETAIL` lines. Where a
    family has more services than one module may have, and copies of the block would have more lines
    than the services, its groups are joined up to the limit. Groups with a service of *apart* are
    in no family.
    """
    total = sum(map(len, groups))
    if total <= MAX_TIED:
        return list(groups)
    limit = size_limit(total)
    families: dict[Element, list[int]] = {}
    copied: dict[int, int] = {}
    for n, group in enumerate(groups):
        if not apart.isdisjoint(group):
            continue
        lines = _needed_lines(anchors, group)
        longest = max(lines, key=lines.__getitem__, default=None)
        if longest is not None and lines[longest] > MAX_DETAIL:
            families.setdefault(longest, []).append(n)
            copied[n] = sum(lines.values())
    joined: dict[int, list[int]] = {}
    for family in families.values():
        services = sum(len(groups[n]) for n in family)
        own = sum(_own_lines(file, groups[n]) for n in family)
        if services > MAX_TIED and sum(copied[n] for n in family[1:]) > own:
            joined |= {chunk[0]: chunk for chunk in _chunks(groups, family, limit)}
    later = {n for chunk in joined.values() for n in chunk[1:]}
    return [
        [name for m in joined.get(n, [n]) for name in groups[m]]
        for n in range(len(groups))
        if n not in later
    ]


def _chunks(groups: Sequence[Group], family: Sequence[int], limit: int) -> list[list[int]]:
    """Return the groups *family* in runs of about equal size, of at most *limit* services each."""
    services = sum(len(groups[n]) for n in family)
    size = math.ceil(services / math.ceil(services / limit))
    chunks: list[list[int]] = []
    length = size
    for n in family:
        if length >= size or length + len(groups[n]) > limit:
            chunks.append([])
            length = 0
        chunks[-1].append(n)
        length += len(groups[n])
    return chunks


def _needed_lines(anchors: AnchorIndex, group: Group) -> dict[Element, int]:
    """Return how many lines of each ``x-`` block the services of *group* need in their file."""
    source = anchors.file.source
    needed = anchors.needs(("services", name) for name in group)
    return {
        element: sum(
            source.text.count("\n", block.start, block.end)
            for block in anchors.blocks(element, targets, set())
        )
        for element, targets in needed.items()
        if element[0].startswith("x-")
    }


def _own_lines(file: ComposeFile, group: Group) -> int:
    """Return how many lines the services of *group* have in *file*."""
    entries = file.regions_in("services")
    regions = [entries[name] for name in group]
    return sum(file.source.text.count("\n", r.key, r.end) for r in regions)
