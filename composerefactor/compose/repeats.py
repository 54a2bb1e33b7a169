"""Definitions that a file repeats: equal values, and equal sets of keys, in several services."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import chain, combinations
from typing import TypeAlias

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.errors import InputError
from composerefactor.yaml.comments import Region, comments_in, regions
from composerefactor.yaml.nodes import AliasNode, MappingNode, Node, SequenceNode, resolve, walk
from composerefactor.yaml.values import to_python

_Item: TypeAlias = tuple[str, str, tuple[str, ...]]
"""A key of a service, the canonical text of its value, and its comments."""


class RepeatedKey(Struct, frozen=True, dict=True):
    """A key of a service, on lines of its own.

    Attributes:
        file: The file that contains the service.
        service: The name of the service.
        key: The key.
        region: The lines of the key.
        column: The column of the key.
        meaning: A canonical text of the value; equal for equal values.
    """

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

    @cached_property
    def lines(self) -> int:
        """The number of its lines that are not blank, including the line of the key."""
        return _line_count(self.file.source.text[self.region.key : self.region.end])

    @property
    def whole(self) -> str:
        """The lines of the key, comments included."""
        return self.file.source.text[self.region.lead : self.region.end]

    @property
    def value(self) -> str:
        """The text after the colon, to the end of the last line."""
        return self.file.source.text[value_start(self.file, self.region) : self.region.end]

    def _comments(self, start: int, end: int) -> tuple[str, ...]:
        return tuple(comments_in(self.file.source, self.region.entry, start, end))


class Repeat(Struct, frozen=True):
    """A definition that several services repeat: the value of one key, or a set of keys.

    Attributes:
        attributes: The keys of all services that can share the definition.
        saved: How many characters sharing saves.
        keys: The keys of the set; () for the value of one key.
        anchor: The anchor of an existing equal value above the services, or ``""``.
    """

    attributes: tuple[RepeatedKey, ...]
    saved: int
    keys: tuple[str, ...] = ()
    anchor: str = ""

    @property
    def services(self) -> tuple[str, ...]:
        """The services, in the order of the file."""
        return tuple(dict.fromkeys(attribute.service for attribute in self.attributes))


def value_start(file: ComposeFile, region: Region) -> int:
    """Return the offset just after the colon of the entry in *region*."""
    return file.source.text.index(":", region.entry.key.end) + 1


def service_regions(file: ComposeFile, service: str) -> list[Region]:
    """Return the lines of each key of *service*; [] if they are not on lines of their own."""
    region = file.regions_in("services").get(service)
    body = region.entry.value if region else None
    if region is None or not isinstance(body, MappingNode) or body.flow:
        return []
    start = file.source.next_line(region.key)
    return regions(file.source, body, start=start, end=region.end) or []


def repeats(file: ComposeFile, min_lines: int) -> list[Repeat]:
    """Return the definitions that are worth sharing, the most saving one first.

    A shared block has at least *min_lines* lines, and no text belongs to two of them. Services that
    already have a merge key do not share sets of keys.
    """
    return list(_Search(file, min_lines).best_first())


class _Search:
    """Chooses the repeat that saves most, again and again, until none saves anything."""

    def __init__(self, file: ComposeFile, min_lines: int) -> None:
        self.file = file
        self.min_lines = min_lines
        self.names = list(file.services)
        self.remaining = {name: dict(_attributes(file, name)) for name in self.names}
        self.merging = {name for name, body in file.services.items() if _has_merge_key(body)}
        self.anchors = dict(_reusable_anchors(file))

    def best_first(self) -> Iterator[Repeat]:
        """Yield the chosen repeats, the most saving one first."""
        while True:
            candidates = [*self.values(), *self.sets()]
            best = max(candidates, key=lambda candidate: candidate.saved, default=None)
            if best is None or best.saved <= 0:
                return
            for attribute in best.attributes:
                del self.remaining[attribute.service][attribute.key]
            if best.keys:
                self.merging.update(best.services)
            yield best

    def values(self) -> Iterator[Repeat]:
        """Yield the equal values of one key in several services."""
        alike: dict[tuple[str, str], list[RepeatedKey]] = {}
        for attributes in self.remaining.values():
            for attribute in attributes.values():
                value = attribute.region.entry.value
                is_collection = isinstance(value, MappingNode | SequenceNode)
                if is_collection and attribute.lines >= self.min_lines:
                    alike.setdefault((attribute.key, attribute.meaning), []).append(attribute)
        for (key, meaning), attributes_alike in alike.items():
            existing_anchor = self.anchors.get(meaning, "")
            noted = next((each for each in attributes_alike if each.notes), attributes_alike[0])
            members = [each for each in attributes_alike if each.notes in {(), noted.notes}]
            if existing_anchor:
                members = [each for each in attributes_alike if not each.notes]
            elif len(members) < 2:  # noqa: PLR2004 - a single one is not a repeat
                continue
            members.sort(key=lambda each: each is not noted)
            name = existing_anchor or key
            aliases = len(members) * len(f" *{name}\n")
            shared_length = 0 if existing_anchor else len(noted.value) + len(f"x-{name}: &{name}\n")
            saved = sum(len(each.value) for each in members) - shared_length - aliases
            if members:
                yield Repeat(tuple(members), saved, anchor=existing_anchor)

    def sets(self) -> Iterator[Repeat]:
        """Yield the sets of keys with equal values in several services."""
        items = {
            name: frozenset(
                (a.key, a.meaning, a.above + a.notes) for a in self.remaining[name].values()
            )
            for name in self.names
            if name not in self.merging
        }
        for common in _intersections(items.values()):
            if len(common) < 2:  # noqa: PLR2004 - a single key is handled as a value
                continue
            members = [name for name, own in items.items() if common <= own]
            keys = [key for key in self.remaining[members[0]] if key in {k for k, _, _ in common}]
            blocks = [[self.remaining[name][key] for key in keys] for name in members]
            texts = ["".join(each.whole for each in block) for block in blocks]
            if _line_count(texts[0]) < self.min_lines:
                continue
            aliases = sum(block[0].column + len("<<: *common\n") for block in blocks)
            shared_length = len(texts[0]) + len("x-common: &common\n\n")
            saved = sum(map(len, texts)) - shared_length - aliases
            attributes = tuple(each for block in blocks for each in block)
            yield Repeat(attributes, saved, tuple(keys))


def _line_count(text: str) -> int:
    """Return the number of lines of *text* that are not blank."""
    return sum(1 for line in text.splitlines() if line.strip())


def _intersections(sets: Collection[frozenset[_Item]]) -> Collection[frozenset[_Item]]:
    """Return what any two of *sets* have in common.

    Most services differ in something, and have the rest in common with many others. So each set is
    taken once, without what no other has.
    """
    occurrences = Counter(item for each in sets for item in each)
    several = {item for item, count in occurrences.items() if count > 1}
    shared = Counter(each & several for each in sets)
    twice = (each for each, count in shared.items() if count > 1)
    return dict.fromkeys(chain(twice, (a & b for a, b in combinations(shared, 2))))


def _attributes(file: ComposeFile, service: str) -> Iterator[tuple[str, RepeatedKey]]:
    """Yield (key, attribute) for the keys of *service* that could be shared."""
    key_regions = service_regions(file, service)
    above = _services_start(file)
    for region in key_regions:
        entry = region.entry
        meaning = _canonical_text(entry.value, above)
        if entry.name and not entry.is_merge and meaning is not None:
            column = file.source.column(entry.start)
            yield entry.name, RepeatedKey(file, service, entry.name, region, column, meaning)


def _canonical_text(node: Node, above: int) -> str | None:
    """Return a text that is equal for equal values; None if *node* must stay where it is.

    This is a value with an anchor, with a tag, or with an alias of a node below the offset *above*.
    """
    for written in walk(node):
        if written.anchor or written.tag:
            return None
        if isinstance(written, AliasNode) and (
            written.target is None or written.target.start > above
        ):
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


def _marked_nodes(file: ComposeFile) -> list[Node]:
    return file.tree.marked_in(file.root.outer_start, file.root.end)


def _reusable_anchors(file: ComposeFile) -> Iterator[tuple[str, str]]:
    """Yield (canonical text, anchor) of the anchored collections above the services."""
    above = _services_start(file)
    named = {node.anchor: node for node in _marked_nodes(file) if node.anchor is not None}
    for name, node in named.items():
        collection = isinstance(node, MappingNode | SequenceNode)
        if collection and node.end <= above and not any(n.tag for n in walk(node)):
            try:
                yield json.dumps(to_python(node), sort_keys=True, default=repr), name
            except InputError:
                continue


def _has_merge_key(body: Node) -> bool:
    node = resolve(body)
    return not isinstance(node, MappingNode) or any(entry.is_merge for entry in node.entries)


def names_taken(file: ComposeFile) -> set[str]:
    """Return the anchors of *file* and the names of its ``x-`` keys, without the ``x-``."""
    anchors = {node.anchor for node in _marked_nodes(file) if node.anchor is not None}
    return anchors | {key.removeprefix("x-") for key in file.root_keys if key.startswith("x-")}
