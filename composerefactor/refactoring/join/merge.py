"""Two definitions of one thing as one text, and earlier texts of a joined file.

:func:`merge` returns a text that Docker Compose resolves as the merge of both definitions. Each
line is from one of the two: attributes of both key by key, pairs and items of the second below
those of the first, and what the second replaces in the place of what it replaces (Compose
specification, merge; :mod:`composerefactor.compose.attributes` says how each one is merged).

:func:`find_earlier_text` finds the text of a file before it was split, for the order of services.
:func:`restored_files` returns such texts where they mean the same as the planned files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from composerefactor.compose.attributes import APPENDED, CLEARED, KEY_VALUE
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.short_forms import canonical_value
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import InputError, RefusedError
from composerefactor.refactoring.deduplicate.definitions import same
from composerefactor.refactoring.join.fragments import (
    Fragment,
    anchors_of,
    has_tags,
    in_one_form,
    is_divisible,
    key_order,
    split_fragment,
)
from composerefactor.yaml.comments import comments_in, full_line_comments
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import acts_on_merge, merge_key_value, to_python


def merge(base: Fragment, over: Fragment) -> Fragment:
    """Return *base* with *over* merged over it, as Docker Compose does with two files.

    Raises RefusedError where no text made of lines of the two gives the same.
    """
    if any(acts_on_merge(each.region.entry.value) for each in (base, over)):
        raise _cannot_merge(over, "has a tag that only works in its own file")
    if same(base.value, over.value) and not has_tags(over):
        return _keep_value(base, over)
    is_pair = over.path[:-1] in KEY_VALUE
    if over.is_null and over.path not in CLEARED and not is_pair:
        return _keep_value(base, over)
    if base.is_null or _replaces(base, over):
        return _keep_value(over, base)
    if not is_divisible(over.path):
        raise _cannot_merge(over, "is written in several files, and no single text means the same")
    return merge_children(base, over)


def _keep_value(kept: Fragment, other: Fragment) -> Fragment:
    """Return *kept* with the comments of *other*, whose value is not needed."""
    if anchors_of(other) - anchors_of(kept):
        raise _cannot_merge(other, "has an anchor, and is written in another file too")
    return kept.with_comments(other.all_comments)


def _replaces(base: Fragment, over: Fragment) -> bool:
    """Return whether the result of the merge is the value of *over* alone."""
    path = over.path
    if has_tags(over) or has_tags(base):
        return False
    if path in CLEARED or (len(path) == 2 and path[:1] in APPENDED):  # noqa: PLR2004 - an item
        return True
    scalars = not isinstance(base.value, dict | list) and not isinstance(over.value, dict | list)
    if scalars or (len(path) == 2 and path[0] == "ulimits"):  # noqa: PLR2004 - one limit
        return scalars or type(base.value) is not type(over.value)
    if path == ("logging",) and isinstance(base.value, dict) and isinstance(over.value, dict):
        drivers = base.value.get("driver"), over.value.get("driver")
        return None not in drivers and drivers[0] != drivers[1]
    return False


def merge_children(base: Fragment, over: Fragment) -> Fragment:
    """Return the mapping or list *base* with the children of *over* merged over its own."""
    base, over = in_one_form(split_fragment(base), split_fragment(over))
    _check_merge_keys(base, over)
    children = {child.key: child for child in base.children or ()}
    if len(children) != len(base.children or ()):
        raise _cannot_merge(base, "has an item twice")
    for child in over.children or ():
        known = children.get(child.key)
        children[child.key] = merge(known, child) if known else replace(child, follows=())
    order = key_order(
        [c.key for c in base.children or ()], [c.key for c in over.children or ()], base.path
    )
    head = over.comments_in(over.region.lead, over.head_end)
    whole = replace(base, children=tuple(children[key] for key in order))
    return whole.with_comments([*over.added_comments, *head])


def _check_merge_keys(base: Fragment, over: Fragment) -> None:
    """Raise RefusedError where ``<<`` sets other values in a mapping with the keys of both.

    A merge key sets what its mapping does not write itself, before files are merged.
    """
    base_values, over_values = _merge_key_values(base), _merge_key_values(over)
    base_keys = {c.key for c in base.children or ()}
    over_keys = {c.key for c in over.children or ()}
    if base_values is not None and over_values is not None and not same(base_values, over_values):
        raise _cannot_merge(over, "merges another anchor than its definition in another file")
    for name, value in (base_values or {}).items():
        child = next((c for c in over.children or () if c.key == name), None)
        if child is None or name in base_keys:
            continue
        scalars = not isinstance(value, dict | list) and not isinstance(child.value, dict | list)
        if not scalars and base.path not in KEY_VALUE and child.path not in CLEARED:
            raise _cannot_merge(child, "is merged from an anchor in another file")
    for name, value in (over_values or {}).items():
        child = next((c for c in base.children or () if c.key == name), None)
        if child is not None and name not in over_keys and not same(child.value, value):
            raise _cannot_merge(child, "is merged from an anchor in another file")


def _merge_key_values(whole: Fragment) -> dict[str, Any] | None:
    """Return what ``<<`` in *whole* sets, None where there is none; earlier mappings win."""
    child = next((c for c in whole.children or () if c.key == "<<"), None)
    if child is None or whole.form == "list":
        return None
    return merge_key_value(child.value)


def _cannot_merge(fragment: Fragment, reason: str) -> RefusedError:
    """Return the error that *fragment* cannot be merged; *reason* follows its name."""
    name = ".".join(part for part in fragment.path if part) or fragment.key
    return fragment.text.cannot(f"{name} {reason}", fragment.region.entry.start)


@dataclass(frozen=True, slots=True)
class EarlierText:
    """The content of a file at an earlier time.

    Attributes:
        name: the revision, for the user.
        content: the bytes of the file.
    """

    name: str
    content: bytes = field(repr=False)

    def file(self, path: str) -> ComposeFile | None:
        """Return the content as the Compose file *path*, None where it is not valid."""
        try:
            file = ComposeFile.parse(Source.decode(path, self.content))
        except InputError:
            return None
        return file if file.services and file.sections is not None else None


def find_earlier_text(
    path: str, planned_file: PlannedFile, texts: Iterable[EarlierText]
) -> tuple[EarlierText, ComposeFile] | None:
    """Return the first of *texts* that has most of the services of *planned_file*, parsed.

    None where none has at least half of them. *path* is the path of the file.
    """
    try:
        names = ComposeFile.parse(
            Source.decode(path, planned_file.content() or b"")
        ).services.keys()
    except InputError:
        return None
    best: tuple[EarlierText, ComposeFile] | None = None
    most = 0
    for earlier in texts:
        file = earlier.file(path)
        count = len(names & file.services.keys()) if file else 0
        if file is not None and count > most and count * 2 >= len(names):
            best, most = (earlier, file), count
    return best


def restored_files(
    planned_files: Mapping[str, PlannedFile], earlier: Mapping[str, ComposeFile]
) -> list[PlannedFile] | None:
    """Return the *earlier* texts as planned files, if they mean the same as *planned_files*.

    Both mappings are by path. None where a value differs, or where a comment of the planned files
    is in none of the earlier texts.
    """
    if planned_files.keys() != earlier.keys():
        return None
    planned_comments: set[str] = set()
    earlier_comments: set[str] = set()
    for path, planned_file in planned_files.items():
        try:
            planned = ComposeFile.parse(Source.decode(path, planned_file.content() or b""))
        except InputError:
            return None
        if not _is_same(planned, earlier[path]):
            return None
        planned_comments |= all_comments(planned)
        earlier_comments |= all_comments(earlier[path])
    if planned_comments - earlier_comments:
        return None
    return [PlannedFile.of(file.source) for file in earlier.values()]


def _is_same(one: ComposeFile, other: ComposeFile) -> bool:
    """Return whether two files have the same values, whatever their order and spelling."""
    values, other_values = _values(one), _values(other)
    keys = values.keys()
    return keys == other_values.keys() and all(same(values[k], other_values[k]) for k in keys)


def _values(file: ComposeFile) -> dict[tuple[str, str], object]:
    """Return the values of all elements of *file* but ``x-`` blocks."""
    values: dict[tuple[str, str], object] = {}
    for name, section in (file.sections or {}).items():
        if name.startswith("x-"):
            continue
        if section.entries is None:
            values[name, ""] = to_python(section.region.entry.value, file.source)
        for key, region in (section.entries or {}).items():
            value = to_python(region.entry.value, file.source)
            value = canonical_value(value, ()) if name == "services" else value
            values[name, key] = _without_dots(value)
    return values


def _without_dots(value: Any) -> Any:
    """Return *value* with paths as ``a`` for ``./a``: a split writes both as ``../../a``."""
    if isinstance(value, str):
        return value.removeprefix("./")
    if isinstance(value, Mapping):
        return {key: _without_dots(each) for key, each in value.items()}
    return [_without_dots(each) for each in value] if isinstance(value, list) else value


def all_comments(file: ComposeFile) -> set[str]:
    """Return the comments of *file*, each from its ``#`` on."""
    regions = [section.region for section in (file.sections or {}).values()]
    comments: set[str] = set()
    for region in regions:
        comments.update(comments_in(file.source, region.entry, region.lead, region.end))
    if regions:
        comments.update(full_line_comments(file.source.text[: regions[0].lead]))
        comments.update(full_line_comments(file.source.text[regions[-1].end :]))
    return comments
