"""Facts as plain values for JSON, and the JSON schema of the types that they have."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

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
    """Return *value* as JSON has it: dataclasses as objects of the fields that are compared."""
    if isinstance(value, Location):
        return {"file": value.path, "line": value.line}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.compare}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, Enum):
        return value.name.lower()
    return value


class Definitions:
    """Makes the JSON schema of types; what dataclasses become is collected in *known*."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def schema(self, kind: Any) -> dict[str, Any]:
        """Return the schema of values of the type *kind*, as :func:`plain` gives them."""
        if kind is Location:
            return _LOCATION
        if kind in _SIMPLE:
            return {"type": _SIMPLE[kind]}
        if is_dataclass(kind) and isinstance(kind, type):
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
            names = [f.name for f in fields(kind) if f.compare]
            self.known[kind.__name__] = {
                "description": " ".join((kind.__doc__ or "").split()),
                "type": "object",
                "properties": {name: self.schema(hints[name]) for name in names},
                "required": names,
                "additionalProperties": False,
            }
        return {"$ref": f"#/$defs/{kind.__name__}"}
