"""Attributes of pairs and names: shared one by one, whichever form each definition writes."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from composerefactor.factoring.kinds import KEY_VALUE, Path, meaning, typed
from composerefactor.factoring.merges import brought
from composerefactor.factoring.parts import (
    Definition,
    Shared,
    children_of,
    items_of,
    note,
    paired,
    same,
)
from composerefactor.yamltree.nodes import Mapping
from composerefactor.yamltree.regions import Region


class Written(Struct, frozen=True):
    """An attribute of one definition as it is written (*value*), its *meaning* and its *types*."""

    value: Any
    meaning: Any
    types: dict[str, Any]

    @classmethod
    def of(cls, value: Any, path: Path) -> Written:
        """Return *value* as it is read at *path*."""
        return cls(value, meaning(value, path), typed(value, path))


class _Pairs(Struct, frozen=True):
    """What one definition writes: by name, the lines and the *values*; *merge* brings *more*."""

    lines: dict[str, Region]
    values: dict[str, Any]
    merge: Region | None
    more: dict[str, Any]


def share_pairs(
    definitions: list[Definition], found: list[Region], path: Path, written: list[Written]
) -> Shared | None:
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
    result = Shared(rests=[[] for _ in definitions])
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
    if not isinstance(node, Mapping):
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


def _share_line(definitions: list[Definition], regions: list[Region], result: Shared) -> None:
    result.common.append((regions[0].lead, regions[0].end))
    note(definitions, regions, result)


def _keep_types(types: list[dict[str, Any]], shared: AbstractSet[str], result: Shared) -> bool:
    """Return whether numbers and booleans stay what they are in an uninterpolated model.

    A merge makes text of all of a mapping's values (observed: v5.6.1). So who adds something must
    have none, and who adds nothing must have those that the shared part has.
    """
    kept = {name: value for name, value in types[0].items() if name in shared}
    return all(
        not own if rest else same(own, kept) for own, rest in zip(types, result.rests, strict=True)
    )


def _can_be_merged(values: list[Any], path: Path, result: Shared) -> bool:
    """Return whether the shared part and what is added to it have forms that every engine merges.

    v2.24.1 merges a list of pairs over a mapping in ``environment`` alone, and nowhere else.
    """
    if path == ("environment",) or path not in KEY_VALUE:
        return True
    adding = [value for value, rest in zip(values, result.rests, strict=True) if rest]
    return all(isinstance(value, dict) == isinstance(values[0], dict) for value in adding)
