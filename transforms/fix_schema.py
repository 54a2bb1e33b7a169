"""Correct keys and values that the engine's schema rejects.

A key that is written twice with the same value is written once; a misspelt key (`depends`,
`environments`, `netwroks`) gets the name that is obviously meant; text that needs quotes gets them,
a list that was forgotten is made one, and what a list may not hold twice is removed. Two different
values for one key, and a key that resembles nothing, are named with what to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import chain

from msgspec import Struct

from composerefactor.compose.attributes import (
    DURATION_KEYS,
    LIST_KEYS,
    TEXT_KEYS,
    TEXT_LIST_KEYS,
    UNIQUE_KEYS,
    bounded,
)
from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merge_keys import merged_entries, merged_get, names_in
from composerefactor.compose.project import Project
from composerefactor.edit.operations import (
    AddItem,
    AddKey,
    Remove,
    Rename,
    Replace,
    ToMapping,
    YamlEdit,
)
from composerefactor.edit.rendering import Flow, Quoted, Value, tail
from composerefactor.errors import InputError
from composerefactor.refactoring.contract import Change, NoOptions, Refusal, fixer
from composerefactor.yaml.comments import comments
from composerefactor.yaml.nodes import (
    Entry,
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    entry_paths,
    node_at,
    paths,
    resolve,
)
from composerefactor.yaml.values import resolve_plain, to_python

_ALIKE = {
    "env": "environment",
    "envs": "environment",
    "env_vars": "environment",
    "environment_file": "env_file",
    "depend": "depends_on",
    "depends": "depends_on",
    "dependencies": "depends_on",
    "health_check": "healthcheck",
    "cmd": "command",
    "name": "container_name",
    "network": "networks",
    "volume": "volumes",
    "mounts": "volumes",
    "workdir": "working_dir",
    "memory": "mem_limit",
}
"""What people write who do not look it up; only where the place knows the word."""
_FAR = 6
"""Words of at least this length may be two letters away, shorter ones one."""


def nearest(word: str, known: Collection[str]) -> str | None:
    """Return the one of *known* that *word* obviously stands for, or None.

    Case, ``-`` for ``_``, a plural, letters that are swapped, left out or doubled; None where two
    words are as near.
    """
    simple = _simple(word)
    same = [each for each in known if _simple(each) == simple]
    if len(same) == 1:
        return same[0]
    alike = _ALIKE.get(word.lower().replace("-", "_"))
    if alike in known:
        return alike
    if len(simple) < 4:  # noqa: PLR2004 - too short to tell
        return None
    distances = {each: distance(simple, _simple(each)) for each in known}
    least = min(distances.values())
    near = [each for each, far in distances.items() if far == least]
    return near[0] if len(near) == 1 and least <= (2 if len(simple) >= _FAR else 1) else None


def distance(a: str, b: str) -> int:
    """Return how many letters are to be put in, left out, changed or swapped from *a* to *b*."""
    above: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, above, row = above, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _simple(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


_PAIRS = {
    "environment": "=",
    "labels": "=",
    "extra_hosts": "=",
    "args": "=",
    "ports": ":",
    "volumes": ":",
}
"""Lists of texts in two parts, and what stands between them."""
_PROBES = frozenset({"CMD", "CMD-SHELL", "NONE"})


class Correction(Struct, frozen=True):
    """What is wrong at offset *at*, in words, and the edit that mends it; None where nobody can."""

    title: str
    at: int
    edit: YamlEdit | None
    remedy: str = ""


class Corrections:
    """Finds the corrections of one file, each where it is written, once."""

    def __init__(self, file: ComposeFile) -> None:
        self.file = file
        self.seen: set[int] = set()

    @cached_property
    def paths(self) -> dict[int, Path]:
        """The address of each node that is written in the file, by its id."""
        return {id(node): path for path, node in paths(self.file.root)}

    def __iter__(self) -> Iterator[Correction]:
        for body in self.file.services.values():
            for key, entry in merged_entries(body).items():
                yield from self._once(entry.value, key)
            check = merged_get(body, "healthcheck")
            yield from self._check(check) if check is not None else ()
            yield from self._pairs(merged_get(merged_get(body, "build"), "args"), "args")
        for section in RESOURCE_SECTIONS:
            node = self.file.root.get(section)
            if isinstance(node, SequenceNode) and node.items:
                yield self._to_mapping(section, node)

    def _once(self, node: Node, key: str) -> Iterator[Correction]:
        node = resolve(node)
        if id(node) in self.seen:
            return
        self.seen.add(id(node))
        if isinstance(node, ScalarNode) and not node.is_null:
            if key in TEXT_KEYS:
                yield from self._text(node, key)
            elif key in LIST_KEYS:
                value: Value = [Quoted(node.value) if key == "ports" else node.value]
                yield self._replaced(node, value, f"{key} is a list")
        elif isinstance(node, SequenceNode):
            if key in TEXT_LIST_KEYS:
                yield from self._items(node)
            if key in UNIQUE_KEYS:
                yield from self._twice(node, key)
            yield from self._pairs(node, key)

    def _text(self, node: ScalarNode, key: str) -> Iterator[Correction]:
        value = _plain(node)
        if isinstance(value, str):
            return
        if key == "restart":
            if value is False:
                yield self._replaced(node, Quoted("no"), "restart is text")
            else:
                title = f"restart: {node.value} is no policy"
                remedy = "write always, unless-stopped, on-failure or no"
                yield Correction(title, node.start, None, remedy)
            return
        text = f"{node.value}s" if key == "stop_grace_period" else node.value
        yield self._replaced(node, Quoted(text), f"{key} is text")

    def _items(self, node: SequenceNode) -> Iterator[Correction]:
        for item in node.items:
            if (
                isinstance(item, ScalarNode)
                and not item.is_null
                and not isinstance(_plain(item), str)
            ):
                yield self._replaced(item, Quoted(item.value), "a list of texts")

    def _twice(self, node: SequenceNode, key: str) -> Iterator[Correction]:
        known: set[str] = set()
        for item in node.items:
            if isinstance(item, ScalarNode):
                if item.value in known:
                    path = self.paths[id(item)]
                    edit = Remove(self.file.path, path)
                    yield Correction(f"{key} has {item.value} twice", item.start, edit)
                known.add(item.value)

    def _pairs(self, node: Node | None, key: str) -> Iterator[Correction]:
        """Yield corrections of items that a space turned into mappings: ``- KEY: value``."""
        if key not in _PAIRS or not isinstance(node, SequenceNode):
            return
        for item in node.items:
            if not isinstance(item, MappingNode) or len(item.entries) != 1:
                continue
            entry = item.entries[0]
            if isinstance(entry.value, ScalarNode) and not entry.value.is_null and not item.flow:
                text = f"{entry.name}{_PAIRS[key]}{entry.value.value}"
                value = Quoted(text) if key == "ports" else text
                yield self._replaced(item, value, f"{key} is a list of texts")

    def _check(self, check: Node) -> Iterator[Correction]:
        for key in DURATION_KEYS:
            node = merged_get(check, key)
            if not isinstance(node, ScalarNode) or node.is_null or id(node) in self.seen:
                continue
            self.seen.add(id(node))
            if not isinstance(_plain(node), str):
                yield self._replaced(node, f"{node.value}s", f"{key} has a unit")
        test = merged_get(check, "test")
        if isinstance(test, SequenceNode) and id(test) not in self.seen:
            self.seen.add(id(test))
            words = [item.value for item in test.items if isinstance(item, ScalarNode)]
            if words and words[0] not in _PROBES and len(words) == len(test.items):
                title = "a test begins with CMD, CMD-SHELL or NONE"
                if test.flow:
                    yield self._replaced(test, Flow(("CMD", *words)), title)
                else:
                    yield Correction(title, test.start, None, "put an item CMD before the others")
            else:
                yield from self._items(test)

    def _to_mapping(self, section: str, node: SequenceNode) -> Correction:
        names = [item.value for item in node.items if isinstance(item, ScalarNode)]
        values: dict[str, Value] = dict.fromkeys(names)
        edit = ToMapping(self.file.path, (section,), values)
        return Correction(f"{section} is a mapping of names", node.start, edit)

    def _replaced(self, node: Node, value: Value, title: str) -> Correction:
        path: Path = self.paths[id(node)]
        return Correction(title, node.start, Replace(self.file.path, path, value))


def _plain(node: ScalarNode) -> object:
    return node.value if node.style or node.tag else resolve_plain(node.value)


@fixer(NoOptions, first=True)
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
        if not isinstance(node, MappingNode) or not _has_equals(node):
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


def _has_equals(node: MappingNode) -> bool:
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
    if right.name != "depends_on" or not isinstance(resolve(wrong.value), SequenceNode):
        remedy = f"put what it says into {right.name}, and remove it"
        return Refusal(title, location, remedy, repairs=True)
    edits: list[YamlEdit] = []
    for name in names:
        if name in names_in(body):
            continue
        if isinstance(body, MappingNode):
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
