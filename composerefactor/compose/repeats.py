"""Text that a file repeats: values of services' keys, and sets of keys, that mean the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import combinations

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.errors import InputError
from composerefactor.yaml import nodes as yaml
from composerefactor.yaml.comments import Region, comments, regions
from composerefactor.yaml.nodes import AliasNode, Node, resolve, walk
from composerefactor.yaml.values import to_python


class Attribute(Struct, frozen=True, dict=True):
    """A key of *service* in lines of its own: *meaning* tells equal values, *column* its place."""

    file: ComposeFile
    service: str
    key: str
    region: Region
    column: int
    meaning: str

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """The comments on the value."""
        return self._comments(self.region.key, self.region.end)

    @cached_property
    def above(self) -> tuple[str, ...]:
        """The comments above the key."""
        return self._comments(self.region.lead, self.region.key)

    @property
    def whole(self) -> str:
        """The lines of the key, comments included."""
        return self.file.source.text[self.region.lead : self.region.end]

    @property
    def value(self) -> str:
        """The text behind the colon, to the end of the last line."""
        return self.file.source.text[value_start(self.file, self.region) : self.region.end]

    def _comments(self, start: int, end: int) -> tuple[str, ...]:
        return tuple(comments(self.file.source, self.region.entry, start, end))


class Repeat(Struct, frozen=True):
    """What several services have in common: all *attributes* of one key, or of several *keys*.

    *saved* counts characters. *anchor* names one that stands above the services and means the same.
    """

    attributes: tuple[Attribute, ...]
    saved: int
    keys: tuple[str, ...] = ()
    anchor: str = ""

    @property
    def services(self) -> tuple[str, ...]:
        """The services, in the order of the file."""
        return tuple(dict.fromkeys(each.service for each in self.attributes))


def value_start(file: ComposeFile, region: Region) -> int:
    """Return the offset behind the colon of the entry in *region*."""
    return file.source.text.index(":", region.entry.key.end) + 1


def service_regions(file: ComposeFile, service: str) -> list[Region]:
    """Return the lines of each key of *service*; [] where they are not lines of their own."""
    region = file.regions_in("services").get(service)
    body = region.entry.value if region else None
    if region is None or not isinstance(body, yaml.MappingNode) or body.flow:
        return []
    start = file.source.next_line(region.key)
    return regions(file.source, body, start=start, end=region.end) or []


def repeats(file: ComposeFile, least: int) -> list[Repeat]:
    """Return what is worth to be shared, what saves most first; none takes text of another.

    A block has at least *least* lines. Services that merge something already share no more keys.
    """
    found = _Search(file, least)
    return list(found.best_first())


class _Search:
    """Takes what saves most, again and again, until nothing saves any more."""

    def __init__(self, file: ComposeFile, least: int) -> None:
        self.file = file
        self.least = least
        self.names = list(file.services)
        self.left = {name: dict(_attributes(file, name)) for name in self.names}
        self.merging = {name for name, body in file.services.items() if _merges(body)}
        self.anchors = dict(_anchors(file))

    def best_first(self) -> Iterator[Repeat]:
        while True:
            every = [*self.values(), *self.sets()]
            best = max(every, key=lambda each: each.saved, default=None)
            if best is None or best.saved <= 0:
                return
            for each in best.attributes:
                del self.left[each.service][each.key]
            if best.keys:
                self.merging.update(best.services)
            yield best

    def values(self) -> Iterator[Repeat]:
        """Yield the values that several services give to one key."""
        alike: dict[tuple[str, str], list[Attribute]] = {}
        for attributes in self.left.values():
            for each in attributes.values():
                value = each.region.entry.value
                text = self.file.source.text[each.region.key : each.region.end]
                if isinstance(value, yaml.MappingNode | yaml.SequenceNode) and self.is_long(text):
                    alike.setdefault((each.key, each.meaning), []).append(each)
        for (key, meaning), found in alike.items():
            known = self.anchors.get(meaning, "")
            noted = next((each for each in found if each.notes), found[0])
            members = [each for each in found if each.notes in {(), noted.notes}]
            if known:
                members = [each for each in found if not each.notes]
            elif len(members) < 2:  # noqa: PLR2004 - one alone repeats nothing
                continue
            members.sort(key=lambda each: each is not noted)
            name = known or key
            aliases = len(members) * len(f" *{name}\n")
            kept = 0 if known else len(noted.value) + len(f"x-{name}: &{name}\n")
            saved = sum(len(each.value) for each in members) - kept - aliases
            if members:
                yield Repeat(tuple(members), saved, anchor=known)

    def sets(self) -> Iterator[Repeat]:
        """Yield the sets of keys that several services have in common."""
        items = {
            name: frozenset((a.key, a.meaning, a.above + a.notes) for a in self.left[name].values())
            for name in self.names
            if name not in self.merging
        }
        wanted = {items[a] & items[b] for a, b in combinations(items, 2)}
        for common in wanted:
            if len(common) < 2:  # noqa: PLR2004 - one key is a value
                continue
            members = [name for name, own in items.items() if common <= own]
            keys = [key for key in self.left[members[0]] if key in {k for k, _, _ in common}]
            blocks = [[self.left[name][key] for key in keys] for name in members]
            texts = ["".join(each.whole for each in block) for block in blocks]
            if not self.is_long(texts[0]):
                continue
            aliases = sum(block[0].column + len("<<: *common\n") for block in blocks)
            kept = len(texts[0]) + len("x-common: &common\n\n")
            saved = sum(map(len, texts)) - kept - aliases
            attributes = tuple(each for block in blocks for each in block)
            yield Repeat(attributes, saved, tuple(keys))

    def is_long(self, text: str) -> bool:
        """Return whether *text* has enough lines, the one of its key counted."""
        return sum(1 for line in text.splitlines() if line.strip()) >= self.least


def _attributes(file: ComposeFile, service: str) -> Iterator[tuple[str, Attribute]]:
    found = service_regions(file, service)
    above = _services_start(file)
    for region in found:
        entry = region.entry
        meaning = _meaning(entry.value, above)
        if entry.name and not entry.is_merge and meaning is not None:
            column = file.source.column(entry.start)
            yield entry.name, Attribute(file, service, entry.name, region, column, meaning)


def _meaning(node: Node, above: int) -> str | None:
    """Return what tells equal values; None for text that has to stay where it is."""
    for each in walk(node):
        if each.anchor or each.tag:
            return None
        if isinstance(each, AliasNode) and (each.target is None or each.target.start > above):
            return None
    if isinstance(node, AliasNode):
        return None
    try:
        return json.dumps(to_python(node), sort_keys=True, default=repr)
    except InputError:
        return None


def _services_start(file: ComposeFile) -> int:
    section = (file.sections or {}).get("services")
    return section.region.lead if section else 0


def _marked(file: ComposeFile) -> list[Node]:
    return file.tree.marked_in(file.root.outer_start, file.root.end)


def _anchors(file: ComposeFile) -> Iterator[tuple[str, str]]:
    """Yield (meaning, name) of the collections with an anchor that stand above the services."""
    above = _services_start(file)
    named = {node.anchor: node for node in _marked(file) if node.anchor is not None}
    for name, node in named.items():
        collection = isinstance(node, yaml.MappingNode | yaml.SequenceNode)
        if collection and node.end <= above and not any(n.tag for n in walk(node)):
            try:
                yield json.dumps(to_python(node), sort_keys=True, default=repr), name
            except InputError:
                continue


def _merges(body: Node) -> bool:
    node = resolve(body)
    return not isinstance(node, yaml.MappingNode) or any(entry.is_merge for entry in node.entries)


def names_taken(file: ComposeFile) -> set[str]:
    """Return the anchors of *file*, and its top-level keys without ``x-``."""
    anchors = {node.anchor for node in _marked(file) if node.anchor is not None}
    return anchors | {key.removeprefix("x-") for key in file.root_keys if key.startswith("x-")}


def by_service(found: Repeat) -> Mapping[str, list[Attribute]]:
    """Return the attributes of *found* by service."""
    grouped: dict[str, list[Attribute]] = {}
    for each in found.attributes:
        grouped.setdefault(each.service, []).append(each)
    return grouped
