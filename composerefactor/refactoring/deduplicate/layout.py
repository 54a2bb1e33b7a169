"""The drafts for several base files: roots, modules and environment files."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location, RefusedError
from composerefactor.images.placement import Placement
from composerefactor.refactoring.deduplicate.places import (
    ROOT,
    Content,
    Destinations,
    EnvironmentFile,
    contents,
    head,
    place_resources,
    taken_nodes,
    write,
)
from composerefactor.refactoring.deduplicate.variants import Owners, SharedService, SharedServices
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.grouping import (
    MAX_SERVICES,
    LayoutOptions,
    Module,
    Unit,
    assign,
    tied_groups,
    units_of,
)
from composerefactor.refactoring.modules.include import MAX_PATHS, RootInclude
from composerefactor.refactoring.modules.naming import Family, Names, variant
from composerefactor.refactoring.modules.writer import Assembler, Division


def place_blocks(places: Destinations, contents: list[Content]) -> list[Content]:
    """Return *contents* with each block in the first one that needs it, and set its home.

    One that no file takes from here goes too, if another base has the same text and it moved.
    """
    contents = list(contents)
    moved: dict[tuple[str, str], str] = {}
    left: list[tuple[int, str]] = []
    for i, file in enumerate(places.files):
        anchors, destinations = places.anchors[i], places.destinations[i]
        blocks = [name for name in file.sections or {} if name.startswith("x-")]
        if not blocks:
            continue
        mine = [n for n, content in enumerate(contents) if content.file is file]
        needs = {n: anchors.needs_of(list(taken_nodes(contents[n]))) for n in mine}
        for name in reversed(blocks):
            element: Element = (name, "")
            kept = [h for h, home in destinations.items() if home == ROOT and h != element]
            carries = anchors.carries_only_anchors((file.sections or {})[name])
            if not carries or element in anchors.needs(kept):
                continue
            first = next((n for n in mine if element in needs[n]), None)
            if first is None:
                left.append((i, name))
                continue
            adopting = replace(contents[first], adopts=(*contents[first].adopts, name))
            contents[first] = adopting
            needs[first] = anchors.needs_of(list(taken_nodes(adopting)))
            destinations[element] = adopting.path
            moved.setdefault((name, _text(places, i, name)), adopting.path)
    for i, name in left:
        places.destinations[i][name, ""] = moved.get((name, _text(places, i, name)), ROOT)
    return contents


def _text(places: Destinations, owner: int, section: str) -> str:
    file = places.files[owner]
    region = (file.sections or {})[section].region
    return file.source.text[region.lead : region.end]


MAX_IN_ENTRY = 12
"""Modules in one include entry with an environment file, which is cut for further ones."""


def pieces(places: Destinations, owner: int, take: Callable[[], str]) -> Iterator[EnvironmentFile]:
    """Yield the environment files of *owner*; none becomes a monolith again.

    *take* gives a free path. What ``extends`` ties together stays in one of them.
    """
    own = {v.name: v for v in places.factored.variants if owner in v.owners}
    adding = {v.name for v in own.values() if v.rest(owner)}
    items = [
        (module.path, [name for name in module.services if name in adding])
        for owners, module in places.modules
        if owner in owners and adding & set(module.services)
    ]
    whole = [v.name for v in own.values() if v.shared is None]
    items += [("", t) for t in tied_groups(places.files[owner], places.anchors[owner], whole)]
    defining = {name for name, found in own.items() if defines(found, owner)}
    largest = max(len(file.services) for file in places.files)
    most = min(MAX_SERVICES, max(3, largest // 2))
    names: list[str] = []
    paths: list[str] = []
    for n, (path, services) in enumerate(items):
        names += services
        paths += [path] if path else []
        following = items[n + 1][1] if n + 1 < len(items) else []
        count = sum(name in defining for name in [*names, *following])
        if not following or count > most or len(paths) == MAX_IN_ENTRY:
            yield EnvironmentFile(take(), tuple(names), tuple(paths))
            names, paths = [], []


def defines(found: SharedService, owner: int) -> bool:
    """Return whether *owner* itself says what runs, in what it adds to a service."""
    if found.shared is None:
        return True
    source = found.definition(owner).source
    text = "".join(source.text[a:b] for a, b in found.rest(owner))
    return any(line.strip().startswith(("image:", "build:")) for line in text.splitlines())


ENVIRONMENTS = "environments"


@dataclass
class Layout:
    """Builds the drafts of one group of base files, all with the same project directory.

    *several* is True where other base files than these have modules, too: then those of a single
    one have its name, to be told from the others'.
    """

    project: Project
    factored: SharedServices
    options: LayoutOptions
    names: Names
    place: Callable[[ComposeFile, str], Placement]
    several: bool = False
    places: Destinations = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing in any place."""
        self.places = Destinations(self.project, self.factored)

    def planned_files(self) -> list[PlannedFile]:
        """Return the drafts of the roots, the modules and the environment files.

        Raises RefusedError for a path from the user that something else has.
        """
        self._assign()
        for i in range(len(self.factored.files)):
            self.places.environments[i] = list(pieces(self.places, i, partial(self._taken, i)))
        self.places.place_services()
        place_resources(self.places)
        found = place_blocks(self.places, contents(self.places))
        return [*self._roots(), *(write(content) for content in found)]

    @property
    def destinations(self) -> dict[int, dict[Element, str]]:
        """The path of every part of each file, "" for what stays."""
        return self.places.destinations

    @property
    def modules(self) -> list[tuple[Owners, Module]]:
        """The modules, each with the files that it has services of."""
        return self.places.modules

    @property
    def environments(self) -> dict[int, list[EnvironmentFile]]:
        """The environment files of each file."""
        return self.places.environments

    def _assign(self) -> None:
        files = self.factored.files
        by_owners: dict[Owners, list[str]] = {}
        for v in self.factored.variants:
            if v.shared is not None:
                by_owners.setdefault(v.owners, []).append(v.name)
        bases = set(range(len(files))) - self.factored.repeating
        for owners, services in sorted(by_owners.items(), key=lambda x: (-len(x[0]), x[0])):
            prefix = "" if bases <= set(owners) else f"{self._variant(owners[0])}-"
            first = owners[0]
            self._take(owners, self._units(first, services), prefix)
        for owner, services in sorted(self.factored.single.items()):
            alone = bases == {owner} and not self.several
            units = self._units(owner, services)
            self._take((owner,), units, "" if alone else f"{self._variant(owner)}-")
        self.places.modules.sort(key=lambda m: m[1].is_infrastructure)

    def _units(self, owner: int, services: list[str]) -> list[Unit]:
        file = self.factored.files[owner]
        anchors = self.factored.anchors[owner]
        return units_of(file, anchors, services, partial(self.place, file), self.options)

    def _take(self, owners: Owners, units: list[Unit], prefix: str) -> None:
        file = self.factored.files[owners[0]]
        self._check_paths(name for unit in units for name in unit)
        family = Family.of(file.path)
        found = assign(
            units, lambda name: self.place(file, name), self.options, family, self.names, prefix
        )
        self.places.modules += [(owners, module) for module in found]

    def _check_paths(self, services: Iterable[str]) -> None:
        """Raise RefusedError for a path from the user that a module for other files has."""
        taken = {module.path: module for _, module in self.places.modules}
        for name in services:
            path = posixpath.normpath(self.options.modules.get(name, ""))
            if path in taken:
                other = taken[path].services[0]
                raise RefusedError(
                    f"cannot hold {name} and {other}: not all the same files define them",
                    location=Location(path),
                    remedy=f"give another path for {name}: --module {name}=PATH",
                )

    def _variant(self, owner: int) -> str:
        path = self.factored.files[owner].path
        name = self.options.variants.get(path) or variant(path)
        return "default" if name == "main" else name

    def _taken(self, owner: int) -> str:
        """Return a free path for an environment file of *owner*."""
        directory = posixpath.join(self.options.into, ENVIRONMENTS)
        family = Family.of(self.factored.files[owner].path)
        return self.names.take(directory, family, self._variant(owner))

    def _roots(self) -> Iterator[PlannedFile]:
        for i in range(len(self.factored.files)):
            entries = [[*p.modules, p.path] for p in self.places.environments[i]]
            listed = {path for entry in entries for path in entry}
            others = [m.path for o, m in self.places.modules if i in o and m.path not in listed]
            entries += [list(c) for c in _cut(others, MAX_PATHS)]
            if entries:  # else all that it has stays
                yield self._root(i, entries)

    def _root(self, owner: int, entries: Iterable[Iterable[str]]) -> PlannedFile:
        """Return the root *owner* with the include list *entries*."""
        file = self.factored.files[owner]
        directory = posixpath.dirname(file.path) or "."
        local = tuple(tuple(posixpath.relpath(p, directory) for p in e) for e in entries)
        division = Division(file, self.factored.anchors[owner], self.destinations[owner], ())
        services = (file.sections or {})["services"].region
        left = not division.entries(ROOT, "services")
        titles = tuple(head(file.source, services)) if left else ()
        include = RootInclude(file, local, fill=False, titles=titles)
        return Assembler(division, include).root()


def _cut(paths: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (paths[n : n + size] for n in range(0, len(paths), size))
