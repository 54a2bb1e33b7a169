"""Values of another kind than the schema wants, and what they obviously mean."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from composerefactor.compose.file import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merged import merged_entries, merged_get
from composerefactor.compose.vocabulary import (
    DURATION_KEYS,
    LIST_KEYS,
    TEXT_KEYS,
    TEXT_LIST_KEYS,
    UNIQUE_KEYS,
)
from composerefactor.edits.operations import Remove, Replace, ToMapping, YamlEdit
from composerefactor.edits.render import Flow, Quoted, Value
from composerefactor.yamltree.nodes import Mapping, Node, Scalar, Sequence, resolve
from composerefactor.yamltree.path import Path, paths
from composerefactor.yamltree.scalars import resolve_plain

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
            if isinstance(node, Sequence) and node.items:
                yield self._to_mapping(section, node)

    def _once(self, node: Node, key: str) -> Iterator[Correction]:
        node = resolve(node)
        if id(node) in self.seen:
            return
        self.seen.add(id(node))
        if isinstance(node, Scalar) and not node.is_null:
            if key in TEXT_KEYS:
                yield from self._text(node, key)
            elif key in LIST_KEYS:
                value: Value = [Quoted(node.value) if key == "ports" else node.value]
                yield self._replaced(node, value, f"{key} is a list")
        elif isinstance(node, Sequence):
            if key in TEXT_LIST_KEYS:
                yield from self._items(node)
            if key in UNIQUE_KEYS:
                yield from self._twice(node, key)
            yield from self._pairs(node, key)

    def _text(self, node: Scalar, key: str) -> Iterator[Correction]:
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

    def _items(self, node: Sequence) -> Iterator[Correction]:
        for item in node.items:
            if isinstance(item, Scalar) and not item.is_null and not isinstance(_plain(item), str):
                yield self._replaced(item, Quoted(item.value), "a list of texts")

    def _twice(self, node: Sequence, key: str) -> Iterator[Correction]:
        known: set[str] = set()
        for item in node.items:
            if isinstance(item, Scalar):
                if item.value in known:
                    path = self.paths[id(item)]
                    edit = Remove(self.file.path, path)
                    yield Correction(f"{key} has {item.value} twice", item.start, edit)
                known.add(item.value)

    def _pairs(self, node: Node | None, key: str) -> Iterator[Correction]:
        """Yield corrections of items that a space turned into mappings: ``- KEY: value``."""
        if key not in _PAIRS or not isinstance(node, Sequence):
            return
        for item in node.items:
            if not isinstance(item, Mapping) or len(item.entries) != 1:
                continue
            entry = item.entries[0]
            if isinstance(entry.value, Scalar) and not entry.value.is_null and not item.flow:
                text = f"{entry.name}{_PAIRS[key]}{entry.value.value}"
                value = Quoted(text) if key == "ports" else text
                yield self._replaced(item, value, f"{key} is a list of texts")

    def _check(self, check: Node) -> Iterator[Correction]:
        for key in DURATION_KEYS:
            node = merged_get(check, key)
            if not isinstance(node, Scalar) or node.is_null or id(node) in self.seen:
                continue
            self.seen.add(id(node))
            if not isinstance(_plain(node), str):
                yield self._replaced(node, f"{node.value}s", f"{key} has a unit")
        test = merged_get(check, "test")
        if isinstance(test, Sequence) and id(test) not in self.seen:
            self.seen.add(id(test))
            words = [item.value for item in test.items if isinstance(item, Scalar)]
            if words and words[0] not in _PROBES and len(words) == len(test.items):
                title = "a test begins with CMD, CMD-SHELL or NONE"
                if test.flow:
                    yield self._replaced(test, Flow(("CMD", *words)), title)
                else:
                    yield Correction(title, test.start, None, "put an item CMD before the others")
            else:
                yield from self._items(test)

    def _to_mapping(self, section: str, node: Sequence) -> Correction:
        names = [item.value for item in node.items if isinstance(item, Scalar)]
        values: dict[str, Value] = dict.fromkeys(names)
        edit = ToMapping(self.file.path, (section,), values)
        return Correction(f"{section} is a mapping of names", node.start, edit)

    def _replaced(self, node: Node, value: Value, title: str) -> Correction:
        path: Path = self.paths[id(node)]
        return Correction(title, node.start, Replace(self.file.path, path, value))


def _plain(node: Scalar) -> object:
    return node.value if node.style or node.tag else resolve_plain(node.value)
