"""All planned files of a group of root files: root files, modules and environment files.

:class:`Layout` takes what the files share (:mod:`.variants`), assigns services to modules, fills
environment files with what each root file adds, places networks, volumes and ``x-`` blocks
(:mod:`.places`), and writes the include lists.
"""

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
from composerefactor.images.catalog import Placement
from composerefactor.refactoring.deduplicate.places import (
    ROOT,
    Content,
    EnvironmentFile,
    LayoutState,
    contents,
    head_comments,
    place_resources,
    taken_nodes,
    to_planned_file,
)
from composerefactor.refactoring.deduplicate.variants import (
    FileIndices,
    SharedService,
    SharedServices,
)
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.grouping import (
    MAX_SERVICES,
    Family,
    Group,
    LayoutOptions,
    Module,
    Names,
    assign,
    environment_name,
    service_groups,
    tied_groups,
)
from composerefactor.refactoring.modules.include import MAX_PATHS, RootInclude
from composerefactor.refactoring.modules.writer import Assembler, FileLayout

ENVIRONMENTS = "environments"
"""The directory of the environment files."""


MAX_IN_ENTRY = 12
"""Modules in one include entry with an environment file; further ones begin a new file."""


@dataclass
class Layout:
    """Builds the planned files of a group of root files in one project directory.

    Attributes:
        project: the project.
        factored: the services of the root files, and what they share.
        options: what the user decides about the layout.
        names: hands out free paths.
        place: returns the category of a service in a file.
        several: True where root files outside of the group have modules too: the modules of a
            single root file have its name in theirs then.
        state: where everything goes, as far as that is decided.
    """

    project: Project
    factored: SharedServices
    options: LayoutOptions
    names: Names
    place: Callable[[ComposeFile, str], Placement]
    several: bool = False
    state: LayoutState = field(init=False)

    def __post_init__(self) -> None:
        """Start with no destinations."""
        self.state = LayoutState(self.project, self.factored)

    def planned_files(self) -> list[PlannedFile]:
        """Return the root files, the modules and the environment files.

        Raises RefusedError for a path from the user that another module has.
        """
        self._assign_modules()
        for i in range(len(self.factored.files)):
            take = partial(self._free_environment_path, i)
            self.state.environments[i] = list(environment_files(self.state, i, take))
        self.state.place_services()
        place_resources(self.state)
        new_files = place_blocks(self.state, contents(self.state))
        return [*self._root_files(), *(to_planned_file(content) for content in new_files)]

    @property
    def destinations(self) -> dict[int, dict[Element, str]]:
        """The new path of each element of each file, ``""`` for one that stays."""
        return self.state.destinations

    @property
    def modules(self) -> list[tuple[FileIndices, Module]]:
        """The modules, each with the files that use it."""
        return self.state.modules

    @property
    def environments(self) -> dict[int, list[EnvironmentFile]]:
        """The environment files of each file."""
        return self.state.environments

    def _assign_modules(self) -> None:
        """Assign all services to modules: first those that most files share."""
        files = self.factored.files
        shared_by: dict[FileIndices, list[str]] = {}
        for service in self.factored.services:
            if service.shared is not None:
                shared_by.setdefault(service.defined_in, []).append(service.name)
        bases = set(range(len(files))) - self.factored.repeating
        for file_indices, services in sorted(shared_by.items(), key=lambda x: (-len(x[0]), x[0])):
            first = file_indices[0]
            prefix = "" if bases <= set(file_indices) else f"{self._environment_name(first)}-"
            self._add_modules(file_indices, self._groups(first, services), prefix)
        for i, services in sorted(self.factored.single.items()):
            alone = bases == {i} and not self.several
            prefix = "" if alone else f"{self._environment_name(i)}-"
            self._add_modules((i,), self._groups(i, services), prefix)
        self.state.modules.sort(key=lambda m: m[1].is_infrastructure)

    def _groups(self, file_index: int, services: list[str]) -> list[Group]:
        file = self.factored.files[file_index]
        anchors = self.factored.anchors[file_index]
        return service_groups(file, anchors, services, partial(self.place, file), self.options)

    def _add_modules(self, file_indices: FileIndices, groups: list[Group], prefix: str) -> None:
        """Add the modules for *groups* of services, which all of the files share."""
        file = self.factored.files[file_indices[0]]
        self._check_paths(name for group in groups for name in group)
        family = Family.of(file.path)
        modules = assign(
            groups, lambda name: self.place(file, name), self.options, family, self.names, prefix
        )
        self.state.modules += [(file_indices, module) for module in modules]

    def _check_paths(self, services: Iterable[str]) -> None:
        """Raise RefusedError where the user's path for a service is that of another module."""
        taken = {module.path: module for _, module in self.state.modules}
        for name in services:
            path = posixpath.normpath(self.options.modules.get(name, ""))
            if path in taken:
                other = taken[path].services[0]
                raise RefusedError(
                    f"cannot contain both {name} and {other}: different files define them",
                    location=Location(path),
                    remedy=f"give another path for {name}: --module {name}=PATH",
                )

    def _environment_name(self, file_index: int) -> str:
        path = self.factored.files[file_index].path
        name = self.options.environments.get(path) or environment_name(path)
        return "default" if name == "main" else name

    def _free_environment_path(self, file_index: int) -> str:
        """Return a free path for an environment file of one root file."""
        directory = posixpath.join(self.options.into, ENVIRONMENTS)
        family = Family.of(self.factored.files[file_index].path)
        return self.names.take(directory, family, self._environment_name(file_index))

    def _root_files(self) -> Iterator[PlannedFile]:
        """Yield the root files that include anything."""
        for i in range(len(self.factored.files)):
            entries = [[*e.modules, e.path] for e in self.state.environments[i]]
            listed = {path for entry in entries for path in entry}
            own = [module.path for indices, module in self.state.modules if i in indices]
            entries += [list(c) for c in _chunks([p for p in own if p not in listed], MAX_PATHS)]
            if entries:
                yield self._root_file(i, entries)

    def _root_file(self, file_index: int, entries: Iterable[Iterable[str]]) -> PlannedFile:
        """Return one root file with the include list *entries*, each a list of paths."""
        file = self.factored.files[file_index]
        directory = posixpath.dirname(file.path) or "."
        local = tuple(tuple(posixpath.relpath(p, directory) for p in e) for e in entries)
        anchors, destinations = self.factored.anchors[file_index], self.destinations[file_index]
        layout = FileLayout(file, anchors, destinations, ())
        services = (file.sections or {})["services"].region
        all_moved = not layout.entries(ROOT, "services")
        titles = tuple(head_comments(file.source, services)) if all_moved else ()
        include = RootInclude(file, local, fill=False, titles=titles)
        return Assembler(layout, include).root()


def environment_files(
    state: LayoutState, file_index: int, take: Callable[[], str]
) -> Iterator[EnvironmentFile]:
    """Yield the environment files of one root file; none of them is a monolith again.

    *take* returns a free path. Services that ``extends`` ties together go to the same file.
    """
    own = {s.name: s for s in state.factored.services if file_index in s.defined_in}
    adding = {s.name for s in own.values() if s.remainder(file_index)}
    items = [
        (module.path, [name for name in module.services if name in adding])
        for file_indices, module in state.modules
        if file_index in file_indices and adding & set(module.services)
    ]
    whole = [s.name for s in own.values() if s.shared is None]
    groups = tied_groups(state.files[file_index], state.anchors[file_index], whole)
    items += [("", group) for group in groups]
    defining = {name for name, service in own.items() if defines_what_runs(service, file_index)}
    largest = max(len(file.services) for file in state.files)
    limit = min(MAX_SERVICES, max(3, largest // 2))
    names: list[str] = []
    paths: list[str] = []
    for n, (path, services) in enumerate(items):
        names += services
        paths += [path] if path else []
        following = items[n + 1][1] if n + 1 < len(items) else []
        count = sum(name in defining for name in [*names, *following])
        if not following or count > limit or len(paths) == MAX_IN_ENTRY:
            yield EnvironmentFile(take(), tuple(names), tuple(paths))
            names, paths = [], []


def defines_what_runs(service: SharedService, file_index: int) -> bool:
    """Return whether one file has the image or the build of *service* itself, not the module."""
    if service.shared is None:
        return True
    source = service.definition(file_index).source
    text = "".join(source.text[a:b] for a, b in service.remainder(file_index))
    return any(line.strip().startswith(("image:", "build:")) for line in text.splitlines())


def place_blocks(state: LayoutState, contents: list[Content]) -> list[Content]:
    """Return *contents* with each ``x-`` block in the first new file that needs it.

    Sets the destinations of the blocks in *state*. Only blocks that carry nothing but anchors move,
    and only where no line that stays in the root file needs them. A block that no new file takes
    from its own root file is removed too, if another root file has the same text and it moved.
    """
    contents = list(contents)
    moved: dict[tuple[str, str], str] = {}
    not_taken: list[tuple[int, str]] = []
    for i, file in enumerate(state.files):
        anchors, destinations = state.anchors[i], state.destinations[i]
        blocks = [name for name in file.sections or {} if name.startswith("x-")]
        if not blocks:
            continue
        own = [n for n, content in enumerate(contents) if content.file is file]
        needs = {n: anchors.needs_of(list(taken_nodes(contents[n]))) for n in own}
        for name in reversed(blocks):
            block: Element = (name, "")
            in_root = [e for e, path in destinations.items() if path == ROOT and e != block]
            carries = anchors.carries_only_anchors((file.sections or {})[name])
            if not carries or block in anchors.needs(in_root):
                continue
            first = next((n for n in own if block in needs[n]), None)
            if first is None:
                not_taken.append((i, name))
                continue
            adopted = (*contents[first].adopted_blocks, name)
            contents[first] = replace(contents[first], adopted_blocks=adopted)
            needs[first] = anchors.needs_of(list(taken_nodes(contents[first])))
            destinations[block] = contents[first].path
            moved.setdefault((name, _section_text(state, i, name)), contents[first].path)
    for i, name in not_taken:
        destination = moved.get((name, _section_text(state, i, name)), ROOT)
        state.destinations[i][name, ""] = destination
    return contents


def _section_text(state: LayoutState, file_index: int, section: str) -> str:
    file = state.files[file_index]
    region = (file.sections or {})[section].region
    return file.source.text[region.lead : region.end]


def _chunks(paths: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (paths[n : n + size] for n in range(0, len(paths), size))
