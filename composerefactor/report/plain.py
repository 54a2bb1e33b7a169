"""Facts as plain values for JSON, and the JSON schema of the types that they have."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from msgspec import Struct

from composerefactor.errors import Location

_LOCATION: dict[str, Any] = {
    "type": "object",
    "properties": {"file": {"type": "string"}, "line": {"type": "integer", "minimum": 0}},
    "required": ["file", "line"],
    "additionalProperties": False,
}
_SIMPLE: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def plain(value: Any) -> Any:
    """Return *value* as JSON has it: structs and dataclasses as objects of what is compared."""
    if isinstance(value, Location):
        return {"file": value.path, "line": value.line}
    if _has_fields(type(value)):
        return {name: plain(getattr(value, name)) for name in _fields(type(value))}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, Enum):
        return value.name.lower()
    return value


def _has_fields(kind: type) -> bool:
    return issubclass(kind, Struct) or is_dataclass(kind)


def _fields(kind: type) -> tuple[str, ...]:
    if issubclass(kind, Struct):
        return kind.__struct_fields__
    return tuple(f.name for f in fields(cast(Any, kind)) if f.compare)


class Definitions:
    """Makes the JSON schema of types; those of structs and dataclasses are collected in *known*."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def schema(self, kind: Any) -> dict[str, Any]:
        """Return the schema of values of the type *kind*, as :func:`plain` gives them."""
        if kind is Location:
            return _LOCATION
        if kind in _SIMPLE:
            return {"type": _SIMPLE[kind]}
        if isinstance(kind, type) and _has_fields(kind):
            return self._object(kind)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [each.name.lower() for each in kind]}
        return self._generic(kind)

    def _generic(self, kind: Any) -> dict[str, Any]:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin in {Union, types.UnionType}:
            return {"anyOf": [self.schema(part) for part in arguments]}
        if origin is tuple:
            if arguments[-1] is Ellipsis:
                return {"type": "array", "items": self.schema(arguments[0])}
            parts = [self.schema(part) for part in arguments]
            bounds = {"minItems": len(parts), "maxItems": len(parts)}
            return {"type": "array", "prefixItems": parts, **bounds}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.schema(arguments[1])}
        raise TypeError(f"no schema for {kind!r}")

    def _object(self, kind: type) -> dict[str, Any]:
        if kind.__name__ not in self.known:
            self.known[kind.__name__] = {}  # stands for itself where it is nested
            hints = get_type_hints(kind)
            names = _fields(kind)
            self.known[kind.__name__] = {
                "description": " ".join((kind.__doc__ or "").split()),
                "type": "object",
                "properties": {name: self.schema(hints[name]) for name in names},
                "required": names,
                "additionalProperties": False,
            }
        return {"$ref": f"#/$defs/{kind.__name__}"}
