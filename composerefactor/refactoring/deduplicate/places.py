"""The state of a layout: which part of which base file goes where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merging import meaning, typed
from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import NewText, PlannedFile, Slice
from composerefactor.refactoring.deduplicate.definitions import Definition, Span, nodes_in, unknown
from composerefactor.refactoring.deduplicate.variants import Owners, SharedService, SharedServices
from composerefactor.refactoring.modules.anchors import AnchorIndex, Block, Element
from composerefactor.refactoring.modules.base_file import belongs_to_root, resource_users
from composerefactor.refactoring.modules.grouping import Module
from composerefactor.refactoring.modules.writer import Output
from composerefactor.yaml.comments import Region, comments
from composerefactor.yaml.nodes import Node
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

ROOT = ""


class EnvironmentFile(Struct, frozen=True):
    """An environment file of one base: its *services*, and the *modules* that it adds to.

    All of them stand in one include entry: until v5 a service in two entries is a conflict.
    """

    path: str
    services: tuple[str, ...]
    modules: tuple[str, ...]


class Destinations(Struct):
    """Files are named by their index in ``factored.files``.

    *modules* are new files for what some of them share, or one has alone; *environments* those with
    what each adds; *destinations* gives the path of every part, :data:`ROOT` for what stays.
    """

    project: Project
    factored: SharedServices
    modules: list[tuple[Owners, Module]] = []
    environments: dict[int, list[EnvironmentFile]] = {}
    destinations: dict[int, dict[Element, str]] = {}

    @property
    def files(self) -> list[ComposeFile]:
        """The base files."""
        return self.factored.files

    @property
    def anchors(self) -> list[AnchorIndex]:
        """The anchors of each base file."""
        return self.factored.anchors

    def place_services(self) -> None:
        """Set the homes of all parts: services where they are taken, the rest in the root."""
        for i, file in enumerate(self.files):
            destinations = dict.fromkeys(_holders(file), ROOT)
            for piece in self.environments[i]:
                destinations |= {("services", name): piece.path for name in piece.services}
            for owners, module in self.modules:
                if i in owners:
                    destinations |= {("services", name): module.path for name in module.services}
            self.destinations[i] = destinations


def head(source: Source, region: Region) -> list[str]:
    """Return the comments above the key of *region* and on its line, each from its ``#`` on."""
    return comments(source, region.entry, region.lead, source.next_line(region.key))


def _holders(file: ComposeFile) -> Iterator[Element]:
    for name, section in (file.sections or {}).items():
        if section.entries is None or name.startswith("x-"):
            yield name, ""
        else:
            yield from ((name, key) for key in section.entries)


class ServicePart(Struct, frozen=True):
    """Lines of one service: *spans* below its key; *with_comment* also what stands above it.

    *notes* are comments of other files, each with the offset of the line above which it belongs.
    *stub* is what stands first below the key, in place of what another file says of the service.
    """

    region: Region
    spans: Sequence[Span]
    notes: Sequence[tuple[int, str]] = ()
    with_comment: bool = True
    stub: str = ""


class Content(Struct, frozen=True):
    """What a new file takes from *file*: parts of services, and whole entries of sections.

    *adopts* names ``x-`` blocks that move there, with all comments on them; *titled* the sections
    whose key comes along as it stands, with the comments on it.
    """

    path: str
    file: ComposeFile
    anchors: AnchorIndex
    services: Sequence[ServicePart]
    entries: Sequence[Element] = ()
    adopts: tuple[str, ...] = ()
    titled: frozenset[str] = frozenset()


def write(content: Content) -> PlannedFile:
    """Return the draft of *content*: anchors that it needs, services, then other sections."""
    file, source = content.file, content.file.source
    out = Output(source)
    sections = file.sections or {}
    adopted = {sections[name].region.lead for name in content.adopts}
    for block in _copies(content):
        if block.wrapper or not source.text[block.start].isspace():
            out.separate()
        if block.wrapper:
            out.add(NewText(f"{block.wrapper}:{source.newline}"))
        out.add(Slice(source, block.start, block.end, copy=block.start not in adopted))
    if content.services:
        out.separate()
        _section_key(out, file, "services")
        for i, part in enumerate(content.services):
            if i:
                out.separate()
            _service(out, part)
    for section, names in _by_section(content.entries).items():
        out.separate()
        region = sections[section].region
        if section in content.titled:
            out.verbatim(region.lead, source.next_line(region.key))
        else:
            _section_key(out, file, section)
        entries = file.regions_in(section)
        for name in names:
            out.verbatim(entries[name].lead, entries[name].end)
    out.end_line()
    return PlannedFile(content.path, tuple(out.pieces))


def _service(out: Output, part: ServicePart) -> None:
    source, region = out.source, part.region
    _notes(out, [c for at, c in part.notes if at <= region.lead], region.lead)
    start = region.lead if part.with_comment else region.key
    if part.with_comment or not part.stub:
        out.verbatim(start, source.next_line(region.key))
    else:
        out.end_line()
        out.add(NewText(f"{source.text[region.key : region.entry.key.end]}:{source.newline}"))
    out.add(NewText(part.stub))
    inner = [(at, c) for at, c in part.notes if at > region.lead]
    for begin, end in part.spans:
        _notes(out, [c for at, c in inner if at == begin], begin)
        out.verbatim(begin, end)


def _notes(out: Output, found: Sequence[str], at: int) -> None:
    """Write comments at the indentation of the line at *at*."""
    if not found:
        return
    line = out.source.line(at)
    indent = line[: len(line) - len(line.lstrip())]
    for comment in found:
        out.end_line()
        out.add(NewText(f"{indent}{comment}{out.source.newline}"))


def _section_key(out: Output, file: ComposeFile, section: str) -> None:
    key = (file.sections or {})[section].region.entry.key
    out.add(NewText(f"{out.source.text[key.outer_start : key.end]}:{out.source.newline}"))


def _by_section(entries: Iterable[Element]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for section, name in entries:
        found.setdefault(section, []).append(name)
    return found


def _copies(content: Content) -> list[Block]:
    """Return the blocks that the taken lines need from elsewhere in their file."""
    roots = list(taken_nodes(content))
    sections = content.file.sections or {}
    taken = {name for name in sections if name.startswith("x-")}
    adopted = [sections[name].region for name in content.adopts]
    found = [Block(region.lead, region.end) for region in adopted]
    for element, targets in content.anchors.needs_of(roots).items():
        if element[0] not in content.adopts:
            found += content.anchors.blocks(element, targets, taken)
    return sorted(found, key=lambda b: (b.start, -b.end))


def taken_nodes(content: Content) -> Iterable[Node]:
    """Yield the nodes in the taken lines: aliases and anchors count, whatever is around them."""
    for part in content.services:
        yield from nodes_in(
            Definition(content.file.source, part.region), part.spans, content.anchors
        )
    sections = content.file.sections or {}
    for section, name in content.entries:
        yield content.file.regions_in(section)[name].entry.value
    for name in content.adopts:
        yield sections[name].region.entry.value


def contents(places: Destinations) -> list[Content]:
    """Return the contents of the modules, then those of the environment files."""
    return _titled(places, [*_modules(places), *_environments(places)])


def _modules(places: Destinations) -> Iterator[Content]:
    variants = {(v.owners, v.name): v for v in places.factored.variants}
    resources = _resources_by_path(places)
    for owners, module in places.modules:
        file = places.files[owners[0]]
        entries = file.regions_in("services")
        parts = []
        for name in module.services:
            found = variants.get((owners, name))
            if found is None or found.shared is None:
                parts.append(_whole(file.source, entries[name]))
            else:
                notes = [*found.shared.notes, *_head_notes(found)]
                parts.append(ServicePart(entries[name], found.shared.common, notes))
        parts.sort(key=lambda part: part.region.key)  # anchors before their aliases
        own = resources.get((owners[0], module.path), [])
        yield Content(module.path, file, places.anchors[owners[0]], parts, own)


def _resources_by_path(places: Destinations) -> dict[tuple[int, str], list[Element]]:
    """Return the resources of each file by the path that they move to."""
    found: dict[tuple[int, str], list[Element]] = {}
    for i, destinations in places.destinations.items():
        for element, home in destinations.items():
            if element[0] in RESOURCE_SECTIONS:
                found.setdefault((i, home), []).append(element)
    return found


def _environments(places: Destinations) -> Iterator[Content]:
    for i, file in enumerate(places.files):
        own = {v.name: v for v in places.factored.variants if i in v.owners}
        for piece in places.environments[i]:
            parts = [_added(own[name], i) for name in piece.services]
            parts.sort(key=lambda part: part.region.key)  # anchors before their aliases
            yield Content(piece.path, file, places.anchors[i], parts)


def _added(found: SharedService, owner: int) -> ServicePart:
    """Return what *owner* adds to a service; comments above it only where they are its own."""
    d, first = found.definition(owner), found.definitions[0]
    if found.shared is None:
        return _whole(d.source, d.region)
    known = head(first.source, first.region)
    differs = any(comment not in known for comment in head(d.source, d.region))
    return ServicePart(d.region, found.rest(owner), (), differs)


def _whole(source: Source, region: Region) -> ServicePart:
    return ServicePart(region, [(source.next_line(region.key), region.end)])


def _head_notes(found: SharedService) -> Iterator[tuple[int, str]]:
    """Yield comments above the service in files that add nothing to it."""
    first = found.definitions[0]
    known = head(first.source, first.region)
    for owner in found.owners[1:]:
        d = found.definition(owner)
        if not found.rest(owner):
            for comment in unknown(d.source, d.region, d.source.next_line(d.region.key), known):
                known.append(comment)
                yield first.region.lead, comment


def _titled(places: Destinations, found: list[Content]) -> list[Content]:
    """Return *found* with the comments on sections of which nothing stays in their file."""
    done: set[Element] = set()
    result = []
    for content in found:
        destinations = places.destinations[places.files.index(content.file)]
        titled = set()
        for section in dict.fromkeys(section for section, _ in content.entries):
            region = (content.file.sections or {})[section].region
            known = (content.file.path, section)
            if known in done or not head(content.file.source, region):
                continue
            if all(h != ROOT for (s, _), h in destinations.items() if s == section):
                done.add(known)
                titled.add(section)
        result.append(replace(content, titled=frozenset(titled)))
    return result


Users = Mapping[int, Mapping[Element, set[str]]]


def place_resources(places: Destinations) -> None:
    """Set the homes of the resources; services have theirs."""
    users: Users = {
        i: resource_users(
            places.project,
            file,
            {n: h for (s, n), h in places.destinations[i].items() if s == "services"},
        )
        for i, file in enumerate(places.files)
    }
    modules = {(i, module.path): owners for owners, module in places.modules for i in owners}
    for i, file in enumerate(places.files):
        for section in RESOURCE_SECTIONS:
            for name in file.entries(section):
                (path, *others) = users[i].get((section, name), {ROOT})
                owners = modules.get((i, path), ())
                if others or not owners or owners[0] != i:
                    continue
                if _moves_along(places, (section, name), owners, path, users):
                    for owner in owners:
                        places.destinations[owner][section, name] = path


def _moves_along(
    places: Destinations, element: Element, owners: Owners, path: str, users: Users
) -> bool:
    """Return whether a resource is the same for all *owners*, and the module's alone."""
    section, name = element
    texts = set()
    for owner in owners:
        file = places.files[owner]
        if places.destinations[owner].get(element) != ROOT or users[owner].get(element) != {path}:
            return False
        value = (file.sections or {})[section].value
        if belongs_to_root(section, name, value):
            return False
        region = file.regions_in(section)[name]
        remarks = comments(file.source, region.entry, region.lead, region.end)
        found = to_python(region.entry.value, file.source)
        texts.add((repr(meaning(found, ())), repr(typed(found, ())), tuple(remarks)))
        if owner != owners[0] and _is_emptied(places, owner, section):
            return False
    return len(texts) == 1


def _is_emptied(places: Destinations, owner: int, section: str) -> bool:
    """Return whether a commented section would lose its last entry to another file's text."""
    file = places.files[owner]
    part = (file.sections or {})[section]
    if not head(file.source, part.region):
        return False
    left = [n for n in part.entries or {} if places.destinations[owner][section, n] == ROOT]
    return len(left) <= 1
