"""Splits the definitions of one service into the part that all share and what remains of each.

Definitions are split between lines: the shared part is taken from the first definition, each
remainder from its own file, and no text is printed again. Merging a remainder over the shared part
gives each original exactly, since the shared part contains only what every definition has (Compose
specification, merge): attributes that are equal, equal pairs and keys of mappings, and the common
beginning of lists.

Where every definition has a scalar, a command or a pair, and more than half of them the same one,
that one is shared too: those that differ replace it. Its line is that of another definition where
the first is one of those that differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from composerefactor.compose.attributes import (
    APPENDED,
    KEY_VALUE,
    MAIN_KEYS,
    MAPPINGS,
    NAMED,
    SERVICE,
    Path,
    find_attribute,
)
from composerefactor.compose.short_forms import canonical_value, non_text_values
from composerefactor.images.environments import NAMES
from composerefactor.refactoring.deduplicate.definitions import (
    SharedDefinition,
    SourceDefinition,
    all_same,
    children_of,
    indented_like,
    items_of,
    keep_comments,
    may_contain,
    new_comments,
    same,
    with_regions,
)
from composerefactor.yaml.comments import Region, comments_in
from composerefactor.yaml.nodes import MappingNode, walk
from composerefactor.yaml.values import acts_on_merge, merge_key_value, to_python

_NAMES = "|".join(NAMES["test"] | NAMES["development"] | NAMES["staging"])

_ENVIRONMENT = rf"(?<![a-z0-9/])(?:{_NAMES})(?![a-z0-9])"
"""The name of an environment other than production, as a word in lower case.

After a slash it is one of a path, as in ``/dev/null``.
"""


def share(definitions: Sequence[SourceDefinition]) -> SharedDefinition | None:
    """Return what *definitions* share; None where that is nothing, or one cannot be split.

    The spans are those of attributes, without the line of the service's own key.
    """
    definitions = list(definitions)
    if any(_has_tags(d) for d in definitions):
        return None
    result = _share_keys(definitions, [d.region for d in definitions], ())
    return result if result is not None and result.common else None


def _share_keys(
    definitions: list[SourceDefinition], regions: list[Region], path: Path
) -> SharedDefinition | None:
    """Split the mappings at *regions* key by key; None where that is not possible."""
    children = [children_of(d.source, r) for d, r in with_regions(definitions, regions)]
    if any(each is None for each in children) or not _extend_same_service(definitions, children):
        return None
    written = [{k: r for k, r in (each or {}).items() if k != "<<"} for each in children]
    merges = [(each or {}).get("<<") for each in children]
    result, whole = _share_attributes(definitions, written, path)
    if not any(merges) or place_merges(definitions, merges, written, whole, result):
        return result
    set_by_merge = [merge_key_values(d, r) for d, r in zip(definitions, merges, strict=True)]
    apart = set().union(*set_by_merge)
    result, whole = _share_attributes(definitions, written, path, apart=apart)
    return result if place_merges(definitions, merges, written, whole, result) else None


def _extend_same_service(
    definitions: list[SourceDefinition], children: Sequence[dict[str, Region] | None]
) -> bool:
    """Return whether all definitions extend the same service, or none extends any.

    Docker Compose merges a definition over what it extends, so ``extends`` has to be shared.
    """
    targets = [
        to_python(keys["extends"].entry.value, d.source) if keys and "extends" in keys else None
        for d, keys in zip(definitions, children, strict=True)
    ]
    return all_same(targets)


def _share_attributes(
    definitions: list[SourceDefinition],
    attributes: list[dict[str, Region]],
    path: Path,
    apart: AbstractSet[str] = frozenset(),
) -> tuple[SharedDefinition, set[str]]:
    """Split all *attributes*, one mapping by name for each definition.

    Those named in *apart* are not shared. Return what is shared, and the names of the attributes
    that are shared as a whole.
    """
    result = SharedDefinition(remainders=[[] for _ in definitions])
    whole: set[str] = set()
    names = list(dict.fromkeys(name for each in attributes for name in each))
    for name in names:
        regions = [each.get(name) for each in attributes]
        present = [(i, region) for i, region in enumerate(regions) if region is not None]
        if len(present) == len(definitions) and name not in apart:
            before = sum(map(len, result.remainders))
            if _share_attribute(definitions, [r for _, r in present], (*path, name), result):
                if sum(map(len, result.remainders)) == before:
                    whole.add(name)
                continue
        for i, region in present:
            result.remainders[i].append((region.lead, region.end))
    result.sort()
    return result, whole


def _share_attribute(
    definitions: list[SourceDefinition], regions: list[Region], path: Path, result: SharedDefinition
) -> bool:
    """Add to *result* what the definitions share of one attribute; False where that is nothing."""
    pairs = with_regions(definitions, regions)
    everyone = list(range(len(definitions)))
    if _written_alike(pairs):
        return _share_usual(definitions, regions, everyone, result)
    written = [WrittenAttribute.of(to_python(r.entry.value, d.source), path) for d, r in pairs]
    meanings = [attribute.canonical for attribute in written]
    if all_same(meanings) and all_same([attribute.types for attribute in written]):
        return _share_usual(definitions, regions, everyone, result)
    if any(_has_anchor(d, r) for d, r in pairs):
        return False
    if _is_replaced(path, written):
        usual = _usual(meanings, path)
        return bool(usual) and _share_usual(definitions, regions, usual, result)
    inner: SharedDefinition | None = None
    if path in MAPPINGS and _shares_main_key(meanings, path):
        inner = _share_keys(definitions, regions, path)
    elif path in NAMED or path in KEY_VALUE:
        inner = share_pairs(definitions, regions, path, written)
    elif path in APPENDED:
        inner = _share_beginning(definitions, regions, meanings)
    return inner is not None and _add_below_key(definitions, regions, inner, result)


def _is_replaced(path: Path, written: Sequence[WrittenAttribute]) -> bool:
    """Return whether the value of a later file replaces the attribute at *path* as a whole.

    A null replaces nothing, or only in some attributes; a text for ``build`` is its context.
    """
    if any(attribute.value is None for attribute in written):
        return False
    if path == ("build",):
        return all(isinstance(attribute.value, str) for attribute in written)
    row = find_attribute(SERVICE, path)
    return row is not None and row.merge in {"replaced", "cleared"}


def _usual(values: Sequence[Any], path: Path) -> list[int]:
    """Return the indices of more than half of *values* that are the same; empty if there are none.

    They include the first one where *path* is a path in the project: only paths of the first
    definition are rewritten for the directory of a new file. A value that names another
    environment than production, such as ``db-test``, is not shared: the rest would override it.
    """
    for value in values[: len(values) // 2 + 1]:
        usual = [i for i, other in enumerate(values) if same(value, other)]
        if 2 * len(usual) > len(values):
            is_other_path = usual[0] and path in {("build",), ("build", "context")}
            return [] if is_other_path or _names_environment(value) else usual
    return []


def _names_environment(value: Any) -> bool:
    """Return whether *value* is a text with the name of an environment other than production."""
    return isinstance(value, str) and bool(re.search(_ENVIRONMENT, value.lower()))


def _shares_main_key(values: Sequence[Any], path: Path) -> bool:
    """Return whether the main key of the mapping at *path* can be shared, or no mapping has it."""
    key = MAIN_KEYS.get(path)
    if key is None:
        return True
    main = [value.get(key) if isinstance(value, dict) else value for value in values]
    return all_same(main) or (None not in main and bool(_usual(main, (*path, key))))


def _written_alike(pairs: list[tuple[SourceDefinition, Region]]) -> bool:
    """Return whether all values are the same text, without aliases, which mean different nodes."""
    texts = {d.source.text[r.entry.value.start : r.entry.value.end] for d, r in pairs}
    return len(texts) == 1 and not any("*" in text for text in texts)


def _share_usual(
    definitions: list[SourceDefinition],
    regions: list[Region],
    usual: Sequence[int],
    result: SharedDefinition,
) -> bool:
    """Share the entry at *regions* of the definitions *usual*; the others keep theirs.

    Return False where its lines cannot be written below those of the first definition.
    """
    first, (source_index, *_) = regions[0], usual
    members = [definitions[i] for i in usual]
    lines: str | None = None
    if source_index:
        source, region = definitions[source_index].source, regions[source_index]
        if may_contain(source, region, "*"):  # maybe an alias, unknown in another file
            return False
        lines = indented_like(definitions[0].source, first, source, region)
        if lines is None:
            return False
    start = first.key if source_index else first.lead
    result.common.append((start, start if source_index else first.end))
    keep_comments(members, [regions[i] for i in usual], result, start)
    if lines is not None:
        result.added_lines.append((start, lines))
    for i in set(range(len(definitions))) - set(usual):
        result.remainders[i].append((regions[i].lead, regions[i].end))
    return True


def _share_beginning(
    definitions: list[SourceDefinition], regions: list[Region], values: list[Any]
) -> SharedDefinition | None:
    """Share the common beginning of lists: a merge appends the items of the remainders to it."""
    if not all(isinstance(value, list) for value in values):
        return None
    items = [items_of(d.source, r) for d, r in with_regions(definitions, regions)]
    if any(i is None or len(i) != len(v) for i, v in zip(items, values, strict=True)):
        return None
    length = 0
    for column in zip(*values, strict=False):
        if not all_same(column):
            break
        length += 1
    beginning = values[0][:length]
    if any(any(same(v, b) for b in beginning) for value in values for v in value[length:]):
        return None
    inner = SharedDefinition(remainders=[[] for _ in definitions])
    inner.common = [(r.lead, r.end) for r in (items[0] or [])[:length]]
    for i, item in enumerate(items):
        inner.remainders[i] = [(r.lead, r.end) for r in (item or [])[length:]]
    for n in range(length):
        regions_of_item = [(item or [])[n] for item in items]
        keep_comments(definitions, regions_of_item, inner, regions_of_item[0].lead)
    return inner


def _add_below_key(
    definitions: list[SourceDefinition],
    regions: list[Region],
    inner: SharedDefinition,
    result: SharedDefinition,
) -> bool:
    """Add *inner*, what is shared of one attribute, to *result*, below the attribute's key.

    The key is written in the shared part and in each remainder that has something below it. Return
    False where nothing is shared.
    """
    if not inner.common:
        return False
    heads = [(r.lead, d.source.next_line(r.key)) for d, r in with_regions(definitions, regions)]
    result.common += [heads[0], *inner.common]
    result.added_lines += inner.added_lines
    known = comments_in(definitions[0].source, regions[0].entry, *heads[0])
    for i, remainder in enumerate(inner.remainders):
        new = new_comments(definitions[i].source, regions[i], heads[i][1], known)
        if remainder:
            start = heads[i][0] if new else regions[i].key
            result.remainders[i] += [(start, heads[i][1]), *remainder]
        else:
            result.added_lines += [(regions[0].lead, comment) for comment in new]
            known += new
    return True


def _has_tags(definition: SourceDefinition) -> bool:
    """Return whether *definition* has ``!reset`` or another tag that acts on the merge."""
    if not may_contain(definition.source, definition.region, "!"):
        return False
    return any(map(acts_on_merge, walk(definition.region.entry.value)))


def _has_anchor(definition: SourceDefinition, region: Region) -> bool:
    return may_contain(definition.source, region, "&") and any(
        node.anchor is not None for node in walk(region.entry.value)
    )


class WrittenAttribute(Struct, frozen=True):
    """An attribute of one definition.

    Attributes:
        value: the value as it is written.
        canonical: the value in one form for all spellings.
        types: the numbers and booleans in it, by name: a merge turns them into text.
    """

    value: Any
    canonical: Any
    types: dict[str, Any]

    @classmethod
    def of(cls, value: Any, path: Path) -> WrittenAttribute:
        """Return *value* as it is read at *path*."""
        return cls(value, canonical_value(value, path), non_text_values(value, path))


class _WrittenPairs(Struct, frozen=True):
    """The pairs of one attribute in one definition.

    Attributes:
        lines: the region of each pair, by name.
        values: the value of each pair, by name.
        is_list: True where they are the items of a list.
        merge: the region of the merge key, None where there is none.
        merged_values: what the merge key sets.
    """

    lines: dict[str, Region]
    values: dict[str, Any]
    is_list: bool
    merge: Region | None = None
    merged_values: dict[str, Any] = {}


def share_pairs(
    definitions: list[SourceDefinition],
    regions: list[Region],
    path: Path,
    written: list[WrittenAttribute],
) -> SharedDefinition | None:
    """Split the attribute at *path* pair by pair; None where that is not possible.

    *regions* and *written* are the lines and the values of the attribute in each definition. A
    merge key goes to the shared pairs where all definitions have the same one. Otherwise it goes to
    the remainders, and what it sets is not shared.
    """
    attributes = zip(with_regions(definitions, regions), written, strict=True)
    readable = [_read_pairs(d, r, path, w.canonical) for (d, r), w in attributes]
    pairs = [each for each in readable if each is not None]
    if len(pairs) < len(readable):
        return None
    first = pairs[0]
    merges_equal = all(p.merge and same(p.merged_values, first.merged_values) for p in pairs)
    set_by_merge = set().union(*(p.merged_values for p in pairs))
    result = SharedDefinition(remainders=[[] for _ in definitions])
    usual_of: dict[str, list[int]] = {}
    for name in first.values:
        if all(name in p.values for p in pairs) and (merges_equal or name not in set_by_merge):
            usual = _usual_pair(name, pairs, path)
            lines = [p.lines[name] for p in pairs]
            if usual and _share_usual(definitions, lines, usual, result):
                usual_of[name] = usual
    merges = [p.merge for p in pairs if p.merge]
    if merges_equal:
        _share_usual(definitions, merges, range(len(pairs)), result)
    for remainder, own in zip(result.remainders, pairs, strict=True):
        remaining = [r for name, r in own.lines.items() if name not in usual_of]
        remaining += [own.merge] if own.merge and not merges_equal else []
        remainder += [(r.lead, r.end) for r in remaining]
    result.sort()
    values = [attribute.value for attribute in written]
    types = [attribute.types for attribute in written]
    source_of = dict.fromkeys(first.merged_values if merges_equal else (), 0)
    source_of |= {name: usual[0] for name, usual in usual_of.items()}
    kept = {name: types[i][name] for name, i in source_of.items() if name in types[i]}
    is_exact = _keeps_types(types, kept, result) and _can_be_merged(values, path, result)
    return result if is_exact else None


def _usual_pair(name: str, pairs: Sequence[_WrittenPairs], path: Path) -> list[int]:
    """Return the definitions whose pair *name* is shared; empty where it is not.

    Those are all of them, or more than half where a later file replaces the pair as a whole. A pair
    without a value may keep one. The first of more than half has the form of the first definition.
    """
    values = [p.values[name] for p in pairs]
    if all_same(values):
        return list(range(len(values)))
    if path not in KEY_VALUE or None in values:
        return []
    usual = _usual(values, path)
    alike = [i for i in usual if pairs[i].is_list == pairs[0].is_list]
    return [*alike, *(i for i in usual if i not in alike)] if alike else []


def _read_pairs(
    definition: SourceDefinition, region: Region, path: Path, values: Any
) -> _WrittenPairs | None:
    """Return the pairs at *region*, which mean *values*; None where they cannot be separated."""
    source, node = definition.source, region.entry.value
    if not isinstance(values, dict):
        return None
    if not isinstance(node, MappingNode):
        items = items_of(source, region)
        if items is None or len(items) != len(values):  # a name is written twice
            return None
        return _WrittenPairs(dict(zip(values, items, strict=True)), values, is_list=True)
    lines = children_of(source, region)
    if lines is None:
        return None
    merge = lines.pop("<<", None)
    merged_values = canonical_value(merge_key_values(definition, merge), path)
    own = {name: values[name] for name in lines}
    return _WrittenPairs(lines, own, is_list=False, merge=merge, merged_values=merged_values)


def _keeps_types(
    types: list[dict[str, Any]], kept: dict[str, Any], result: SharedDefinition
) -> bool:
    """Return whether numbers and booleans stay what they are in an uninterpolated configuration.

    *types* are those of each definition, *kept* those of the shared part. A merge turns all values
    of a mapping into text (observed: v5.6.1). So a definition that adds something must have none,
    and one that adds nothing must have those of the shared part.
    """
    return all(
        not own if remainder else same(own, kept)
        for own, remainder in zip(types, result.remainders, strict=True)
    )


def _can_be_merged(values: list[Any], path: Path, result: SharedDefinition) -> bool:
    """Return whether every release of Docker Compose merges the remainders over the shared part.

    v2.24.1 merges a list of pairs over a mapping only in ``environment``.
    """
    if path == ("environment",) or path not in KEY_VALUE:
        return True
    adding = [
        value for value, remainder in zip(values, result.remainders, strict=True) if remainder
    ]
    return all(isinstance(value, dict) == isinstance(values[0], dict) for value in adding)


def place_merges(
    definitions: list[SourceDefinition],
    merges: list[Region | None],
    written: list[dict[str, Region]],
    whole: set[str],
    result: SharedDefinition,
) -> bool:
    """Add the merge keys to *result*: to the shared part, or to the remainders.

    A merge key sets the keys of a mapping that the mapping does not write itself. It can be in the
    shared part where all definitions have the same one, and each key that it sets and some
    definition writes is shared as a whole. It can be in the remainders where nothing that it sets
    is in the shared part.

    Args:
        definitions: the definitions of the service.
        merges: the region of the merge key in each definition, None where there is none.
        written: the regions of the other keys in each definition.
        whole: the keys that are shared as a whole.
        result: what is shared so far; the regions of the merge keys are added to it.

    Returns:
        False where the merge keys would change the result of the merge in either place.
    """
    set_by_merge = [merge_key_values(d, r) for d, r in zip(definitions, merges, strict=True)]
    all_written = set().union(*written)
    split_keys = {name for name in all_written if name not in whole}
    equal = all(merges) and all(same(set_by_merge[0], values) for values in set_by_merge[1:])
    if equal and not split_keys & set_by_merge[0].keys():
        regions = [r for r in merges if r is not None]
        result.common.append((regions[0].lead, regions[0].end))
        result.common.sort()
        keep_comments(definitions, regions, result, regions[0].lead)
        return True
    common = {
        name
        for name, r in written[0].items()
        if any(r.lead <= start < r.end for start, _ in result.common)
    }
    if any(common & values.keys() for values in set_by_merge):
        return False
    for remainder, region in zip(result.remainders, merges, strict=True):
        if region is not None:
            remainder.append((region.lead, region.end))
            remainder.sort()
    return True


def merge_key_values(definition: SourceDefinition, region: Region | None) -> dict[str, Any]:
    """Return what the merge key at *region* sets; of a list, earlier mappings win."""
    if region is None:
        return {}
    return merge_key_value(to_python(region.entry.value, definition.source))
