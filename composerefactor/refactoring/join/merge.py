"""Two definitions of one thing as one text, which the engine resolves as the merge of both.

Each line stands in one of the two: attributes of both key by key, pairs and items of the second
behind those of the first, and what the second replaces in the place of what it replaces (Compose
specification, merge; the kinds are those of :mod:`composerefactor.compose.merging`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merging import APPENDED, KEY_VALUE, meaning
from composerefactor.edit.planned_files import PlannedFile, Slice
from composerefactor.errors import InputError
from composerefactor.refactoring.deduplicate.definitions import same
from composerefactor.refactoring.join.fragments import (
    Fragment,
    anchors_of,
    arranged,
    divided,
    has_tags,
    in_one_form,
    is_divisible,
    is_tagged,
)
from composerefactor.refactoring.join.relocate import CannotJoinError
from composerefactor.yaml.comments import comments, lone_comments
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

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


@dataclass(frozen=True, slots=True)
class Earlier:
    """The *content* of a file at an earlier time; *name* is the revision as people write it."""

    name: str
    content: bytes = field(repr=False)

    def file(self, path: str) -> ComposeFile | None:
        """Return it as the Compose file *path*, or None where it is none."""
        try:
            file = ComposeFile.parse(Source.decode(path, self.content))
        except InputError:
            return None
        return file if file.services and file.sections is not None else None


def former(
    path: str, planned_file: PlannedFile, texts: Iterable[Earlier]
) -> tuple[Earlier, ComposeFile] | None:
    """Return the first of *texts* that has most of the services of *planned_file*.

    None where none has at least half of them.
    """
    try:
        names = ComposeFile.parse(
            Source.decode(path, planned_file.content() or b"")
        ).services.keys()
    except InputError:
        return None
    best: tuple[Earlier, ComposeFile] | None = None
    most = 0
    for earlier in texts:
        file = earlier.file(path)
        count = len(names & file.services.keys()) if file else 0
        if file is not None and count > most and count * 2 >= len(names):
            best, most = (earlier, file), count
    return best


def restored(
    planned_files: Mapping[str, PlannedFile], earlier: Mapping[str, ComposeFile]
) -> list[PlannedFile] | None:
    """Return the *earlier* texts as drafts, if together they say what *planned_files* say.

    Each has to give the same values, and all comments of the drafts have to stand in one of them.
    """
    if planned_files.keys() != earlier.keys():
        return None
    lost: set[str] = set()
    kept: set[str] = set()
    for path, planned_file in planned_files.items():
        try:
            now = ComposeFile.parse(Source.decode(path, planned_file.content() or b""))
        except InputError:
            return None
        if not _is_same(now, earlier[path]):
            return None
        lost |= remarks(now)
        kept |= remarks(earlier[path])
    if lost - kept:
        return None
    return [
        PlannedFile(path, (Slice(file.source, 0, len(file.source.text)),), file.source.has_bom)
        for path, file in earlier.items()
    ]


def _is_same(one: ComposeFile, other: ComposeFile) -> bool:
    ours, theirs = _values(one), _values(other)
    return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)


def _values(file: ComposeFile) -> dict[tuple[str, str], object]:
    found: dict[tuple[str, str], object] = {}
    for name, section in (file.sections or {}).items():
        if name.startswith("x-"):
            continue
        if section.entries is None:
            found[name, ""] = to_python(section.region.entry.value, file.source)
        for key, region in (section.entries or {}).items():
            value = to_python(region.entry.value, file.source)
            found[name, key] = meaning(value, ()) if name == "services" else value
    return found


def remarks(file: ComposeFile) -> set[str]:
    """Return the comments of *file*, each from its ``#`` on."""
    regions = [section.region for section in (file.sections or {}).values()]
    found: set[str] = set()
    for region in regions:
        found.update(comments(file.source, region.entry, region.lead, region.end))
    if regions:
        found.update(lone_comments(file.source.text[: regions[0].lead]))
        found.update(lone_comments(file.source.text[regions[-1].end :]))
    return found
