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

from composerefactor.factoring.kinds import (
    APPENDED,
    KEY_VALUE,
    MAIN_KEYS,
    MAPPINGS,
    NAMED,
    Path,
)
from composerefactor.factoring.merges import brought, place_merges
from composerefactor.factoring.pairs import Written, share_pairs
from composerefactor.factoring.parts import (
    Definition,
    Shared,
    all_same,
    children_of,
    items_of,
    may_have,
    note,
    paired,
    same,
    unknown,
)
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.nodes import walk
from composerefactor.yamltree.regions import Region
from composerefactor.yamltree.values import to_python


def share(definitions: Sequence[Definition]) -> Shared | None:
    """Divide *definitions*; None where nothing is shared, or a definition cannot be cut.

    The spans are those of attributes, without the line of the service's own key.
    """
    known = list(definitions)
    if any(_has_tags(d) for d in known):
        return None
    result = _share_keys(known, [d.region for d in known], ())
    return result if result is not None and result.common else None


def _share_keys(definitions: list[Definition], found: list[Region], path: Path) -> Shared | None:
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
) -> tuple[Shared, set[str]]:
    """Divide the attributes *parts*, of which those *apart* are not shared.

    Return the division, and the names that are shared as a whole.
    """
    result = Shared(rests=[[] for _ in definitions])
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
    definitions: list[Definition], found: list[Region], path: Path, result: Shared
) -> bool:
    """Share what can be shared of one attribute; False where that is nothing."""
    pairs = paired(definitions, found)
    if _written_alike(pairs):
        return _share_whole(definitions, found, result)
    written = [Written.of(to_python(r.entry.value, d.source), path) for d, r in pairs]
    values = [each.meaning for each in written]
    if all_same(values) and all_same([each.types for each in written]):
        return _share_whole(definitions, found, result)
    inner: Shared | None = None
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


def _share_whole(definitions: list[Definition], found: list[Region], result: Shared) -> bool:
    result.common.append((found[0].lead, found[0].end))
    note(definitions, found, result)
    return True


def _share_beginning(
    definitions: list[Definition], found: list[Region], values: list[Any]
) -> Shared | None:
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
    inner = Shared(rests=[[] for _ in definitions])
    inner.common = [(r.lead, r.end) for r in (items[0] or [])[:length]]
    for i, item in enumerate(items):
        inner.rests[i] = [(r.lead, r.end) for r in (item or [])[length:]]
    for n in range(length):
        note(definitions, [(item or [])[n] for item in items], inner)
    return inner


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
