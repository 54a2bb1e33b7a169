"""Correct keys and values that the engine's schema rejects.

A key that is written twice with the same value is written once; a misspelt key (`depends`,
`environments`, `netwroks`) gets the name that is obviously meant; text that needs quotes gets them,
a list that was forgotten is made one, and what a list may not hold twice is removed. Two different
values for one key, and a key that resembles nothing, are named with what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_entries, names_in
from composerefactor.compose.project import Project
from composerefactor.compose.spelling import nearest
from composerefactor.compose.vocabulary import bounded
from composerefactor.edits.operations import AddItem, AddKey, Remove, Rename, YamlEdit
from composerefactor.edits.places import tail
from composerefactor.edits.render import Value
from composerefactor.errors import InputError
from composerefactor.legacy.corrections import Corrections
from composerefactor.transform import Change, NoOptions, Refusal, mending
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.nodes import Entry, Mapping, Sequence, resolve
from composerefactor.yamltree.path import Path, entry_paths, node_at, paths
from composerefactor.yamltree.values import to_python


@mending(NoOptions, first=True)
def fix_schema(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change for each thing that the schema rejects and that has one meaning."""
    for path, file in project.files.items():
        if path.startswith("../"):
            continue
        twice = list(_written_twice(file))
        yield from twice
        if not file.top_services:
            # Addresses are not clear as long as a key stands twice.
            rest = chain(_misspelt(file), _of_another_kind(file))
            yield from (found for found in rest if not twice or isinstance(found, Refusal))


def _written_twice(file: ComposeFile) -> Iterator[Change | Refusal]:
    """Yield what is to be done about keys that a mapping has twice, outer ones first."""
    for path, node in paths(file.root):
        if not isinstance(node, Mapping) or not _has_equals(node):
            continue
        if node_at(file.root, path) is not node:  # it is in the second of two
            continue
        first: dict[str, Entry] = {}
        for entry in node.entries:
            name = entry.name or ""
            known = first.setdefault(name, entry)
            if known is not entry and node.entries.count(known):
                yield _one_of_two(file, (*path, name), known, entry)
                break


def _has_equals(node: Mapping) -> bool:
    return len({entry.name or "" for entry in node.entries}) < len(node.entries)


def _one_of_two(
    file: ComposeFile, path: tuple[str | int, ...], first: Entry, second: Entry
) -> Change | Refusal:
    source, name = file.source, path[-1]
    line = source.line_number(first.start)
    location = source.location(second.start)
    if name != "<<" and _same(first, second):
        title = f"{name} is written twice with the same value, first at line {line}"
        both = [
            len(comments(source, each, each.start, tail(source, each))) for each in (first, second)
        ]
        edit = Remove(file.path, path, nth=int(both[0] > both[1]))
        return Change(title, location, [edit], repairs=True)
    remedy = "write <<: [*a, *b]" if name == "<<" else "keep one; docker-compose 1.x took the last"
    reason = f"{name} is written twice with different values, first at line {line}"
    return Refusal(reason, location, remedy, repairs=True)


def _same(first: Entry, second: Entry) -> bool:
    try:
        return bool(to_python(first.value) == to_python(second.value))
    except InputError:
        return False


def _misspelt(file: ComposeFile) -> Iterator[Change | Refusal]:
    where: dict[int, Path] = {}
    seen: set[int] = set()
    for place, mapping, known in bounded(file):
        entries = merged_entries(mapping)
        for name, entry in entries.items():
            if name in known or name.startswith("x-") or id(entry) in seen:
                continue
            seen.add(id(entry))
            where = where or entry_paths(file.root)
            location = file.source.location(entry.start)
            meant = nearest(name, known)
            if meant is not None and meant in entries:
                yield _beside(file, place, where, entry, entries[meant])
            elif meant is None:
                reason = f"{place} has no key {name}"
                remedy = f"correct it, or call it x-{name} to keep it"
                yield Refusal(reason, location, remedy, repairs=True)
            else:
                title = f"{place} has no key {name}: {meant} is meant"
                edits = [Rename(file.path, where[id(entry)], meant)]
                yield Change(title, location, edits, repairs=True)


def _beside(
    file: ComposeFile, place: str, where: dict[int, Path], wrong: Entry, right: Entry
) -> Change | Refusal:
    """Return what is to be done about *wrong* where the key that it stands for is there as well."""
    location = file.source.location(wrong.start)
    title = f"{place} has no key {wrong.name}: {right.name} is meant, which is there as well"
    path = where[id(right)]
    names, body = names_in(wrong.value), resolve(right.value)
    if right.name != "depends_on" or not isinstance(resolve(wrong.value), Sequence):
        remedy = f"put what it says into {right.name}, and remove it"
        return Refusal(title, location, remedy, repairs=True)
    edits: list[YamlEdit] = []
    for name in names:
        if name in names_in(body):
            continue
        if isinstance(body, Mapping):
            started: dict[str, Value] = {"condition": "service_started"}
            edits.append(AddKey(file.path, path, name, started))
        else:
            edits.append(AddItem(file.path, path, name))
    return Change(title, location, [*edits, Remove(file.path, where[id(wrong)])], repairs=True)


def _of_another_kind(file: ComposeFile) -> Iterator[Change | Refusal]:
    for found in Corrections(file):
        location = file.source.location(found.at)
        if found.edit is None:
            yield Refusal(found.title, location, found.remedy, repairs=True)
        else:
            yield Change(found.title, location, [found.edit], repairs=True)
