"""Cuts the definitions of one service into what all share and what each adds.

Every cut is made along lines that stand: the shared part is taken from the first definition, the
rest from its own file, so nothing is printed anew. A merge of the two gives each original exactly,
since the shared part holds only what every definition has (Compose specification, merge):
attributes that are equal, equal pairs and keys of mappings, and the common beginning of lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from composerefactor.factoring.kinds import APPENDED, KEY_VALUE, MAPPINGS, NAMED, Path, meaning
from composerefactor.source import Source
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.nodes import Mapping, walk
from composerefactor.yamltree.nodes import Sequence as SequenceNode
from composerefactor.yamltree.regions import Region, item_regions, regions
from composerefactor.yamltree.values import to_python

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition of the service: its lines in *source*."""

    source: Source
    region: Region


@dataclass
class Shared:
    """The result: *common* are lines of the first definition, *rests* of each one's own.

    ``notes`` are comments of other definitions on what is shared, each with the offset in the
    first definition's text above which it belongs. Spans are in the order of the text.
    """

    common: list[Span] = field(default_factory=list)
    rests: list[list[Span]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)


def share(definitions: Sequence[Definition]) -> Shared | None:
    """Divide *definitions*; None where nothing is shared, or a definition cannot be cut.

    The spans are those of attributes, without the line of the service's own key.
    """
    known = list(definitions)
    parts = [_children(d.source, d.region) for d in known]
    if any(part is None or "extends" in part for part in parts):
        return None
    written = [{k: r for k, r in (part or {}).items() if k != "<<"} for part in parts]
    merges = [(part or {}).get("<<") for part in parts]
    result = Shared(rests=[[] for _ in known])
    whole = _divide(known, written, (), result)
    if any(merges) and not _place_merges(known, merges, written, whole, result):
        return None
    return result if result.common else None


def _place_merges(
    definitions: list[Definition],
    merges: list[Region | None],
    written: list[dict[str, Region]],
    whole: set[str],
    result: Shared,
) -> bool:
    """Put the merge keys where they give the same: with the shared part, or with the rests.

    A merge key gives a service what it does not write itself. It can be shared where all have the
    same one, and each key that it brings and some definition writes is shared as a whole; it can
    stay with the rests where nothing that it brings is in the shared part.
    """
    brought = [_brought(d, r) for d, r in zip(definitions, merges, strict=True)]
    own = set().union(*written)
    partly = {name for name in own if name not in whole}
    equal = all(merges) and all(_same(brought[0], b) for b in brought[1:])
    if equal and not partly & brought[0].keys():
        first = [r for r in merges if r is not None]
        result.common.append((first[0].lead, first[0].end))
        result.common.sort()
        _note(definitions, first, result)
        return True
    common = {
        name
        for name, r in written[0].items()
        if any(r.lead <= start < r.end for start, _ in result.common)
    }
    if any(common & b.keys() for b in brought):
        return False
    for rest, region in zip(result.rests, merges, strict=True):
        if region is not None:
            rest.append((region.lead, region.end))
            rest.sort()
    return True


def _brought(definition: Definition, region: Region | None) -> dict[str, Any]:
    """Return what a merge key brings; earlier mappings of a list win."""
    if region is None:
        return {}
    value = to_python(region.entry.value, definition.source)
    found: dict[str, Any] = {}
    for part in value if isinstance(value, list) else [value]:
        found = {**part, **found}
    return found


def _children(source: Source, region: Region) -> dict[str, Region] | None:
    """Return the regions below *region* by key; None where they do not stand on their own lines."""
    value = region.entry.value
    start = source.next_line(region.key)
    if not isinstance(value, Mapping) or value.anchor or value.tag:
        return None
    found = regions(source, value, start=start, end=region.end)
    if found is None or any(r.entry.name is None for r in found):
        return None
    return {r.entry.name or "": r for r in found}


def _divide(
    definitions: list[Definition], parts: list[dict[str, Region]], path: Path, result: Shared
) -> set[str]:
    """Divide the attributes *parts*; return the names of those that are shared as a whole."""
    whole: set[str] = set()
    order = list(dict.fromkeys(name for part in parts for name in part))
    for name in order:
        regions_ = [part.get(name) for part in parts]
        present = [(i, r) for i, r in enumerate(regions_) if r is not None]
        everywhere = len(present) == len(definitions)
        if everywhere:
            before = sum(map(len, result.rests))
            if _share_one(definitions, [r for _, r in present], (*path, name), result):
                if sum(map(len, result.rests)) == before:
                    whole.add(name)
                continue
        for i, region in present:
            result.rests[i].append((region.lead, region.end))
    for rest in result.rests:
        rest.sort()
    result.common.sort()
    return whole


def _share_one(
    definitions: list[Definition], found: list[Region], path: Path, result: Shared
) -> bool:
    """Share what can be shared of one attribute; False where that is nothing."""
    pairs = _zip(definitions, found)
    values = [meaning(to_python(r.entry.value, d.source), path) for d, r in pairs]
    if all(_same(values[0], value) for value in values[1:]):
        first = found[0]
        result.common.append((first.lead, first.end))
        _note(definitions, found, result)
        return True
    shared = False
    if not any(_has_anchor(r) for r in found):
        if path in MAPPINGS:
            shared = _share_mapping(definitions, found, path, result)
        elif path in NAMED or (path in KEY_VALUE and not _have_typed_values(pairs)):
            shared = _share_items(definitions, found, values, result)
        elif path in APPENDED:
            shared = _share_beginning(definitions, found, values, result)
    return shared


def _share_mapping(
    definitions: list[Definition], found: list[Region], path: Path, result: Shared
) -> bool:
    parts = [_children(d.source, r) for d, r in _zip(definitions, found)]
    if any(part is None or "<<" in part for part in parts):
        return False
    inner = Shared(rests=[[] for _ in definitions])
    _divide(definitions, [part or {} for part in parts], path, inner)
    return _adopt(definitions, found, inner, result)


def _share_items(
    definitions: list[Definition], found: list[Region], values: list[Any], result: Shared
) -> bool:
    """Share equal pairs or names, whichever form each definition writes."""
    if not all(isinstance(value, dict) for value in values):
        return False
    items = [_items(d.source, r) for d, r in _zip(definitions, found)]
    if any(i is None or len(i) != len(v) for i, v in zip(items, values, strict=True)):
        return False
    common = [
        key
        for key, value in values[0].items()
        if all(key in other and _same(value, other[key]) for other in values[1:])
    ]
    inner = Shared(rests=[[] for _ in definitions])
    for i, (item, value) in enumerate(zip(items, values, strict=True)):
        for key, region in zip(value, item or [], strict=True):
            if key not in common:
                inner.rests[i].append((region.lead, region.end))
            elif i == 0:
                inner.common.append((region.lead, region.end))
    for key in common:
        same = [
            (item or [])[list(value).index(key)] for item, value in zip(items, values, strict=True)
        ]
        _note(definitions, same, inner)
    return _adopt(definitions, found, inner, result)


def _share_beginning(
    definitions: list[Definition], found: list[Region], values: list[Any], result: Shared
) -> bool:
    """Share the common beginning of lists: what a later file appends keeps its place."""
    if not all(isinstance(value, list) for value in values):
        return False
    items = [_items(d.source, r) for d, r in _zip(definitions, found)]
    if any(i is None or len(i) != len(v) for i, v in zip(items, values, strict=True)):
        return False
    length = 0
    for column in zip(*values, strict=False):
        if not all(_same(column[0], value) for value in column[1:]):
            break
        length += 1
    beginning = values[0][:length]
    if any(any(_same(v, b) for b in beginning) for value in values for v in value[length:]):
        return False
    inner = Shared(rests=[[] for _ in definitions])
    inner.common = [(r.lead, r.end) for r in (items[0] or [])[:length]]
    for i, item in enumerate(items):
        inner.rests[i] = [(r.lead, r.end) for r in (item or [])[length:]]
    for n in range(length):
        _note(definitions, [(item or [])[n] for item in items], inner)
    return _adopt(definitions, found, inner, result)


def _adopt(
    definitions: list[Definition], found: list[Region], inner: Shared, result: Shared
) -> bool:
    """Put the parts of one attribute below its key, in the shared part and in each rest."""
    if not inner.common:
        return False
    heads = [(r.lead, d.source.next_line(r.key)) for d, r in _zip(definitions, found)]
    result.common += [heads[0], *inner.common]
    result.notes += inner.notes
    own = comments(definitions[0].source, found[0].entry, *heads[0])
    for i, rest in enumerate(inner.rests):
        if rest:
            result.rests[i] += [heads[i], *rest]
        elif i:
            lost = comments(definitions[i].source, found[i].entry, *heads[i])
            result.notes += [(found[0].lead, c) for c in lost if c not in own]
    return True


def _note(definitions: list[Definition], same: list[Region], result: Shared) -> None:
    """Keep the comments of other definitions on what is taken from the first."""
    first = same[0]
    known = comments(definitions[0].source, first.entry, first.lead, first.end)
    for d, region in _zip(definitions, same)[1:]:
        for comment in comments(d.source, region.entry, region.lead, region.end):
            if comment not in known:
                known.append(comment)
                result.notes.append((first.lead, comment))


def _items(source: Source, region: Region) -> list[Region] | None:
    value = region.entry.value
    start = source.next_line(region.key)
    if isinstance(value, SequenceNode) and not value.anchor and not value.tag:
        return item_regions(source, value, start=start, end=region.end)
    if isinstance(value, Mapping):
        parts = _children(source, region)
        return None if parts is None or "<<" in parts else list(parts.values())
    return None


def _have_typed_values(pairs: list[tuple[Definition, Region]]) -> bool:
    """Return whether numbers, booleans or nulls stand in a key/value mapping.

    A merge makes text of all of its values, which an uninterpolated model shows (observed: v5.6.1).
    """
    values = [to_python(region.entry.value, d.source) for d, region in pairs]
    mappings = [value for value in values if isinstance(value, dict)]
    return any(not isinstance(v, str) for mapping in mappings for v in mapping.values())


def _has_anchor(region: Region) -> bool:
    return any(node.anchor is not None for node in walk(region.entry.value))


def _same(one: Any, other: Any) -> bool:
    """Equality of values and their types: ``1 == True`` in Python."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    return type(one) is type(other) and repr(one) == repr(other)


def _zip(definitions: list[Definition], found: list[Region]) -> list[tuple[Definition, Region]]:
    return list(zip(definitions, found, strict=True))
