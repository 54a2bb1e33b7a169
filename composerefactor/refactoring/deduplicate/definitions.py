"""What a division of several definitions is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.yaml.comments import Region, comments, item_regions, regions
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode
from composerefactor.yaml.source import Source

Span = tuple[int, int]


class Definition(Struct, frozen=True):
    """One definition of the service: its lines in *source*."""

    source: Source
    region: Region


class SharedDefinition(Struct):
    """The result: *common* are lines of the first definition, *rests* of each one's own.

    ``notes`` are comments of other definitions on what is shared, each with the offset in the
    first definition's text above which it belongs. Spans are in the order of the text.
    """

    common: list[Span] = []
    rests: list[list[Span]] = []
    notes: list[tuple[int, str]] = []

    def sort(self) -> None:
        """Put all spans into the order of the text."""
        for spans in (self.common, *self.rests):
            spans.sort()


def note(definitions: list[Definition], regions: list[Region], result: SharedDefinition) -> None:
    """Keep the comments of other definitions on what is taken from the first."""
    first = regions[0]
    if not any("#" in d.source.text[r.lead : r.end] for d, r in paired(definitions, regions)[1:]):
        return
    known = comments(definitions[0].source, first.entry, first.lead, first.end)
    for d, region in paired(definitions, regions)[1:]:
        found = unknown(d.source, region, region.end, known)
        known += found
        result.notes += [(first.lead, comment) for comment in found]


def unknown(source: Source, region: Region, end: int, known: Sequence[str]) -> list[str]:
    """Return the comments of *region* up to *end* that are not *known*.

    Those above the key are one text, which is kept whole where one of its lines is new.
    """
    above = comments(source, region.entry, region.lead, region.key)
    inside = comments(source, region.entry, region.key, end)
    found = above if any(comment not in known for comment in above) else []
    return [*found, *(comment for comment in inside if comment not in known)]


def same(one: Any, other: Any) -> bool:
    """Equality of values and their types: ``1 == True`` in Python."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str):
        return isinstance(other, str) and one == other
    return type(one) is type(other) and repr(one) == repr(other)


def all_same(values: Sequence[Any]) -> bool:
    """Return whether all *values* are the same."""
    return all(same(values[0], value) for value in values[1:])


def paired(definitions: list[Definition], found: list[Region]) -> list[tuple[Definition, Region]]:
    """Return each definition with its own region in *found*."""
    return list(zip(definitions, found, strict=True))


def children_of(source: Source, region: Region) -> dict[str, Region] | None:
    """Return the regions below *region* by key; None where they do not stand on their own lines."""
    value = region.entry.value
    start = source.next_line(region.key)
    if not isinstance(value, MappingNode) or value.anchor or value.tag:
        return None
    found = regions(source, value, start=start, end=region.end)
    if found is None or any(r.entry.name is None for r in found):
        return None
    return {r.entry.name or "": r for r in found}


def items_of(source: Source, region: Region) -> list[Region] | None:
    """Return the regions of the list below *region*; None where they cannot be told apart."""
    value = region.entry.value
    start = source.next_line(region.key)
    if not isinstance(value, SequenceNode) or value.anchor or value.tag:
        return None
    return item_regions(source, value, start=start, end=region.end)


def may_have(source: Source, region: Region, marks: str) -> bool:
    """Return whether any of *marks* stands in *region*: where none does, no node has to be seen."""
    text = source.text[region.key : region.end]
    return any(mark in text for mark in marks)


def whole(definition: Definition) -> list[Span]:
    """Return all lines below the key of *definition*."""
    return [(definition.source.next_line(definition.region.key), definition.region.end)]


def nodes_in(definition: Definition, spans: Sequence[Span], anchors: AnchorIndex) -> Iterator[Node]:
    """Yield the aliases and anchored nodes of *definition* that stand in *spans*.

    Where those are all of its lines, an anchor on the line of the key counts, too.
    """
    complete = list(spans) == whole(definition)
    for node in anchors.marked_of.get(("services", definition.region.entry.name or ""), ()):
        if complete or any(start <= node.outer_start < end for start, end in spans):
            yield node
