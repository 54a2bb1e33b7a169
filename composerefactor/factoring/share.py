"""Cuts the definitions of one service into what all share and what each adds.

Every cut is made along lines that stand: the shared part is taken from the first definition, the
rest from its own file, so nothing is printed anew. A merge of the two gives each original exactly,
since the shared part holds only what every definition has (Compose specification, merge):
attributes that are equal, equal pairs and keys of mappings, and the common beginning of lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from composerefactor.factoring.kinds import APPENDED, KEY_VALUE, MAPPINGS, NAMED, Path, meaning
from composerefactor.factoring.merges import place_merges
from composerefactor.factoring.parts import Definition, Shared, note, paired, same, unknown
from composerefactor.source import Source
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.nodes import Mapping, walk
from composerefactor.yamltree.nodes import Sequence as SequenceNode
from composerefactor.yamltree.regions import Region, item_regions, regions
from composerefactor.yamltree.values import to_python


def share(definitions: Sequence[Definition]) -> Shared | None:
    """Divide *definitions*; None where nothing is shared, or a definition cannot be cut.

    The spans are those of attributes, without the line of the service's own key.
    """
    known = list(definitions)
    if any(_has_tags(d) for d in known):
        return None
    parts = [_children(d.source, d.region) for d in known]
    if any(part is None or "extends" in part for part in parts):
        return None
    written = [{k: r for k, r in (part or {}).items() if k != "<<"} for part in parts]
    merges = [(part or {}).get("<<") for part in parts]
    result = Shared(rests=[[] for _ in known])
    whole = _divide(known, written, (), result)
    if any(merges) and not place_merges(known, merges, written, whole, result):
        return None
    return result if result.common else None


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
    pairs = paired(definitions, found)
    values = [meaning(to_python(r.entry.value, d.source), path) for d, r in pairs]
    if all(same(values[0], value) for value in values[1:]):
        first = found[0]
        result.common.append((first.lead, first.end))
        note(definitions, found, result)
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
    parts = [_children(d.source, r) for d, r in paired(definitions, found)]
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
    items = [_items(d.source, r) for d, r in paired(definitions, found)]
    if any(i is None or len(i) != len(v) for i, v in zip(items, values, strict=True)):
        return False
    common = [
        key
        for key, value in values[0].items()
        if all(key in other and same(value, other[key]) for other in values[1:])
    ]
    inner = Shared(rests=[[] for _ in definitions])
    for i, (item, value) in enumerate(zip(items, values, strict=True)):
        for key, region in zip(value, item or [], strict=True):
            if key not in common:
                inner.rests[i].append((region.lead, region.end))
            elif i == 0:
                inner.common.append((region.lead, region.end))
    for key in common:
        shared = [
            (item or [])[list(value).index(key)] for item, value in zip(items, values, strict=True)
        ]
        note(definitions, shared, inner)
    return _adopt(definitions, found, inner, result)


def _share_beginning(
    definitions: list[Definition], found: list[Region], values: list[Any], result: Shared
) -> bool:
    """Share the common beginning of lists: what a later file appends keeps its place."""
    if not all(isinstance(value, list) for value in values):
        return False
    items = [_items(d.source, r) for d, r in paired(definitions, found)]
    if any(i is None or len(i) != len(v) for i, v in zip(items, values, strict=True)):
        return False
    length = 0
    for column in zip(*values, strict=False):
        if not all(same(column[0], value) for value in column[1:]):
            break
        length += 1
    beginning = values[0][:length]
    if any(any(same(v, b) for b in beginning) for value in values for v in value[length:]):
        return False
    inner = Shared(rests=[[] for _ in definitions])
    inner.common = [(r.lead, r.end) for r in (items[0] or [])[:length]]
    for i, item in enumerate(items):
        inner.rests[i] = [(r.lead, r.end) for r in (item or [])[length:]]
    for n in range(length):
        note(definitions, [(item or [])[n] for item in items], inner)
    return _adopt(definitions, found, inner, result)


def _adopt(
    definitions: list[Definition], found: list[Region], inner: Shared, result: Shared
) -> bool:
    """Put the parts of one attribute below its key, in the shared part and in each rest."""
    if not inner.common:
        return False
    heads = [(r.lead, d.source.next_line(r.key)) for d, r in paired(definitions, found)]
    result.common += [heads[0], *inner.common]
    result.notes += inner.notes
    own = comments(definitions[0].source, found[0].entry, *heads[0])
    for i, rest in enumerate(inner.rests):
        new = unknown(definitions[i].source, found[i], heads[i][1], own)
        if rest:
            result.rests[i] += [(heads[i][0] if new else found[i].key, heads[i][1]), *rest]
        else:
            result.notes += [(found[0].lead, c) for c in new]
            own += new
    return True


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


def _has_tags(definition: Definition) -> bool:
    """Return whether ``!reset`` or the like stands in *definition*: more than a value."""
    nodes = walk(definition.region.entry.value)
    return any(n.tag is not None and not n.tag.startswith("!!") for n in nodes)


def _has_anchor(region: Region) -> bool:
    return any(node.anchor is not None for node in walk(region.entry.value))
