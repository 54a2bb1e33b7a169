"""Several base files that define the same services: shared modules, and what each file adds.

A service that several files define goes to a module that holds what all share, and to the
environment file of each, which holds the rest. One that is so different that sharing saves nothing
stays whole in each environment file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import merged_get
from composerefactor.compose.merging import meaning, typed
from composerefactor.compose.project import Project
from composerefactor.compose.references import extended
from composerefactor.refactoring.deduplicate.definitions import (
    Definition,
    SharedDefinition,
    Span,
    all_same,
    nodes_in,
    whole,
)
from composerefactor.refactoring.deduplicate.share import share
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.yaml.comments import comments
from composerefactor.yaml.nodes import Node
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

Cluster = tuple[tuple[int, ...], SharedDefinition | None]
"""Indices of definitions, and what they share; None for those that stay whole."""


def clusters(definitions: Sequence[Definition]) -> list[Cluster]:
    """Divide *definitions* into those that share something.

    All share it where that leaves less text than there is. Where all together have nothing in
    common, each joins the first ones with which that holds.
    """
    everyone = tuple(range(len(definitions)))
    shared = worth_sharing(definitions)
    if shared is not None:
        return [(everyone, shared)]
    found: list[Cluster] = []
    if len(definitions) > 2:  # noqa: PLR2004 - two have been tried
        found = _gathered(definitions)
    alone = tuple(i for i in everyone if not any(i in of for of, _ in found))
    return [*found, (alone, None)] if alone else found


def joined(
    definitions: Mapping[int, Definition], found: Sequence[Cluster], copy: int
) -> list[Cluster]:
    """Return the clusters *found* with *copy* in the first one that it repeats for the most part.

    Then no less than half of what the others share stays shared, and *copy* adds less than that.
    """
    for n, (members, shared) in enumerate(found):
        if shared is None and len(members) > 1:
            continue
        together = [definitions[i] for i in (*members, copy)]
        more = worth_sharing(together)
        if more is None:
            continue
        source = together[0].source
        common = length(source, more.common)
        before = length(source, shared.common if shared else whole(together[0]))
        if 2 * common >= before and length(together[-1].source, more.rests[-1]) <= common:
            return [*found[:n], ((*members, copy), more), *found[n + 1 :]]
    return list(found)


def worth_sharing(definitions: Sequence[Definition]) -> SharedDefinition | None:
    """Return what *definitions* share, or None where sharing it saves no text.

    Counted are the lines of the service alone: its key stands once more in each file that adds
    something, and so does the key of each attribute that is shared in part. Paths in include lists
    are not counted; nobody keeps them equal by hand.
    """
    shared = shared_by(definitions)
    return shared if shared is not None and saving(definitions, shared) > 0 else None


def shared_by(definitions: Sequence[Definition]) -> SharedDefinition | None:
    """Return what *definitions* share, worth it or not: parts of them, or all of the first."""
    return share(definitions) or _equal(definitions)


def saving(definitions: Sequence[Definition], shared: SharedDefinition) -> int:
    """Return how many characters less there are when *definitions* share what is *shared*."""
    before = after = 0
    for i, (d, rest) in enumerate(zip(definitions, shared.rests, strict=True)):
        body = d.source.next_line(d.region.key)
        key = length(d.source, [(d.region.key, body)])
        before += key + length(d.source, [(body, d.region.end)])
        after += key + length(d.source, rest) if rest else 0
        after += key + length(d.source, shared.common) if i == 0 else 0
    return before - after


def _gathered(definitions: Sequence[Definition]) -> list[Cluster]:
    found: list[tuple[tuple[int, ...], SharedDefinition]] = []
    left = list(range(len(definitions)))
    while left:
        of: tuple[int, ...] = (left.pop(0),)
        shared = None
        for i in list(left):
            more = worth_sharing([definitions[n] for n in (*of, i)])
            if more is not None:
                of, shared = (*of, i), more
                left.remove(i)
        if shared is not None:
            found.append((of, shared))
    return list(found)


def length(source: Source, spans: Iterable[Span]) -> int:
    """Return how many characters *spans* have, but for indentation and blank lines."""
    lines = "".join(source.text[start:end] for start, end in spans).splitlines()
    return sum(map(len, map(str.strip, lines)))


def _equal(definitions: Sequence[Definition]) -> SharedDefinition | None:
    """Return the whole first definition as shared, where all mean the same."""
    written = [to_python(d.region.entry.value, d.source) for d in definitions]
    first = definitions[0]
    alike = all_same([meaning(value, ()) for value in written])
    if not alike or not all_same([typed(value, ()) for value in written]):
        return None
    start = first.source.next_line(first.region.key)
    result = SharedDefinition([(start, first.region.end)], [[] for _ in definitions])
    known = comments(first.source, first.region.entry, first.region.lead, first.region.end)
    for d in definitions[1:]:
        body = d.source.next_line(d.region.key)
        for comment in comments(d.source, d.region.entry, body, d.region.end):
            if comment not in known:
                known.append(comment)
                result.notes.append((first.region.lead, comment))
    return result


_T = TypeVar("_T")

Owners = tuple[int, ...]
"""Indices of the base files that define a service."""


class SharedService(Struct, frozen=True):
    """A service of several files. *shared* is None where each keeps its definition whole."""

    name: str
    owners: Owners
    definitions: tuple[Definition, ...]
    shared: SharedDefinition | None

    def definition(self, owner: int) -> Definition:
        """Return the definition in the file *owner*."""
        return self.definitions[self.owners.index(owner)]

    def rest(self, owner: int) -> list[tuple[int, int]]:
        """Return the lines that the file *owner* adds to the shared part."""
        return self.shared.rests[self.owners.index(owner)] if self.shared else []

    @property
    def repeated(self) -> int:
        """How many lines are written again in every owner but the first."""
        spans = self.shared.common if self.shared else []
        text = "".join(self.definitions[0].source.text[a:b] for a, b in spans)
        return sum(1 for line in text.splitlines() if line.strip()) * (len(self.owners) - 1)


class SharedServices(Struct):
    """All services of the base files: *variants* of several, *single* ones by file.

    *repeating* are those of *files* that are merged over another: they only join in what the bases
    have.
    """

    files: list[ComposeFile]
    anchors: list[AnchorIndex]
    variants: list[SharedService] = []
    single: dict[int, list[str]] = {}
    repeating: AbstractSet[int] = frozenset()


def factor(
    files: Sequence[ComposeFile],
    anchors: Sequence[AnchorIndex],
    movable: Mapping[int, Sequence[str]],
    repeating: AbstractSet[int] = frozenset(),
) -> SharedServices:
    """Divide the services of *files*; *movable* has the names that may leave each of them.

    Those of *repeating* files take part where they are copies of what a base has; else they are in
    no result.
    """
    owners: dict[str, list[int]] = {}
    for i, names in movable.items():
        for name in names:
            owners.setdefault(name, []).append(i)
    result = SharedServices(list(files), list(anchors), repeating=repeating)
    bases = {name: [i for i in of if i not in repeating] for name, of in owners.items()}
    bases = {name: of for name, of in bases.items() if of}
    several = {name for name, of in bases.items() if len(of) > 1}
    tied = chains(files, {i: names for i, names in movable.items() if i not in repeating})
    for name, of in bases.items():
        chain = next((c for c in tied if name in c), {name})
        if len(chain) > 1 and chain & several:
            found = [(tuple(of), worth_sharing([definition(files[i], name) for i in of]))]
        else:
            copies = [i for i in owners[name] if i in repeating and len(chain) == 1]
            found = _clusters({i: definition(files[i], name) for i in [*of, *copies]}, copies)
            if found == [((of[0],), None)]:
                result.single.setdefault(of[0], []).append(name)
                continue
        for members, shared in found:
            cut = tuple(definition(files[i], name) for i in members)
            result.variants.append(SharedService(name, members, cut, shared))
    for chain in tied:
        keep_chain(result, chain)
    for near in _anchored_together(result):
        if _copied(result, near) >= sum(_saved(v) for v in near):
            _keep_whole(result, near)
    return result


def _clusters(definitions: Mapping[int, Definition], copies: Sequence[int]) -> list[Cluster]:
    """Return who of the owners of *definitions* shares what; *copies* only join in."""
    of = [i for i in definitions if i not in copies]
    found: list[Cluster] = [(tuple(of), None)]
    if len(of) > 1:
        cut = clusters([definitions[i] for i in of])
        found = [(tuple(of[n] for n in members), shared) for members, shared in cut]
    for copy in copies:
        found = joined(definitions, found, copy)
    return found


def keep_chain(found: SharedServices, chain: set[str]) -> None:
    """Keep the services of *chain* whole in each file, unless all parents are shared as a whole.

    Without a file ``extends`` sees its own file alone (Compose specification): the module with the
    parent, which is what other files add nothing to.
    """
    members = [v for v in found.variants if v.name in chain]
    parents = {
        parent[1]
        for v in members
        for i in v.owners
        if (parent := extended(found.files[i].services[v.name])) and parent[0] is None
    }
    apart = len({v.owners for v in members}) > 1 or len(members) < len(chain)
    if apart or any(
        v.shared is None or (v.name in parents and any(v.shared.rests)) for v in members
    ):
        _keep_whole(found, members)


def _keep_whole(found: SharedServices, members: Sequence[SharedService]) -> None:
    found.variants = [replace(v, shared=None) if v in members else v for v in found.variants]


def _anchored_together(found: SharedServices) -> list[list[SharedService]]:
    """Return the groups of variants of which one has an alias to an anchor in another."""
    links = [{*link} for anchors in found.anchors for link in anchors.shared_services()]
    groups = merged(links)
    members = [[v for v in found.variants if v.name in group] for group in groups]
    return [group for group in members if any(v.shared is not None for v in group)]


def _saved(variant: SharedService) -> int:
    return saving(variant.definitions, variant.shared) if variant.shared else 0


def _copied(found: SharedServices, group: Sequence[SharedService]) -> int:
    """Return the length of the anchors that are copied when *group* is shared: they cross no file.

    What the same files share is in one module; what a file adds is in one environment file.
    """
    takes: dict[tuple[Owners, bool], list[Node]] = {}
    for v in group:
        if v.shared is not None:
            anchors = found.anchors[v.owners[0]]
            common = nodes_in(v.definitions[0], v.shared.common, anchors)
            takes.setdefault((v.owners, True), []).extend(common)
        for owner in v.owners:
            d = v.definition(owner)
            rest = v.rest(owner) if v.shared else whole(d)
            takes.setdefault(((owner,), False), []).extend(nodes_in(d, rest, found.anchors[owner]))
    total = 0
    for (owners, _), nodes in takes.items():
        anchors = found.anchors[owners[0]]
        for element, targets in anchors.needs_of(nodes).items():
            if element[0] == "services":
                spans = [(b.start, b.end) for b in anchors.blocks(element, targets, set())]
                total += length(anchors.file.source, spans)
    return total


def definition(file: ComposeFile, name: str) -> Definition:
    """Return the definition of the service *name* in *file*."""
    return Definition(file.source, file.regions_in("services")[name])


def chains(files: Sequence[ComposeFile], movable: Mapping[int, Sequence[str]]) -> list[set[str]]:
    """Return the services that ``extends`` of the same file ties together, in any of *files*."""
    links = []
    for i, names in movable.items():
        for name in names:
            parent = extended(files[i].services[name])
            if parent and parent[0] is None and parent[1]:
                links.append({name, parent[1]})
    return merged(links)


def merged(links: Iterable[set[_T]]) -> list[set[_T]]:
    """Return the unions of those of *links* that have something in common."""
    found: list[set[_T]] = []
    for link in links:
        near = [group for group in found if group & link]
        found = [group for group in found if group not in near]
        found.append(link.union(*near))
    return found


def repeating(project: Project) -> Iterator[str]:
    """Yield the files that only follow others in ``-f`` lists and may repeat what those define.

    A file that names no image or build for any service that a base has is no copy of it.
    """
    bases = project.bases
    later = dict.fromkeys(path for entry in project.readable for path in entry.files[1:])
    known = {name for path in bases for name in project.files[path].services}
    for path in later:
        file = project.files[path]
        if path not in bases and any(n in known and may_repeat(file, n) for n in file.services):
            yield path


def may_repeat(file: ComposeFile, name: str) -> bool:
    """Return whether *file* has a definition of the service *name* that may be a copy of a base's.

    It gives an image, or tells how to build one. Files of variables are out: the path of one that
    is included is absolute, and stands twice in an uninterpolated model (observed: v5.6.1).
    """
    body = file.services[name]
    runs = any(merged_get(body, key) is not None for key in ("image", "build"))
    return runs and all(merged_get(body, key) is None for key in ("env_file", "label_file"))
