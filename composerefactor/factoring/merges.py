"""Merge keys (``<<``) of a mapping of which a part is shared."""

from __future__ import annotations

from typing import Any

from composerefactor.factoring.parts import Definition, Shared, note, same
from composerefactor.yamltree.regions import Region
from composerefactor.yamltree.values import to_python


def place_merges(
    definitions: list[Definition],
    merges: list[Region | None],
    written: list[dict[str, Region]],
    whole: set[str],
    result: Shared,
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
