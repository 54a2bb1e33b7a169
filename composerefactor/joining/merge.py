"""Two definitions of one thing as one text, which the engine resolves as the merge of both.

Each line stands in one of the two: attributes of both key by key, pairs and items of the second
behind those of the first, and what the second replaces in the place of what it replaces (Compose
specification, merge; the kinds are those of :mod:`composerefactor.factoring.kinds`).
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from composerefactor.factoring.kinds import APPENDED, KEY_VALUE
from composerefactor.factoring.parts import same
from composerefactor.joining.forms import in_one_form
from composerefactor.joining.fragments import (
    Fragment,
    anchors_of,
    divided,
    has_tags,
    is_divisible,
    is_tagged,
)
from composerefactor.joining.order import arranged
from composerefactor.joining.texts import CannotJoinError

_REPLACED = frozenset({("command",), ("entrypoint",), ("healthcheck", "test")})
"""Replaced whole, and cleared by null, as the value of a pair is."""


def merge(base: Fragment, over: Fragment) -> Fragment:
    """Return *base* with *over* merged over it, as the engine does with two files.

    Raises CannotJoinError where no text made of lines of the two gives the same.
    """
    if is_tagged(base) or is_tagged(over):
        raise _cannot(over, "has a tag that only works in a file of its own")
    if same(base.value, over.value) and not has_tags(over):
        return _kept(base, over)
    is_pair = over.path[:-1] in KEY_VALUE
    if over.is_null and over.path not in _REPLACED and not is_pair:
        return _kept(base, over)
    if base.is_null or _replaces(base, over):
        return _kept(over, base)
    if not is_divisible(over.path):
        raise _cannot(over, "is written in several files, which no single text can say")
    return merged(base, over)


def _kept(kept: Fragment, other: Fragment) -> Fragment:
    """Return *kept* with the comments of *other*, whose value is not needed."""
    if anchors_of(other) - anchors_of(kept):
        raise _cannot(other, "has an anchor, and is written in another file too")
    return kept.noted(other.all_comments)


def _replaces(base: Fragment, over: Fragment) -> bool:
    """Return whether the engine takes the value of *over* alone."""
    path = over.path
    if has_tags(over) or has_tags(base):
        return False
    if path in _REPLACED or (len(path) == 2 and path[:1] in APPENDED):  # noqa: PLR2004 - an item
        return True
    plain = not isinstance(base.value, dict | list) and not isinstance(over.value, dict | list)
    if plain or (len(path) == 2 and path[0] == "ulimits"):  # noqa: PLR2004 - one limit
        return plain or type(base.value) is not type(over.value)
    if path == ("logging",) and isinstance(base.value, dict) and isinstance(over.value, dict):
        drivers = base.value.get("driver"), over.value.get("driver")
        return None not in drivers and drivers[0] != drivers[1]
    return False


def merged(base: Fragment, over: Fragment) -> Fragment:
    """Return the mapping or list *base* with the parts of *over* merged over its own."""
    base, over = in_one_form(divided(base), divided(over))
    _check_merge_keys(base, over)
    found = {child.key: child for child in base.children or ()}
    if len(found) != len(base.children or ()):
        raise _cannot(base, "has an item twice")
    for child in over.children or ():
        known = found.get(child.key)
        found[child.key] = merge(known, child) if known else replace(child, follows=())
    order = arranged(
        [c.key for c in base.children or ()], [c.key for c in over.children or ()], base.path
    )
    head = over.comments_in(over.region.lead, over.head_end)
    whole = replace(base, children=tuple(found[key] for key in order))
    return whole.noted([*over.notes, *head])


def _check_merge_keys(base: Fragment, over: Fragment) -> None:
    """Raise CannotJoinError where ``<<`` would give something else beside the keys of both.

    It gives a mapping what it does not write itself, before the engine merges anything.
    """
    ours, theirs = _brought(base), _brought(over)
    written = {c.key for c in base.children or ()}, {c.key for c in over.children or ()}
    if ours is not None and theirs is not None and not same(ours, theirs):
        raise _cannot(over, "merges another anchor than its definition in another file")
    for name, value in (ours or {}).items():
        child = next((c for c in over.children or () if c.key == name), None)
        if child is None or name in written[0]:
            continue
        flat = not isinstance(value, dict | list) and not isinstance(child.value, dict | list)
        if not flat and base.path not in KEY_VALUE and child.path not in _REPLACED:
            raise _cannot(child, "is merged from an anchor in another file")
    for name, value in (theirs or {}).items():
        child = next((c for c in base.children or () if c.key == name), None)
        if child is not None and name not in written[1] and not same(child.value, value):
            raise _cannot(child, "is merged from an anchor in another file")


def _brought(whole: Fragment) -> dict[str, Any] | None:
    """Return what ``<<`` brings; earlier mappings of a list win. None where there is none."""
    child = next((c for c in whole.children or () if c.key == "<<"), None)
    if child is None or whole.form == "list":
        return None
    found: dict[str, Any] = {}
    value = child.value
    for part in value if isinstance(value, list) else [value]:
        found = {**part, **found}
    return found


def _cannot(found: Fragment, words: str) -> CannotJoinError:
    name = ".".join(part for part in found.path if part) or found.key
    return found.text.cannot(f"{name} {words}", found.region.entry.start)
