"""Cuts the definitions of one service into what all share and what each adds.

Every cut is made along lines that stand: the shared part is taken from the first definition, the
rest from its own file, so nothing is printed anew. A merge of the two gives each original exactly,
since the shared part holds only what every definition has (Compose specification, merge):
attributes that are equal, equal pairs and keys of mappings, and the common beginning of lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from composerefactor.compose.merging import (
    APPENDED,
    KEY_VALUE,
    MAIN_KEYS,
    MAPPINGS,
    NAMED,
    Path,
    meaning,
    typed,
)
from composerefactor.refactoring.deduplicate.definitions import (
    Definition,
    SharedDefinition,
    all_same,
    children_of,
    items_of,
    may_have,
    note,
    paired,
    same,
    unknown,
)
from composerefactor.yaml.comments import Region, comments
from composerefactor.yaml.nodes import MappingNode, walk
from composerefactor.yaml.values import to_python


def place_merges(
    definitions: list[Definition],
    merges: list[Region | None],
    written: list[dict[str, Region]],
    whole: set[str],
    result: SharedDefinition,
) -> bool:
    """Put the merge keys where they give the same: with the shared part, or with the rests.

    A merge key gives a mapping what it does not write itself. It can be shared where all have the
    same one, and each key that it brings and some definition writes is shared as a whole; it can
    stay with the rests where nothing that it brings is in the shared part.
    """
    given = [brought(d, r) for d, r in zip(definitions, merges, strict=True)]
    own = set().union(*written)
    partly = {name for name in own if name not in whole}
    equal = all(merges) and all(same(given[0], g) for g in given[1:])
    if equal and not partly & given[0].keys():
        first = [r for r in merges if r is not None]
        result.common.append((first[0].lead, first[0].end))
        result.common.sort()
        note(definitions, first, result)
        return True
    common = {
        name
        for name, r in written[0].items()
        if any(r.lead <= start < r.end for start, _ in result.common)
    }
    if any(common & g.keys() for g in given):
        return False
    for rest, region in zip(result.rests, merges, strict=True):
        if region is not None:
            rest.append((region.lead, region.end))
            rest.sort()
    return True


def brought(definition: Definition, region: Region | None) -> dict[str, Any]:
    """Return what the merge key at *region* brings; earlier mappings of a list win."""
    if region is None:
        return {}
    value = to_python(region.entry.value, definition.source)
    found: dict[str, Any] = {}
    for part in value if isinstance(value, list) else [value]:
        found = {**part, **found}
    return found


class WrittenAttribute(Struct, frozen=True):
    """An attribute of one definition as it is written (*value*), its *meaning* and its *types*."""

    value: Any
    meaning: Any
    types: dict[str, Any]

    @classmethod
    def of(cls, value: Any, path: Path) -> WrittenAttribute:
        """Return *value* as it is read at *path*."""
        return cls(value, meaning(value, path), typed(value, path))


class _Pairs(Struct, frozen=True):
    """What one definition writes: by name, the lines and the *values*; *merge* brings *more*."""

    lines: dict[str, Region]
    values: dict[str, Any]
    merge: Region | None
    more: dict[str, Any]


def share_pairs(
    definitions: list[Definition], found: list[Region], path: Path, written: list[WrittenAttribute]
) -> SharedDefinition | None:
    """Divide the attributes at *found* pair by pair; None where they cannot be cut.

    *written* is what stands there. A merge key stands with the shared pairs where all have the same
    one. Else it stands with the rests, and what it brings is not shared.
    """
    places = paired(definitions, found)
    sides = [_read(d, r, path, w.meaning) for (d, r), w in zip(places, written, strict=True)]
    known = [side for side in sides if side is not None]
    if len(known) < len(sides):
        return None
    first = known[0]
    merges_equal = all(s.merge and same(s.more, first.more) for s in known)
    common = {
        name
        for name, value in first.values.items()
        if all(name in s.values and same(value, s.values[name]) for s in known[1:])
        and (merges_equal or not any(name in s.more for s in known))
    }
    result = SharedDefinition(rests=[[] for _ in definitions])
    for name in first.values:
        if name in common:
            _share_line(definitions, [s.lines[name] for s in known], result)
    if merges_equal:
        _share_line(definitions, [s.merge for s in known if s.merge], result)
    for rest, side in zip(result.rests, known, strict=True):
        own = [r for name, r in side.lines.items() if name not in common]
        own += [side.merge] if side.merge and not merges_equal else []
        rest += [(r.lead, r.end) for r in own]
    result.sort()
    shared = common | (first.more.keys() if merges_equal else set())
    values = [each.value for each in written]
    types = [each.types for each in written]
    merges = _keep_types(types, shared, result) and _can_be_merged(values, path, result)
    return result if merges else None


def _read(definition: Definition, region: Region, path: Path, values: Any) -> _Pairs | None:
    source, node = definition.source, region.entry.value
    if not isinstance(values, dict):
        return None
    if not isinstance(node, MappingNode):
        items = items_of(source, region)
        if items is None or len(items) != len(values):  # one name twice
            return None
        return _Pairs(dict(zip(values, items, strict=True)), values, None, {})
    lines = children_of(source, region)
    if lines is None:
        return None
    merge = lines.pop("<<", None)
    more = meaning(brought(definition, merge), path)
    return _Pairs(lines, {name: values[name] for name in lines}, merge, more)


def _share_line(
    definitions: list[Definition], regions: list[Region], result: SharedDefinition
) -> None:
    result.common.append((regions[0].lead, regions[0].end))
    note(definitions, regions, result)


def _keep_types(
    types: list[dict[str, Any]], shared: AbstractSet[str], result: SharedDefinition
) -> bool:
    """Return whether numbers and booleans stay what they are in an uninterpolated model.

    A merge makes text of all of a mapping's values (observed: v5.6.1). So who adds something must
    have none, and who adds nothing must have those that the shared part has.
    """
    kept = {name: value for name, value in types[0].items() if name in shared}
    return all(
        not own if rest else same(own, kept) for own, rest in zip(types, result.rests, strict=True)
    )


def _can_be_merged(values: list[Any], path: Path, result: SharedDefinition) -> bool:
    """Return whether the shared part and what is added to it have forms that every engine merges.

    v2.24.1 merges a list of pairs over a mapping in ``environment`` alone, and nowhere else.
    """
    if path == ("environment",) or path not in KEY_VALUE:
        return True
    adding = [value for value, rest in zip(values, result.rests, strict=True) if rest]
    return all(isinstance(value, dict) == isinstance(values[0], dict) for value in adding)


def share(definitions: Sequence[Definition]) -> SharedDefinition | None:
    """Divide *definitions*; None where nothing is shared, or a definition cannot be cut.

    The spans are those of attributes, without the line of the service's own key.
    """
    known = list(definitions)
    if any(_has_tags(d) for d in known):
        return None
    result = _share_keys(known, [d.region for d in known], ())
    return result if result is not None and result.common else None


def _share_keys(
    definitions: list[Definition], found: list[Region], path: Path
) -> SharedDefinition | None:
    """Divide the mappings at *found* key by key; None where they cannot be cut."""
    parts = [children_of(d.source, r) for d, r in paired(definitions, found)]
    if any(part is None for part in parts) or not _extend_the_same(definitions, parts):
        return None
    written = [{k: r for k, r in (part or {}).items() if k != "<<"} for part in parts]
    merges = [(part or {}).get("<<") for part in parts]
    result, whole = _divide(definitions, written, path)
    if not any(merges) or place_merges(definitions, merges, written, whole, result):
        return result
    given = [brought(d, r) for d, r in zip(definitions, merges, strict=True)]
    result, whole = _divide(definitions, written, path, apart=set().union(*given))
    return result if place_merges(definitions, merges, written, whole, result) else None


def _extend_the_same(
    definitions: list[Definition], parts: Sequence[dict[str, Region] | None]
) -> bool:
    """Return whether all extend the same service, or none does.

    The engine puts what a file extends below what it writes, so it belongs to the shared part.
    """
    extending = [
        to_python(part["extends"].entry.value, d.source) if part and "extends" in part else None
        for d, part in zip(definitions, parts, strict=True)
    ]
    return all_same(extending)


def _divide(
    definitions: list[Definition],
    parts: list[dict[str, Region]],
    path: Path,
    apart: AbstractSet[str] = frozenset(),
) -> tuple[SharedDefinition, set[str]]:
    """Divide the attributes *parts*, of which those *apart* are not shared.

    Return the division, and the names that are shared as a whole.
    """
    result = SharedDefinition(rests=[[] for _ in definitions])
    whole: set[str] = set()
    order = list(dict.fromkeys(name for part in parts for name in part))
    for name in order:
        regions_ = [part.get(name) for part in parts]
        present = [(i, r) for i, r in enumerate(regions_) if r is not None]
        if len(present) == len(definitions) and name not in apart:
            before = sum(map(len, result.rests))
            if _share_one(definitions, [r for _, r in present], (*path, name), result):
                if sum(map(len, result.rests)) == before:
                    whole.add(name)
                continue
        for i, region in present:
            result.rests[i].append((region.lead, region.end))
    result.sort()
    return result, whole


def _share_one(
    definitions: list[Definition], found: list[Region], path: Path, result: SharedDefinition
) -> bool:
    """Share what can be shared of one attribute; False where that is nothing."""
    pairs = paired(definitions, found)
    if _written_alike(pairs):
        return _share_whole(definitions, found, result)
    written = [WrittenAttribute.of(to_python(r.entry.value, d.source), path) for d, r in pairs]
    values = [each.meaning for each in written]
    if all_same(values) and all_same([each.types for each in written]):
        return _share_whole(definitions, found, result)
    inner: SharedDefinition | None = None
    if not any(_has_anchor(d, r) for d, r in pairs):
        if path in MAPPINGS and _have_the_same(values, MAIN_KEYS.get(path)):
            inner = _share_keys(definitions, found, path)
        elif path in NAMED or path in KEY_VALUE:
            inner = share_pairs(definitions, found, path, written)
        elif path in APPENDED:
            inner = _share_beginning(definitions, found, values)
    return inner is not None and _adopt(definitions, found, inner, result)


def _have_the_same(values: list[Any], key: str | None) -> bool:
    """Return whether all mappings *values* have the same at *key*, or none has it."""
    return key is None or all_same([v.get(key) if isinstance(v, dict) else v for v in values])


def _written_alike(pairs: list[tuple[Definition, Region]]) -> bool:
    """Return whether all are the same text, which an alias may let mean something else."""
    texts = {d.source.text[r.entry.value.start : r.entry.value.end] for d, r in pairs}
    return len(texts) == 1 and not any("*" in text for text in texts)


def _share_whole(
    definitions: list[Definition], found: list[Region], result: SharedDefinition
) -> bool:
    result.common.append((found[0].lead, found[0].end))
    note(definitions, found, result)
    return True


def _share_beginning(
    definitions: list[Definition], found: list[Region], values: list[Any]
) -> SharedDefinition | None:
    """Share the common beginning of lists: what a later file appends keeps its place."""
    if not all(isinstance(value, list) for value in values):
        return None
    items = [items_of(d.source, r) for d, r in paired(definitions, found)]
    if any(i is None or len(i) != len(v) for i, v in zip(items, values, strict=True)):
        return None
    length = 0
    for column in zip(*values, strict=False):
        if not all(same(column[0], value) for value in column[1:]):
            break
        length += 1
    beginning = values[0][:length]
    if any(any(same(v, b) for b in beginning) for value in values for v in value[length:]):
        return None
    inner = SharedDefinition(rests=[[] for _ in definitions])
    inner.common = [(r.lead, r.end) for r in (items[0] or [])[:length]]
    for i, item in enumerate(items):
        inner.rests[i] = [(r.lead, r.end) for r in (item or [])[length:]]
    for n in range(length):
        note(definitions, [(item or [])[n] for item in items], inner)
    return inner


def _adopt(
    definitions: list[Definition],
    found: list[Region],
    inner: SharedDefinition,
    result: SharedDefinition,
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


def _has_tags(definition: Definition) -> bool:
    """Return whether ``!reset`` or the like stands in *definition*: more than a value."""
    if not may_have(definition.source, definition.region, "!"):
        return False
    nodes = walk(definition.region.entry.value)
    return any(n.tag is not None and not n.tag.startswith("!!") for n in nodes)


def _has_anchor(definition: Definition, region: Region) -> bool:
    return may_have(definition.source, region, "&") and any(
        node.anchor is not None for node in walk(region.entry.value)
    )
