"""Which element of which root file goes to which new file, and the text of the new files.

:class:`LayoutState` records the destination of every element. :func:`contents` derives from it what
each module and each environment file takes from its source file, and :func:`to_planned_file` writes
that: anchors first, then services, then networks, volumes, secrets and configs.
:func:`place_resources` decides which of the latter move along with a module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.short_forms import canonical_value, non_text_values
from composerefactor.edit.planned_files import NewText, PlannedFile
from composerefactor.images.environments import kind_of
from composerefactor.refactoring.deduplicate.definitions import (
    SourceDefinition,
    Span,
    new_comments,
    nodes_in,
)
from composerefactor.refactoring.deduplicate.variants import (
    FileIndices,
    SharedService,
    SharedServices,
)
from composerefactor.refactoring.modules.anchors import AnchorIndex, Block, Element
from composerefactor.refactoring.modules.naming import Module
from composerefactor.refactoring.modules.root_file import must_stay_in_root, resource_users
from composerefactor.refactoring.modules.writer import Output
from composerefactor.yaml.comments import Region, comments_in
from composerefactor.yaml.nodes import Node
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

ROOT = ""
"""The destination of what stays in its root file."""


class EnvironmentFile(Struct, frozen=True):
    """A new file with what one root file adds to shared services.

    Attributes:
        path: its path.
        services: the services that it configures.
        modules: the modules to whose services it adds. They are in one include entry with it, since
            a service in two entries is a conflict before v5.
    """

    path: str
    services: tuple[str, ...]
    modules: tuple[str, ...]


class LayoutState(Struct):
    """Where everything goes, as far as that is decided. Files are indices in ``factored.files``.

    Attributes:
        project: the project.
        factored: the services of the root files, and what they share.
        modules: the modules, each with the files that use it.
        environments: the environment files of each file.
        destinations: the new path of each element of each file, :data:`ROOT` for one that stays.
    """

    project: Project
    factored: SharedServices
    modules: list[tuple[FileIndices, Module]] = []
    environments: dict[int, list[EnvironmentFile]] = {}
    destinations: dict[int, dict[Element, str]] = {}

    @property
    def files(self) -> list[ComposeFile]:
        """The root files."""
        return self.factored.files

    @property
    def anchors(self) -> list[AnchorIndex]:
        """The anchors of each root file."""
        return self.factored.anchors

    def place_services(self) -> None:
        """Set the destinations: services by module or environment file, all else in the root."""
        for i, file in enumerate(self.files):
            destinations = dict.fromkeys(_elements(file), ROOT)
            for environment in self.environments[i]:
                paths = dict.fromkeys(environment.services, environment.path)
                destinations |= {("services", name): path for name, path in paths.items()}
            for file_indices, module in self.modules:
                if i in file_indices:
                    destinations |= {("services", name): module.path for name in module.services}
            self.destinations[i] = destinations


def _elements(file: ComposeFile) -> Iterator[Element]:
    """Yield everything in *file* that has a destination of its own."""
    for name, section in (file.sections or {}).items():
        if section.entries is None or name.startswith("x-"):
            yield name, ""
        else:
            yield from ((name, key) for key in section.entries)


class ServiceLines(Struct, frozen=True):
    """Lines of one service that a new file takes.

    Attributes:
        region: the whole service in its source file.
        spans: the lines below its key that are taken.
        added_comments: comments of other files, each with the offset of the line above which it is
            written.
        with_comment: True where the comments above the key are taken too.
        stub: lines to write first below the key: what makes the service extend another one.
    """

    region: Region
    spans: Sequence[Span]
    added_comments: Sequence[tuple[int, str]] = ()
    with_comment: bool = True
    stub: str = ""


class Content(Struct, frozen=True):
    """What a new file takes from *file*.

    Attributes:
        path: the path of the new file.
        file: the file that the text comes from.
        anchors: the anchors of that file.
        services: the lines of services.
        entries: entries of other sections, each as a whole.
        adopted_blocks: the ``x-`` blocks that move here as a whole, with all their comments.
        sections_with_comments: the sections whose key line is taken as it is, with its comments.
    """

    path: str
    file: ComposeFile
    anchors: AnchorIndex
    services: Sequence[ServiceLines]
    entries: Sequence[Element] = ()
    adopted_blocks: tuple[str, ...] = ()
    sections_with_comments: frozenset[str] = frozenset()


def contents(state: LayoutState) -> list[Content]:
    """Return what the modules take, then what the environment files take."""
    found = [*_module_contents(state), *_environment_contents(state)]
    return _with_section_comments(state, found)


def _module_contents(state: LayoutState) -> Iterator[Content]:
    by_files_and_name = {(s.defined_in, s.name): s for s in state.factored.services}
    resources = _resources_by_path(state)
    for file_indices, module in state.modules:
        first = file_indices[0]
        file = state.files[first]
        regions = file.regions_in("services")
        services = []
        for name in module.services:
            service = by_files_and_name.get((file_indices, name))
            if service is None or service.shared is None:
                services.append(_whole_service(file.source, regions[name]))
            else:
                added = [*service.shared.added_lines, *_head_comments_of_others(service)]
                with_comment = not _names_environment(service)
                services.append(
                    ServiceLines(regions[name], service.shared.common, added, with_comment)
                )
        services.sort(key=lambda lines: lines.region.key)  # anchors before their aliases
        own = resources.get((first, module.path), [])
        yield Content(module.path, file, state.anchors[first], services, own)


def _environment_contents(state: LayoutState) -> Iterator[Content]:
    for i, file in enumerate(state.files):
        own = state.factored.of_file(i)
        for environment in state.environments[i]:
            services = [_lines_added_by(own[name], i) for name in environment.services]
            services.sort(key=lambda lines: lines.region.key)  # anchors before their aliases
            yield Content(environment.path, file, state.anchors[i], services)


def _lines_added_by(service: SharedService, file_index: int) -> ServiceLines:
    """Return what one file adds to *service*, with the comments above it where they differ."""
    definition, first = service.definition(file_index), service.definitions[0]
    if service.shared is None:
        return _whole_service(definition.source, definition.region)
    known = head_comments(first.source, first.region)
    own = head_comments(definition.source, definition.region)
    differs = any(comment not in known for comment in own)
    is_own = definition is first and _names_environment(service)
    return ServiceLines(definition.region, service.remainder(file_index), (), differs or is_own)


def _names_environment(service: SharedService) -> bool:
    """Return whether the line above the first definition of *service* is about its own file.

    It has a word such as ``development``, the other definitions have another comment, and the file
    of the first one adds something to the service, so that the comment has a place there.
    """
    first, *others = service.definitions
    own = head_comments(first.source, first.region)
    if len(own) != 1 or not service.remainder(service.defined_in[0]):
        return False
    is_shared = any(own == head_comments(d.source, d.region) for d in others)
    return not is_shared and any(map(kind_of, re.findall(r"[a-z0-9]+", own[0].lower())))


def _whole_service(source: Source, region: Region) -> ServiceLines:
    return ServiceLines(region, [(source.next_line(region.key), region.end)])


def _head_comments_of_others(service: SharedService) -> Iterator[tuple[int, str]]:
    """Yield new comments above the definitions of files that add nothing to *service*."""
    first = service.definitions[0]
    known = head_comments(first.source, first.region)
    for i in service.defined_in[1:]:
        d = service.definition(i)
        if not service.remainder(i):
            for comment in new_comments(
                d.source, d.region, d.source.next_line(d.region.key), known
            ):
                known.append(comment)
                yield first.region.lead, comment


def _resources_by_path(state: LayoutState) -> dict[tuple[int, str], list[Element]]:
    """Return the resources of each file by the path to which they move."""
    resources: dict[tuple[int, str], list[Element]] = {}
    for i, destinations in state.destinations.items():
        for element, destination in destinations.items():
            if element[0] in RESOURCE_SECTIONS:
                resources.setdefault((i, destination), []).append(element)
    return resources


def _with_section_comments(state: LayoutState, found: list[Content]) -> list[Content]:
    """Return *found* with the comments on the keys of sections that leave their file completely."""
    done: set[Element] = set()
    result = []
    for content in found:
        destinations = state.destinations[state.files.index(content.file)]
        with_comments = set()
        for section in dict.fromkeys(section for section, _ in content.entries):
            region = (content.file.sections or {})[section].region
            known = (content.file.path, section)
            if known in done or not head_comments(content.file.source, region):
                continue
            if all(path != ROOT for (s, _), path in destinations.items() if s == section):
                done.add(known)
                with_comments.add(section)
        result.append(replace(content, sections_with_comments=frozenset(with_comments)))
    return result


def head_comments(source: Source, region: Region) -> list[str]:
    """Return the comments above the key of *region* and on its line, each from its ``#`` on."""
    return comments_in(source, region.entry, region.lead, source.next_line(region.key))


def to_planned_file(content: Content) -> PlannedFile:
    """Return the file that *content* describes: anchors that it needs, services, other sections."""
    file, source = content.file, content.file.source
    out = Output(source)
    sections = file.sections or {}
    adopted = {sections[name].region.lead for name in content.adopted_blocks}
    for block in _anchor_blocks(content):
        out.block(block, copy=block.start not in adopted)
    if content.services:
        out.separate()
        _write_section_key(out, file, "services")
        for i, lines in enumerate(content.services):
            if i:
                out.separate()
            _write_service(out, lines)
    for section, names in _by_section(content.entries).items():
        out.separate()
        region = sections[section].region
        if section in content.sections_with_comments:
            out.verbatim(region.lead, source.next_line(region.key))
        else:
            _write_section_key(out, file, section)
        entries = file.regions_in(section)
        for name in names:
            out.verbatim(entries[name].lead, entries[name].end)
    out.end_line()
    return PlannedFile(content.path, tuple(out.pieces))


def _write_service(out: Output, lines: ServiceLines) -> None:
    source, region = out.source, lines.region
    above = [comment for at, comment in lines.added_comments if at <= region.lead]
    _write_comments(out, above, region.lead)
    start = region.lead if lines.with_comment else region.key
    if lines.with_comment or not lines.stub:
        out.verbatim(start, source.next_line(region.key))
    else:
        out.end_line()
        out.add(NewText(f"{source.text[region.key : region.entry.key.end]}:{source.newline}"))
    out.add(NewText(lines.stub))
    inside = [(at, comment) for at, comment in lines.added_comments if at > region.lead]
    for begin, end in lines.spans:
        _write_comments(out, [comment for at, comment in inside if at == begin], begin)
        out.verbatim(begin, end)
    below = [comment for at, comment in inside if at >= region.end]
    if below:
        out.separate()
        _write_comments(out, below, region.key)


def _write_comments(out: Output, comments: Sequence[str], at: int) -> None:
    """Write *comments* with the indentation of the line at offset *at*."""
    if not comments:
        return
    line = out.source.line(at)
    indent = line[: len(line) - len(line.lstrip())]
    for comment in comments:
        out.end_line()
        out.add(NewText(f"{indent}{comment}{out.source.newline}"))


def _write_section_key(out: Output, file: ComposeFile, section: str) -> None:
    key = (file.sections or {})[section].region.entry.key
    out.add(NewText(f"{out.source.text[key.outer_start : key.end]}:{out.source.newline}"))


def _by_section(entries: Iterable[Element]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for section, name in entries:
        names.setdefault(section, []).append(name)
    return names


def _anchor_blocks(content: Content) -> list[Block]:
    """Return the blocks with the anchors that the taken lines need, in the order of the text."""
    sections = content.file.sections or {}
    used_keys = {name for name in sections if name.startswith("x-")}
    adopted = [sections[name].region for name in content.adopted_blocks]
    needs = content.anchors.needs_of(list(taken_nodes(content)))
    copied = {e: targets for e, targets in needs.items() if e[0] not in content.adopted_blocks}
    blocks = content.anchors.blocks_of(copied, used_keys)
    blocks += [Block(region.lead, region.end) for region in adopted]
    return sorted(blocks, key=lambda b: (b.start, -b.end))


def taken_nodes(content: Content) -> Iterable[Node]:
    """Yield the nodes in the lines that *content* takes; of services, aliases and anchors only."""
    for lines in content.services:
        definition = SourceDefinition(content.file.source, lines.region)
        yield from nodes_in(definition, lines.spans, content.anchors)
    sections = content.file.sections or {}
    for section, name in content.entries:
        yield content.file.regions_in(section)[name].entry.value
    for name in content.adopted_blocks:
        yield sections[name].region.entry.value


ResourceUsers = Mapping[int, Mapping[Element, set[str]]]
"""For each file, the destinations whose services use each resource."""


def place_resources(state: LayoutState) -> None:
    """Set the destinations of networks, volumes, secrets and configs in *state*.

    The destinations of services must be set. A resource moves to a module that is its only user and
    takes its text from the same file.
    """
    users: ResourceUsers = {
        i: resource_users(
            state.project,
            file,
            {name: path for (s, name), path in state.destinations[i].items() if s == "services"},
        )
        for i, file in enumerate(state.files)
    }
    files_of = {(i, module.path): indices for indices, module in state.modules for i in indices}
    for i, file in enumerate(state.files):
        for section in RESOURCE_SECTIONS:
            for name in file.entries(section):
                (path, *others) = users[i].get((section, name), {ROOT})
                file_indices = files_of.get((i, path), ())
                if others or not file_indices or file_indices[0] != i:
                    continue
                if _moves_along(state, (section, name), file_indices, path, users):
                    for file_index in file_indices:
                        state.destinations[file_index][section, name] = path


def _moves_along(
    state: LayoutState, element: Element, file_indices: FileIndices, path: str, users: ResourceUsers
) -> bool:
    """Return whether the resource *element* can move to the module *path* of some files.

    It is the same in all of them, comments included, and the module is its only user.
    """
    section, name = element
    texts = set()
    for i in file_indices:
        file = state.files[i]
        if state.destinations[i].get(element) != ROOT or users[i].get(element) != {path}:
            return False
        if must_stay_in_root(section, name, (file.sections or {})[section].value):
            return False
        region = file.regions_in(section)[name]
        comments = comments_in(file.source, region.entry, region.lead, region.end)
        value = to_python(region.entry.value, file.source)
        canonical, types = canonical_value(value, ()), non_text_values(value, ())
        texts.add((repr(canonical), repr(types), tuple(comments)))
        if i != file_indices[0] and _is_emptied(state, i, section):
            return False
    return len(texts) == 1


def _is_emptied(state: LayoutState, file_index: int, section: str) -> bool:
    """Return whether a section with comments on its key would lose its last entry.

    The text of the module comes from another file, so these comments would be lost.
    """
    file = state.files[file_index]
    found = (file.sections or {})[section]
    if not head_comments(file.source, found.region):
        return False
    destinations = state.destinations[file_index]
    left = [name for name in found.entries or {} if destinations[section, name] == ROOT]
    return len(left) <= 1
