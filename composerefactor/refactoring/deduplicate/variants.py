"""Which root files share which service: a shared part in a module, and what each file adds to it.

A service that several root files define is split where that saves text. What its definitions share
goes to a module; the remainder of each goes to the environment file of its root file. A service
whose definitions have too little in common stays whole in each environment file.

:func:`factor` decides this for all services of a group of root files. :func:`clusters` decides for
one service which of its definitions share. :func:`worth_sharing` decides for some definitions
whether sharing saves text. Services that depend on each other in one file, by ``extends`` or by
anchors, are shared together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import Path
from composerefactor.compose.dependencies import unions
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.references import extends_target
from composerefactor.compose.short_forms import canonical_value, non_text_values
from composerefactor.errors import InputError
from composerefactor.refactoring.deduplicate.definitions import (
    SharedDefinition,
    SourceDefinition,
    Span,
    all_same,
    body_spans,
    children_of,
    nodes_in,
    same,
)
from composerefactor.refactoring.deduplicate.share import merge_key_values, share
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.refactoring.modules.naming import environment_name
from composerefactor.yaml.comments import comments_in
from composerefactor.yaml.nodes import Node
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import merged_entries, to_python

ENOUGH_OF_ENVIRONMENTS, ENOUGH_OF_VARIANTS = 1 / 3, 1 / 2
"""The least part of the smallest definition that the definitions of a service have to share.

What variants have in common is often a coincidence, and services in two files are hard to read.
"""

FileIndices = tuple[int, ...]
"""Indices in :attr:`SharedServices.files` of the files that define a service."""


class SharedService(Struct, frozen=True):
    """A service that several root files define.

    Attributes:
        name: the name of the service.
        defined_in: the indices of those files in :attr:`SharedServices.files`.
        definitions: the definition in each of them, in the same order.
        shared: what the definitions share; None where each file keeps its own definition whole.
    """

    name: str
    defined_in: FileIndices
    definitions: tuple[SourceDefinition, ...]
    shared: SharedDefinition | None

    def definition(self, file_index: int) -> SourceDefinition:
        """Return the definition in one file."""
        return self.definitions[self.defined_in.index(file_index)]

    def remainder(self, file_index: int) -> list[Span]:
        """Return the lines that one file adds to the shared part."""
        return self.shared.remainders[self.defined_in.index(file_index)] if self.shared else []

    def shared_lines(self, file_index: int) -> int:
        """Return how many lines of the definition in one file are in the shared part."""
        if self.shared is None:
            return 0
        definition = self.definition(file_index)
        lines = _line_count(definition.source, body_spans(definition))
        return lines - _line_count(definition.source, self.remainder(file_index))

    @property
    def repeated_lines(self) -> int:
        """How many lines of the definitions are written once instead of several times."""
        if self.shared is None:
            return 0
        bodies = sum(_line_count(d.source, body_spans(d)) for d in self.definitions)
        pairs = zip(self.definitions, self.shared.remainders, strict=True)
        own = sum(_line_count(d.source, remainder) for d, remainder in pairs)
        added = sum(len(lines.splitlines()) for _, lines in self.shared.added_lines)
        common = _line_count(self.definitions[0].source, self.shared.common) + added
        return max(bodies - own - common, 0)


class SharedServices(Struct):
    """All services of a group of root files. Other classes refer to the files by their index here.

    Attributes:
        files: the files of the group.
        anchors: the anchors of each file.
        services: the services that several files define. One service is here more than once where
            some of its definitions share and others do not.
        single: the names of the services that only one file defines, by its index.
        repeating: the indices of files that are merged over another one. They only take part in
            sharing what the root files define.
    """

    files: list[ComposeFile]
    anchors: list[AnchorIndex]
    services: list[SharedService] = []
    single: dict[int, list[str]] = {}
    repeating: AbstractSet[int] = frozenset()

    def of_file(self, file_index: int) -> dict[str, SharedService]:
        """Return the shared services that one file defines, by name."""
        return {each.name: each for each in self.services if file_index in each.defined_in}


def factor(
    files: Sequence[ComposeFile],
    anchors: Sequence[AnchorIndex],
    movable: Mapping[int, Sequence[str]],
    repeating: AbstractSet[int] = frozenset(),
    *,
    least: float = ENOUGH_OF_ENVIRONMENTS,
) -> SharedServices:
    """Return what the services of *files* share, where that saves text.

    Args:
        files: the files.
        anchors: the anchors of each.
        movable: the names of the services that may leave each file.
        repeating: the files whose services take part where they are copies of what a root file
            defines; otherwise they are in no result.
        least: the part of the smallest definition of a service that all have to share.
    """
    files_of: dict[str, list[int]] = {}
    for i, names in movable.items():
        for name in names:
            files_of.setdefault(name, []).append(i)
    result = SharedServices(list(files), list(anchors), repeating=repeating)
    bases = {name: [i for i in of if i not in repeating] for name, of in files_of.items()}
    bases = {name: of for name, of in bases.items() if of}
    several = {name for name, of in bases.items() if len(of) > 1}
    chains = extends_chains(files, {i: names for i, names in movable.items() if i not in repeating})
    for name, of in bases.items():
        chain = next((c for c in chains if name in c), {name})
        found: list[Cluster]
        if len(chain) > 1 and chain & several:
            found = [(tuple(of), worth_sharing([definition_of(files[i], name) for i in of], least))]
        else:
            copies = [i for i in files_of[name] if i in repeating and len(chain) == 1]
            definitions = {i: definition_of(files[i], name) for i in [*of, *copies]}
            found = _service_clusters(definitions, copies, least)
            if found == [((of[0],), None)]:
                result.single.setdefault(of[0], []).append(name)
                continue
        for members, shared in found:
            own = tuple(definition_of(files[i], name) for i in members)
            result.services.append(SharedService(name, members, own, shared))
    for chain in chains:
        keep_chain(result, chain)
    for tied in _services_tied_by_anchors(result):
        if _copied_anchors_length(result, tied) >= sum(_saved_by(service) for service in tied):
            keep_whole(result, tied)
    return result


def _service_clusters(
    definitions: Mapping[int, SourceDefinition], copies: Sequence[int], least: float
) -> list[Cluster]:
    """Return the clusters of the *definitions* of one service, by index of the file.

    The files *copies* only join clusters of the others.
    """
    of = [i for i in definitions if i not in copies]
    result: list[Cluster] = [(tuple(of), None)]
    if len(of) > 1:
        found = clusters([definitions[i] for i in of], least)
        result = [(tuple(of[n] for n in members), shared) for members, shared in found]
    for copy in copies:
        result = with_copy(definitions, result, copy, least)
    return result


def keep_chain(found: SharedServices, chain: set[str]) -> None:
    """Make the services of *chain* whole in each file, unless all parents are shared as a whole.

    ``extends`` without a file finds only services of the same file (Compose specification). So a
    service that extends another can only be in the module of its parent, and no file may add
    anything to the parent.
    """
    members = [service for service in found.services if service.name in chain]
    parents = {
        parent[1]
        for service in members
        for i in service.defined_in
        if (parent := extends_target(found.files[i].services[service.name])) and parent[0] is None
    }
    apart = len({service.defined_in for service in members}) > 1 or len(members) < len(chain)
    if apart or any(
        service.shared is None or (service.name in parents and any(service.shared.remainders))
        for service in members
    ):
        keep_whole(found, members)


def keep_whole(found: SharedServices, members: Sequence[SharedService]) -> None:
    """Make *members* of *found* services that each file keeps whole."""
    found.services = [replace(v, shared=None) if v in members else v for v in found.services]


def _services_tied_by_anchors(found: SharedServices) -> list[list[SharedService]]:
    """Return the groups of services in which one has an alias to an anchor of another."""
    links = [{*link} for anchors in found.anchors for link in anchors.shared_services()]
    groups = unions(links)
    members = [[s for s in found.services if s.name in group] for group in groups]
    return [group for group in members if any(s.shared is not None for s in group)]


def _saved_by(service: SharedService) -> int:
    """Return how many characters sharing *service* saves."""
    return saved_characters(service.definitions, service.shared) if service.shared else 0


def _copied_anchors_length(found: SharedServices, group: Sequence[SharedService]) -> int:
    """Return the length of the anchors that are copied when *group* is shared.

    An anchor is known only in its own file. What the same files share is in one module; what one
    file adds is in one environment file.
    """
    nodes_by_file: dict[tuple[FileIndices, bool], list[Node]] = {}
    for service in group:
        if service.shared is not None:
            anchors = found.anchors[service.defined_in[0]]
            common = nodes_in(service.definitions[0], service.shared.common, anchors)
            nodes_by_file.setdefault((service.defined_in, True), []).extend(common)
        for i in service.defined_in:
            definition = service.definition(i)
            own = service.remainder(i) if service.shared else body_spans(definition)
            nodes = nodes_in(definition, own, found.anchors[i])
            nodes_by_file.setdefault(((i,), False), []).extend(nodes)
    total = 0
    for (file_indices, _), needing in nodes_by_file.items():
        anchors = found.anchors[file_indices[0]]
        for element, targets in anchors.needs_of(needing).items():
            if element[0] == "services":
                spans = [(b.start, b.end) for b in anchors.blocks(element, targets, set())]
                total += text_length(anchors.file.source, spans)
    return total


def extends_chains(
    files: Sequence[ComposeFile], movable: Mapping[int, Sequence[str]]
) -> list[set[str]]:
    """Return the sets of services that extend each other within one file, in any of *files*.

    *movable* has the names of the services to look at, by index of the file.
    """
    links = []
    for i, names in movable.items():
        for name in names:
            parent = extends_target(files[i].services[name])
            if parent and parent[0] is None and parent[1]:
                links.append({name, parent[1]})
    return unions(links)


Cluster = tuple[tuple[int, ...], SharedDefinition | None]
"""The indices of some definitions, and what these share; None for those that stay whole."""


def clusters(definitions: Sequence[SourceDefinition], least: float) -> list[Cluster]:
    """Group *definitions* of one service by what they share.

    All of them share where that leaves less text than before. Otherwise each definition joins the
    first ones with which sharing saves text. The last cluster has those that stay whole.
    """
    everyone = tuple(range(len(definitions)))
    shared = worth_sharing(definitions, least)
    if shared is not None:
        return [(everyone, shared)]
    result: list[Cluster] = []
    if len(definitions) > 2:  # noqa: PLR2004 - two have been tried
        result = _greedy_clusters(definitions, least)
    alone = tuple(i for i in everyone if not any(i in members for members, _ in result))
    return [*result, (alone, None)] if alone else result


def _greedy_clusters(definitions: Sequence[SourceDefinition], least: float) -> list[Cluster]:
    """Return clusters in which each definition joins the first ones with which sharing saves."""
    result: list[tuple[tuple[int, ...], SharedDefinition]] = []
    left = list(range(len(definitions)))
    while left:
        members: tuple[int, ...] = (left.pop(0),)
        shared = None
        for i in list(left):
            more = worth_sharing([definitions[n] for n in (*members, i)], least)
            if more is not None:
                members, shared = (*members, i), more
                left.remove(i)
        if shared is not None:
            result.append((members, shared))
    return list(result)


def with_copy(
    definitions: Mapping[int, SourceDefinition],
    found: Sequence[Cluster],
    copy: int,
    least: float,
) -> list[Cluster]:
    """Return the clusters *found* with *copy* in the first one of which it repeats most.

    That is one in which no less than half of the shared text stays shared, and to which *copy* adds
    less text than it shares. *copy* is a key of *definitions*, as the members of the clusters are.
    """
    for n, (members, shared) in enumerate(found):
        if shared is None and len(members) > 1:
            continue
        with_it = [definitions[i] for i in (*members, copy)]
        more = worth_sharing(with_it, least)
        if more is None:
            continue
        source = with_it[0].source
        common = shared_length(with_it, more)
        body = text_length(source, body_spans(with_it[0]))
        before = shared_length(with_it, shared) if shared else body
        added = text_length(with_it[-1].source, more.remainders[-1])
        if 2 * common >= before and added <= common:
            return [*found[:n], ((*members, copy), more), *found[n + 1 :]]
    return list(found)


def worth_sharing(definitions: Sequence[SourceDefinition], least: float) -> SharedDefinition | None:
    """Return what *definitions* share, or None where sharing it saves no text or is no base.

    Only the lines of the service count. Its key is written once more in each file that adds
    something, and so is the key of each attribute that is shared in part. Paths in include lists do
    not count: nobody has to keep them equal by hand.
    """
    shared = share(definitions) or _whole_if_equal(definitions)
    if shared is None or not _is_base(definitions, shared, least):
        return None
    return shared if saved_characters(definitions, shared) > 0 else None


def _is_base(
    definitions: Sequence[SourceDefinition], shared: SharedDefinition, least: float
) -> bool:
    """Return whether what is *shared* says what the service is, as the base of all *definitions*.

    That is everything, or what runs (``image``, ``build``, or the service that it extends) and at
    *least* a part of the smallest definition. A base of ``restart: unless-stopped`` is of no use.
    """
    if not any(shared.remainders):
        return True
    smallest = min(text_length(d.source, body_spans(d)) for d in definitions)
    is_enough = shared_length(definitions, shared) >= least * smallest
    return is_enough and _runs(definitions[0], shared)


def _runs(first: SourceDefinition, shared: SharedDefinition) -> bool:
    """Return whether a key with what runs is in *shared*, maybe by a merge key."""
    keys = children_of(first.source, first.region) or {}
    starts = {start for start, _ in shared.common}
    written = {name for name, r in keys.items() if starts & {r.lead, r.key}}
    if "<<" in written:
        written |= merge_key_values(first, keys["<<"]).keys()
    return not written.isdisjoint({"image", "build", "extends"})


def _whole_if_equal(definitions: Sequence[SourceDefinition]) -> SharedDefinition | None:
    """Return the whole first definition as shared where all mean the same, otherwise None."""
    written = [to_python(d.region.entry.value, d.source) for d in definitions]
    first = definitions[0]
    alike = all_same([canonical_value(value, ()) for value in written])
    if not alike or not all_same([non_text_values(value, ()) for value in written]):
        return None
    start = first.source.next_line(first.region.key)
    result = SharedDefinition([(start, first.region.end)], [[] for _ in definitions])
    known = comments_in(first.source, first.region.entry, first.region.lead, first.region.end)
    for d in definitions[1:]:
        body = d.source.next_line(d.region.key)
        for comment in comments_in(d.source, d.region.entry, body, d.region.end):
            if comment not in known:
                known.append(comment)
                result.added_lines.append((first.region.lead, comment))
    return result


def saved_characters(definitions: Sequence[SourceDefinition], shared: SharedDefinition) -> int:
    """Return how many fewer characters there are when *definitions* share what is *shared*."""
    before = after = 0
    for i, (d, remainder) in enumerate(zip(definitions, shared.remainders, strict=True)):
        body = d.source.next_line(d.region.key)
        key = text_length(d.source, [(d.region.key, body)])
        before += key + text_length(d.source, [(body, d.region.end)])
        after += key + text_length(d.source, remainder) if remainder else 0
        after += key + shared_length(definitions, shared) if i == 0 else 0
    return before - after


def shared_length(definitions: Sequence[SourceDefinition], shared: SharedDefinition) -> int:
    """Return how many characters the lines that *definitions* share have."""
    added = "".join(lines for _, lines in shared.added_lines)
    return text_length(definitions[0].source, shared.common) + _length(added)


def text_length(source: Source, spans: Iterable[Span]) -> int:
    """Return how many characters *spans* of *source* have, without indentation and blank lines."""
    return _length("".join(source.text[start:end] for start, end in spans))


def _length(text: str) -> int:
    return sum(map(len, map(str.strip, text.splitlines())))


def _line_count(source: Source, spans: Iterable[Span]) -> int:
    """Return how many lines *spans* of *source* have, without blank ones."""
    lines = "".join(source.text[start:end] for start, end in spans).splitlines()
    return sum(1 for line in lines if line.strip())


def definition_of(file: ComposeFile, name: str) -> SourceDefinition:
    """Return the definition of the service *name* in *file*."""
    return SourceDefinition(file.source, file.regions_in("services")[name])


def repeating_files(project: Project) -> Iterator[str]:
    """Yield the override files of *project* that may repeat what the root files define.

    Those are files that only follow others in ``-f`` lists. A file that has no image and no build
    for any service of a root file is no copy of it.
    """
    bases = project.root_files
    later = dict.fromkeys(path for entry in project.readable for path in entry.files[1:])
    known = {name for path in bases for name in project.files[path].services}
    for path in later:
        file = project.files[path]
        if path not in bases and any(n in known and may_repeat(file, n) for n in file.services):
            yield path


def may_repeat(file: ComposeFile, name: str) -> bool:
    """Return whether the service *name* in *file* may be a copy of a root file's definition.

    It has an image or a build, and no ``env_file`` or ``label_file``: the path of one that is
    included is absolute, and occurs twice in an uninterpolated configuration (observed: v5.6.1).
    """
    keys = merged_entries(file.services[name]).keys()
    return bool(keys & {"image", "build"}) and not keys & {"env_file", "label_file"}


class Absent:
    """The type of :data:`ABSENT`."""

    def __repr__(self) -> str:
        """Return the name of the constant."""
        return "ABSENT"


ABSENT: Final = Absent()
"""Marks a value that a file does not set; None is a value that it sets."""


class SettingDifference(Struct, frozen=True):
    """A setting of a service that differs between the files that define the service.

    Attributes:
        service: the name of the service.
        path: the keys below the service, as ``("environment", "PORT")``.
        values: the value in each file, by path of the file, in the form of
            :func:`~composerefactor.compose.short_forms.canonical_value`. Of a list, the items that
            not all files have.
    """

    service: str
    path: Path
    values: Mapping[str, Any]


class Comparison(Struct, frozen=True):
    """Files that have services in common.

    Attributes:
        files: their paths.
        services: the files that define each service, by its name.
        differences: the settings that differ.
        environments: the name of the environment of each file.
    """

    files: tuple[str, ...]
    services: Mapping[str, tuple[str, ...]]
    differences: tuple[SettingDifference, ...]
    environments: Mapping[str, str]

    @property
    def common(self) -> list[str]:
        """The services that more than one file defines."""
        return [name for name, paths in self.services.items() if len(paths) > 1]


def comparisons(project: Project) -> list[Comparison]:
    """Return one comparison for each set of root files of *project* with services in common.

    The text is compared, with its merge keys and aliases but without what ``extends`` and override
    files add.
    """
    files = [project.files[path] for path in project.root_files]
    defined_in: dict[str, set[str]] = {}
    for file in files:
        for name in file.services:
            defined_in.setdefault(name, set()).add(file.path)
    groups = unions(paths for paths in defined_in.values() if len(paths) > 1)
    return [_comparison(project, [f for f in files if f.path in group]) for group in groups]


def _comparison(project: Project, files: Sequence[ComposeFile]) -> Comparison:
    services: dict[str, list[str]] = {}
    bodies: dict[str, dict[str, Any]] = {}
    for file in files:
        for name, node in file.services.items():
            services.setdefault(name, []).append(file.path)
            try:
                body = canonical_value(to_python(node, file.source), ())
            except InputError:  # a file like this is reported by the command that reads it
                continue
            bodies.setdefault(name, {})[file.path] = body
    differences = [d for name, values in bodies.items() for d in _differences(name, (), values)]
    paths_by_service = {name: tuple(paths) for name, paths in services.items()}
    names = {file.path: environment_name(project, file.path) for file in files}
    return Comparison(tuple(names), paths_by_service, tuple(differences), names)


def _differences(
    service: str, path: Path, values: Mapping[str, Any]
) -> Iterator[SettingDifference]:
    """Yield the differences at and below *path*, where each file has one of *values*."""
    given = list(values.values())
    if all_same(given):
        return
    if all(isinstance(value, dict) for value in given):
        for key in dict.fromkeys(key for value in given for key in value):
            below = {file: value.get(key, ABSENT) for file, value in values.items()}
            yield from _differences(service, (*path, key), below)
        return
    if all(isinstance(value, list) for value in given):
        not_in_all = {
            file: [item for item in value if not all(_has(other, item) for other in given)]
            for file, value in values.items()
        }
        if any(not_in_all.values()):  # otherwise only the order of the items differs
            values = not_in_all
    yield SettingDifference(service, path, values)


def _has(items: list[Any], item: Any) -> bool:
    return any(same(item, other) for other in items)
