"""What a settings file may hold, said once: checked with file and line, and as a JSON schema."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from composerefactor.errors import InputError
from composerefactor.source import Source
from composerefactor.yamltree import nodes as yaml
from composerefactor.yamltree.nodes import Node, resolve
from composerefactor.yamltree.values import to_python


class Shape(Protocol):
    """The form of a value."""

    def check(self, node: Node, where: str, source: Source) -> None:
        """Raise InputError, with file and line, where *node*, the value of *where*, is none."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema (draft 2020-12) of the form."""
        ...


class Plain(Struct, frozen=True):
    """A scalar of one of the types *kinds*: ``string``, ``integer``, ``boolean``, ``null``.

    *choices* are the only values where some are given.
    """

    kinds: tuple[str, ...]
    about: str = ""
    choices: tuple[str, ...] = ()

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""
        target = resolve(node)
        value = to_python(target, source) if isinstance(target, yaml.Scalar) else []
        kind = _KINDS.get(type(value), "")
        if kind not in self.kinds:
            expected = " or ".join(_NAMES[kind] for kind in self.kinds)
            raise _error(node, source, f"{where} takes {expected}")
        if self.choices and value not in self.choices:
            raise _error(
                node,
                source,
                f"{where}: {value!r} is none of {', '.join(self.choices)}",
                _suggestion(str(value), self.choices),
            )

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        kinds = list(self.kinds)
        return {
            **({"description": self.about} if self.about else {}),
            **({"enum": list(self.choices)} if self.choices else {}),
            "type": kinds[0] if len(kinds) == 1 else kinds,
        }


class ListOf(Struct, frozen=True):
    """A list of *item*."""

    item: Shape
    about: str = ""
    or_null: bool = False

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""
        target = resolve(node)
        if self.or_null and _is_null(target):
            return
        if not isinstance(target, yaml.Sequence):
            raise _error(node, source, f"{where} takes a list")
        for item in target.items:
            self.item.check(item, where, source)

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        return {
            **_about(self.about),
            "type": ["array", "null"] if self.or_null else "array",
            "items": self.item.schema(),
        }


class MapOf(Struct, frozen=True):
    """A mapping of any names to *value*."""

    value: Shape
    about: str = ""

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""
        for entry in _entries(node, where, source):
            self.value.check(entry.value, f"{where}.{entry.name}", source)

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        return {
            **_about(self.about),
            "type": "object",
            "additionalProperties": self.value.schema(),
        }


class Record(Struct, frozen=True):
    """A mapping with the keys *fields* and no others; those in *required* must be there."""

    fields: Mapping[str, Shape]
    about: str = ""
    required: Sequence[str] = ()
    or_null: bool = False

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""
        if self.or_null and _is_null(resolve(node)):
            return
        entries = _entries(node, where, source)
        for entry in entries:
            shape = self.fields.get(entry.name or "")
            if shape is None:
                raise InputError(
                    f"unknown key {entry.name!r}" + (f" in {where}" if where else ""),
                    location=source.location(entry.start),
                    remedy=_suggestion(entry.name or "", self.fields),
                    source_line=source.line(entry.start),
                )
            shape.check(entry.value, f"{where}.{entry.name}".removeprefix("."), source)
        missing = [name for name in self.required if name not in {e.name for e in entries}]
        if missing:
            raise _error(node, source, f"{where} lacks {', '.join(missing)}")

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        return {
            **_about(self.about),
            "type": ["object", "null"] if self.or_null else "object",
            "properties": {name: shape.schema() for name, shape in self.fields.items()},
            **({"required": list(self.required)} if self.required else {}),
            "additionalProperties": False,
        }


class Anything(Struct, frozen=True):
    """Any value; what it belongs to checks it."""

    about: str = ""

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        return _about(self.about)


_KINDS = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
_NAMES = {"string": "text", "integer": "a whole number", "boolean": "true or false", "null": "null"}


def _is_null(node: Node) -> bool:
    return isinstance(node, yaml.Scalar) and node.is_null


def _entries(node: Node, where: str, source: Source) -> list[yaml.Entry]:
    target = resolve(node)
    if isinstance(target, yaml.Mapping) and all(e.name and not e.is_merge for e in target.entries):
        return target.entries
    raise _error(node, source, f"{where or 'a settings file'} takes a mapping of names to values")


def _about(text: str) -> dict[str, Any]:
    return {"description": text} if text else {}


def _suggestion(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"


def _error(node: Node, source: Source, problem: str, remedy: str = "") -> InputError:
    at = node.outer_start
    return InputError(
        problem, location=source.location(at), remedy=remedy, source_line=source.line(at)
    )
