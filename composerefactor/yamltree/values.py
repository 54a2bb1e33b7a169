"""A tree as plain Python values: aliases and merges resolved, scalars typed as the engine does."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from composerefactor.errors import InputError
from composerefactor.source import Source
from composerefactor.yamltree.build import MAX_DEPTH
from composerefactor.yamltree.nodes import Alias, Mapping, Node, Scalar, Sequence, resolve
from composerefactor.yamltree.scalars import ScalarValue, resolve_plain


def to_python(node: Node, source: Source | None = None) -> Any:
    """Return what *node* stands for, as dicts, lists and scalars.

    Keys are text as it is written: ``8080:`` gives ``"8080"``. In a merge (``<<``) own keys win,
    then the earlier of several mappings. Equal aliases give the very same object, so aliases of
    aliases cost no more than the text has nodes; do not change the result in place. Tags that are
    not YAML's own (``!reset``, ``!override``) change nothing. *source* gives errors their line.

    Raises InputError for a node that contains itself, a merge of something that is no mapping, a
    key that is no scalar, a value that its tag does not fit, and for more than
    :data:`~composerefactor.yamltree.build.MAX_DEPTH` levels.
    """
    resolver = _Resolver(source)
    if isinstance(node, Scalar):
        return resolver.scalar(node)
    value = resolver.value(node, 0)
    if resolver.has_alias:  # the parser has seen to what is written out
        resolver.check_depth(node)
    return value


class _Resolver:
    """Remembers the value of each collection, so that an alias costs nothing."""

    def __init__(self, source: Source | None) -> None:
        self.source = source
        self.known: dict[int, Any] = {}
        self.open: set[int] = set()
        self.made: list[dict[str, Any] | list[Any]] = []
        self.has_alias = False

    def value(self, node: Node, depth: int) -> Any:
        """Return the value of *node*, which stands *depth* levels below the start."""
        at = node
        if isinstance(node, Alias):
            node = resolve(node)
            self.has_alias = True
        if isinstance(node, Scalar):
            return self.scalar(node)
        key = id(node)
        if key in self.known:
            return self.known[key]
        if key in self.open:
            raise self.error(at, f"&{node.anchor} contains itself")
        if depth > MAX_DEPTH:
            raise self.error(at, f"nested deeper than {MAX_DEPTH} levels")
        self.open.add(key)
        value: dict[str, Any] | list[Any]
        if isinstance(node, Mapping):
            value = self.mapping(node, depth)
        elif isinstance(node, Sequence):
            value = [self.value(item, depth + 1) for item in node.items]
        else:
            raise self.error(at, "an alias of nothing")
        self.open.remove(key)
        self.known[key] = value
        self.made.append(value)
        return value

    def mapping(self, node: Mapping, depth: int) -> dict[str, Any]:
        """Return *node* with its own keys first, then those that it merges."""
        value: dict[str, Any] = {}
        merges: list[Node] = []
        for entry in node.entries:
            if entry.is_merge:
                merges.append(entry.value)
            elif entry.name is None:
                raise self.error(entry.key, "a key that is no scalar")
            else:
                value[entry.name] = self.value(entry.value, depth + 1)
        for merge in merges:
            for part in self.merge_parts(merge):
                for name, inherited in self.value(part, depth + 1).items():
                    value.setdefault(name, inherited)
        return value

    def merge_parts(self, node: Node) -> Iterator[Node]:
        """Yield the mappings that the value *node* of a merge key names."""
        target = resolve(node)
        parts = target.items if isinstance(target, Sequence) else [node]
        for part in parts:
            if not isinstance(resolve(part), Mapping):
                raise self.error(part, "<< takes a mapping or a list of mappings")
            yield part

    def scalar(self, node: Scalar) -> Any:
        """Return the value of *node* under its tag, or as the engine types it without one."""
        tag = node.tag or ""
        kind = tag.removeprefix("!!") if tag.startswith("!!") else ""
        if tag == "!" or kind == "str":
            return node.value
        if kind == "binary":
            return self.binary(node)
        if node.style and not kind:
            return node.value
        value = resolve_plain(node.value)
        if kind and not _fits(kind, value):
            raise self.error(node, f"{node.value!r} is no {node.tag}")
        return float(value) if kind == "float" and isinstance(value, int) else value

    def binary(self, node: Scalar) -> str:
        """Return the text that ``!!binary`` holds in base64, as the engine does."""
        try:
            return base64.b64decode("".join(node.value.split()), validate=True).decode("utf-8")
        except ValueError:
            raise self.error(node, "!!binary holds no text") from None

    def check_depth(self, node: Node) -> None:
        """Refuse a value that is too deep once every alias is written out."""
        heights: dict[int, int] = {}
        for value in self.made:  # parts come before the whole
            parts = value.values() if isinstance(value, dict) else value
            heights[id(value)] = 1 + max((heights.get(id(part), 0) for part in parts), default=0)
            if heights[id(value)] > MAX_DEPTH:
                raise self.error(node, f"nested deeper than {MAX_DEPTH} levels")

    def error(self, node: Node, problem: str) -> InputError:
        """Return an error at the place of *node*."""
        if self.source is None:
            return InputError(f"not usable YAML: {problem}")
        at = node.outer_start
        return InputError(
            f"not usable YAML: {problem}",
            location=self.source.location(at),
            source_line=self.source.line(at),
        )


def _fits(kind: str, value: ScalarValue) -> bool:
    match kind:
        case "null":
            return value is None
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return True
