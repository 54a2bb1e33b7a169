"""Definitions of a service, what they share, and the lines below a key.

A :class:`SourceDefinition` is the text of one service in one file. A :class:`SharedDefinition` is
what several of them have in common, as lines of the first one, and what remains of each. The
functions below find the lines of keys and list items, compare values, and collect comments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.yaml.comments import Region, comment_spans, comments_in, item_regions, regions
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode
from composerefactor.yaml.source import Source

Span = tuple[int, int]
"""Characters ``start:end`` of a text: whole lines."""


class SourceDefinition(Struct, frozen=True):
    """One definition of a service: its lines are *region* in *source*."""

    source: Source
    region: Region


class SharedDefinition(Struct):
    """What several definitions share. All spans are in the order of the text.

    Attributes:
        common: the shared lines, taken from the first definition; an empty span where the lines of
            another one take the place of its own.
        remainders: for each definition, the lines that only its own file keeps.
        added_lines: shared lines of the other definitions: values that most of them have, and
            comments. The offset of each is the beginning of the span above which it is written, or
            the end of the service, for what is written below it.
    """

    common: list[Span] = []
    remainders: list[list[Span]] = []
    added_lines: list[tuple[int, str]] = []

    def sort(self) -> None:
        """Sort all spans by their place in the text."""
        for spans in (self.common, *self.remainders):
            spans.sort()


def keep_comments(
    definitions: list[SourceDefinition], regions: list[Region], result: SharedDefinition, at: int
) -> None:
    """Add to *result* the comments that other definitions have on lines taken from the first.

    *regions* are the lines in question, one region for each definition. The comments are written
    above the span that begins at the offset *at*; those below the last attribute that are not about
    it, as commented-out services, below the service.
    """
    first = regions[0]
    others = with_regions(definitions, regions)[1:]
    if not any("#" in d.source.text[r.lead : r.end] for d, r in others):
        return
    known = comments_in(definitions[0].source, first.entry, first.lead, first.end)
    for definition, region in others:
        added = new_comments(definition.source, region, region.end, known)
        known += added
        below = _below_service(definition, region)
        end = definitions[0].region.end
        result.added_lines += [(end if comment in below else at, comment) for comment in added]


def _below_service(definition: SourceDefinition, region: Region) -> list[str]:
    """Return the comments at the end of *region* that are as far to the left as the service."""
    source = definition.source
    column = source.column(definition.region.entry.start)
    entry = region.entry
    spans = comment_spans(source, (entry.key, entry.value), region.tail, region.end)
    return [source.text[at:stop] for at, stop in spans if source.column(at) <= column]


def new_comments(source: Source, region: Region, end: int, known: Sequence[str]) -> list[str]:
    """Return the comments of *region* up to *end* that are not *known*.

    The comments above the key are one text: they are all new where one of their lines is.
    """
    above = comments_in(source, region.entry, region.lead, region.key)
    inside = comments_in(source, region.entry, region.key, end)
    new = above if any(comment not in known for comment in above) else []
    return [*new, *(comment for comment in inside if comment not in known)]


def indented_like(
    source: Source, region: Region, other: Source, other_region: Region
) -> str | None:
    """Return the lines of *other_region* of *other*, indented as the key of *region* in *source*.

    The first line has no indentation, the last one no line end. None where a line begins left of
    the key, since its indentation may be part of a value.
    """
    indent, own = _indentation(source, region.key), _indentation(other, other_region.key)
    lines = other.text[other_region.lead : other_region.end].splitlines()
    if any(line.strip() and not line.startswith(own) for line in lines):
        return None
    shifted = (indent + line[len(own) :] if line.strip() else "" for line in lines)
    return source.newline.join(shifted).strip()


def _indentation(source: Source, at: int) -> str:
    line = source.line(at)
    return line[: len(line) - len(line.lstrip())]


def with_regions(
    definitions: list[SourceDefinition], regions: list[Region]
) -> list[tuple[SourceDefinition, Region]]:
    """Return pairs of a definition and its own region; both lists have the same order."""
    return list(zip(definitions, regions, strict=True))


def children_of(source: Source, region: Region) -> dict[str, Region] | None:
    """Return the regions of the keys below *region*, by name.

    None where the value is no plain block mapping with each key on lines of its own.
    """
    value = region.entry.value
    start = source.next_line(region.key)
    if not isinstance(value, MappingNode) or value.anchor or value.tag:
        return None
    children = regions(source, value, start=start, end=region.end)
    if children is None or any(r.entry.name is None for r in children):
        return None
    return {r.entry.name or "": r for r in children}


def items_of(source: Source, region: Region) -> list[Region] | None:
    """Return the regions of the items in the list below *region*.

    None where the value is no plain block list with each item on lines of its own.
    """
    value = region.entry.value
    start = source.next_line(region.key)
    if not isinstance(value, SequenceNode) or value.anchor or value.tag:
        return None
    return item_regions(source, value, start=start, end=region.end)


def body_spans(definition: SourceDefinition) -> list[Span]:
    """Return one span with all lines of *definition* below the line of its key."""
    return [(definition.source.next_line(definition.region.key), definition.region.end)]


def nodes_in(
    definition: SourceDefinition, spans: Sequence[Span], anchors: AnchorIndex
) -> Iterator[Node]:
    """Yield the aliases and the anchored nodes of *definition* that are in *spans*.

    Where *spans* are all of its lines, an anchor on the line of the key is included.
    """
    complete = list(spans) == body_spans(definition)
    for node in anchors.marked_of.get(("services", definition.region.entry.name or ""), ()):
        if complete or any(start <= node.outer_start < end for start, end in spans):
            yield node


def may_contain(source: Source, region: Region, marks: str) -> bool:
    """Return whether a character of *marks* occurs in *region*; saves a walk over the nodes."""
    text = source.text[region.key : region.end]
    return any(mark in text for mark in marks)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal and have equal types; Python has ``1 == True``."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str):
        return isinstance(other, str) and one == other
    return type(one) is type(other) and repr(one) == repr(other)


def all_same(values: Sequence[Any]) -> bool:
    """Return whether all *values* are the same in the sense of :func:`same`."""
    return all(same(values[0], value) for value in values[1:])
