"""All planned files of a group of root files: root files, modules and environment files.

:class:`Layout` takes what the files share (:mod:`.variants`), assigns services to modules, fills
environment files with what each root file adds, places networks, volumes and ``x-`` blocks
(:mod:`.places`), and writes the include lists.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
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
from composerefactor.refactoring.deduplicate.variants import FileIndices, SharedServices, keep_whole
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.directories import IncludedFiles, included_files
from composerefactor.refactoring.modules.grouping import (
    FEWEST_LINES,
    FEWEST_LINES_OF_ALIKE,
    most_services,
    service_groups,
)
from composerefactor.refactoring.modules.include import IncludeEntry, RootInclude
from composerefactor.refactoring.modules.naming import (
    SERVICES,
    LayoutOptions,
    Names,
    ServiceGroup,
    Tie,
    are_environments,
    environment_name,
    modules_of,
)
from composerefactor.refactoring.modules.paths import MovingPaths
from composerefactor.refactoring.modules.root_file import RootFile, pinned_blocks
from composerefactor.refactoring.modules.writer import Assembler, FileLayout

ENVIRONMENTS, VARIANTS = "environments", "variants"
"""The directories of the environment files: of environments, and of root files that are none."""

SHARED = "shared"
"""The name of a module for services that several root files share, and that are in no group."""

_WHY_SHARED = "are in several root files"


@dataclass
class Layout:
    """Builds the planned files of a group of root files in one project directory.

    Attributes:
        roots: the root files.
        factored: the services of the root files, and what they share.
        options: what the user decides about the layout.
        names: hands out free paths.
        place: returns the category of a service in a file.
        several: True where root files outside of the group have modules too: the modules of a
            single root file have its name in theirs then.
        ties: services that are in one module, since several would copy too much.
        state: where everything goes, as far as that is decided.
        included: the new files as they are written, once that is decided.
        keeps_whole: True where a root file may keep services whole that it could share.
    """

    roots: Sequence[RootFile]
    factored: SharedServices
    options: LayoutOptions
    names: Names
    place: Callable[[ComposeFile, str], Placement]
    several: bool = False
    ties: Sequence[Tie] = ()
    state: LayoutState = field(init=False)
    included: IncludedFiles = field(init=False)
    keeps_whole: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Start with no destinations, and with services of its own to keep whole."""
        self.factored = replace(self.factored)
        self.state = LayoutState(self.roots[0].project, self.factored)

    def planned_files(self) -> list[PlannedFile]:
        """Return the root files, the modules and the environment files.

        Raises RefusedError for a path from the user that another module has.
        """
        self._assign_modules()
        for i in range(len(self.factored.files)):
            self.state.environments[i] = self._environment_files(i, _additions_of(self.state, i))
        self.state.place_services()
        place_resources(self.state)
        new_files = place_blocks(self.state, contents(self.state))
        planned_files = [to_planned_file(content) for content in new_files]
        sources = self._paths_of(new_files)
        result = self._included_files(planned_files, sources)
        return [*self._root_files(result), *result.files.values()]

    def _paths_of(self, contents: Iterable[Content]) -> dict[str, MovingPaths]:
        """Return the paths of the file that each new file takes its text from, by its path."""
        paths = {root.file.path: root.paths for root in self.roots}
        return {content.path: paths[content.file.path] for content in contents}

    def _included_files(
        self, planned_files: Iterable[PlannedFile], sources: Mapping[str, MovingPaths]
    ) -> IncludedFiles:
        """Return *planned_files* as they are included; *sources* are the paths in each of them."""
        entries = [entry for i in range(len(self.factored.files)) for entry in self._entries(i)]
        verbatim = self.options.verbatim
        self.included = included_files(
            entries, planned_files, sources.__getitem__, self.roots, self.names, verbatim=verbatim
        )
        return self.included

    def _entries(self, file_index: int) -> list[list[str]]:
        """Return the paths in each include entry of one root file."""
        entries = [[*e.modules, e.path] for e in self.state.environments[file_index]]
        listed = {path for entry in entries for path in entry}
        own = [module.path for indices, module in self.state.modules if file_index in indices]
        return [*entries, *([path] for path in own if path not in listed)]

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
            groups = self._worth_modules(file_indices, self._groups(first, services))
            is_plain = bases <= set(file_indices) and not self.several
            prefix = "" if is_plain else f"{self._environment_name(first)}-"
            self._add_modules(file_indices, groups, prefix)
        for i, services in sorted(self.factored.single.items()):
            alone = bases == {i} and not self.several
            prefix = "" if alone else f"{self._environment_name(i)}-"
            self._add_modules((i,), self._groups(i, services), prefix)
        self.state.modules.sort(key=lambda m: m[1].is_infrastructure)

    def _groups(self, file_index: int, services: list[str]) -> list[ServiceGroup]:
        file = self.factored.files[file_index]
        anchors = self.factored.anchors[file_index]
        own = self.factored.of_file(file_index)
        shared = {n: s.shared_lines(file_index) for n, s in own.items() if s.shared is not None}
        place = partial(self.place, file)
        return service_groups(file, anchors, services, place, self.options, self.ties, shared)

    def _worth_modules(
        self, file_indices: FileIndices, groups: Iterable[ServiceGroup]
    ) -> list[ServiceGroup]:
        """Return those of *groups* that are worth a module; the services of others stay whole.

        Others are those that only some root files share, where a module would have, and save, only
        a few lines: a file of eight lines that two of four environments include is of no use. Nor
        is one with little more than an image, to which each file adds the rest. Fewer lines are
        enough where nothing is left to add.
        """
        every = set(range(len(self.roots))) - self.factored.repeating
        is_forced = self.options.granularity != "auto" or self.roots[0].is_forced
        are_small = all(root.is_small for root in self.roots)
        may_stay_whole = self.keeps_whole and not is_forced and not are_small
        worth = []
        for group in groups:
            members = [
                service
                for service in self.factored.services
                if service.defined_in == file_indices and service.name in group.services
            ]
            lines = sum(service.shared_lines(file_indices[0]) for service in members)
            saved = sum(service.repeated_lines for service in members)
            is_part = any(service.remainder(i) for service in members for i in file_indices)
            is_for_some = {*file_indices} < every
            fewest = FEWEST_LINES_OF_ALIKE if is_part or is_for_some else 0
            fewest = FEWEST_LINES if is_part and is_for_some else fewest
            if may_stay_whole and not group.path and max(lines, saved) < fewest:
                keep_whole(self.factored, members)
            else:
                is_mixed = group.name == SERVICES
                name, why = (SHARED, _WHY_SHARED) if is_mixed else (group.name, group.why)
                worth.append(replace(group, name=name, why=why))
        return worth

    def _add_modules(
        self, file_indices: FileIndices, groups: list[ServiceGroup], prefix: str
    ) -> None:
        """Add the modules for *groups* of services, which all of the files share."""
        self._check_paths(name for group in groups for name in group.services)
        family = self.roots[file_indices[0]].family
        modules = modules_of(groups, self.options, family, self.names, prefix)
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
        return self.options.environments.get(path) or environment_name(self.roots[0].project, path)

    def _environment_files(self, file_index: int, additions: Additions) -> list[EnvironmentFile]:
        """Return the environment files of one root file, which has *additions*."""
        largest = max(len(file.services) for file in self.factored.files)
        group = partial(self._groups, file_index)
        take = partial(self._free_environment_path, file_index)
        return list(environment_files(additions, largest, group, take))

    def _free_environment_path(self, file_index: int, part: str) -> str:
        """Return a free path for an environment file of one root file, or a *part* of one."""
        project = self.roots[0].project
        bases = [root.file.path for root in self.roots if root.file.path in project.root_files]
        are_variants = len(bases) > 1 and not are_environments(project, bases)
        directory = posixpath.join(self.options.into, VARIANTS if are_variants else ENVIRONMENTS)
        family = self.roots[file_index].family
        name = self._environment_name(file_index)
        return self.names.take(directory, family, f"{name}-{part}" if part else name)

    def _root_files(self, new: IncludedFiles) -> Iterator[PlannedFile]:
        """Yield the root files that include any of the *new* files."""
        for i, file in enumerate(self.factored.files):
            directory = posixpath.dirname(file.path)
            entries = self._entries(i)
            merged = [new.entry(paths, directory) for paths in entries if len(paths) > 1]
            single = [path for paths in entries if len(paths) == 1 for path in paths]
            if entries:
                yield self._root_file(i, [*merged, *new.entries(single, directory)])

    def _root_file(self, file_index: int, entries: Iterable[IncludeEntry]) -> PlannedFile:
        """Return one root file with the include list *entries*."""
        file = self.factored.files[file_index]
        anchors, destinations = (
            self.factored.anchors[file_index],
            self.state.destinations[file_index],
        )
        layout = FileLayout(file, anchors, destinations, ())
        services = (file.sections or {})["services"].region
        all_moved = not layout.entries(ROOT, "services")
        titles = tuple(head_comments(file.source, services)) if all_moved else ()
        include = RootInclude(file, tuple(entries), fill=False, titles=titles)
        return Assembler(layout, include).root()


def environment_files(
    additions: Additions,
    largest: int,
    group: Callable[[list[str]], list[ServiceGroup]],
    take: Callable[[str], str],
) -> Iterator[EnvironmentFile]:
    """Yield the environment files of one root file: one, unless that would be a monolith again.

    Then the services that it defines whole have files of their own, in groups.

    Args:
        additions: what the root file adds.
        largest: how many services the largest root file has.
        group: groups services that belong together.
        take: returns a free path for a file with the services of a group, or for all that are left,
            which has no name.
    """
    is_monolith = len(additions.whole) > most_services(largest)
    names = additions.services if is_monolith else (*additions.services, *additions.whole)
    if names:
        yield EnvironmentFile(take(""), names, additions.modules)
    if is_monolith:
        for found in group(list(additions.whole)):
            yield EnvironmentFile(take(found.name), found.services, ())


class Additions(Struct, frozen=True):
    """What one root file has besides the modules.

    Attributes:
        services: the services of modules to which it adds something.
        modules: the paths of these modules.
        whole: the services that it defines whole.
    """

    services: tuple[str, ...]
    modules: tuple[str, ...]
    whole: tuple[str, ...]


def _additions_of(state: LayoutState, file_index: int) -> Additions:
    """Return what one root file adds to its modules, and the services that it alone defines."""
    own = state.factored.of_file(file_index)
    adding = {service.name for service in own.values() if service.remainder(file_index)}
    names: list[str] = []
    modules: list[str] = []
    for file_indices, module in state.modules:
        found = [name for name in module.services if name in adding]
        if file_index in file_indices and found:
            names += found
            modules.append(module.path)
    whole = (service.name for service in own.values() if service.shared is None)
    return Additions(tuple(names), tuple(modules), tuple(whole))


def place_blocks(state: LayoutState, contents: list[Content]) -> list[Content]:
    """Return *contents* with each ``x-`` block in the first new file that needs it.

    Sets the destinations of the blocks in *state*. Only blocks that carry nothing but anchors move,
    and only where no line that stays in the root file needs them and no comment forbids it. A block
    that no new file takes from its own root file is removed too, if another root file has the same
    text and it moved.
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
        pinned = pinned_blocks(file)
        for name in reversed(blocks):
            block: Element = (name, "")
            in_root = [e for e, path in destinations.items() if path == ROOT and e != block]
            carries = anchors.carries_only_anchors((file.sections or {})[name])
            if not carries or block in pinned or block in anchors.needs(in_root):
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
