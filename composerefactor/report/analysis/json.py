"""An analysis as JSON, for programs; the schema is versioned by ``schema``."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib.resources import files
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from msgspec import Struct

from composerefactor.analysis.analysis import Analysis, Rating
from composerefactor.analysis.facts.architecture import EntryArchitecture, Repetition
from composerefactor.analysis.findings import Finding, RuleInfo, Severity, fingerprints
from composerefactor.errors import Location
from composerefactor.report.plan_json import comparison_document

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


SCHEMA = 1
SCHEMA_FILE = "schema.json"


class FindingDocument(Struct, frozen=True):
    """A finding; *id* is its fingerprint, *reason* why it is suppressed where it is."""

    id: str
    rule: str
    severity: Severity
    message: str
    location: Location
    service: str | None
    subject: str
    transform: str | None
    remedy: str
    reason: str | None


def analysis_document(analysis: Analysis) -> dict[str, Any]:
    """Return *analysis* as plain values, in the form of :func:`schema`; secrets are masked."""
    facts = analysis.architecture
    return {
        "schema": SCHEMA,
        "project": facts.name,
        "rating": plain(analysis.rating),
        "ratings": plain(analysis.ratings),
        "strengths": list(analysis.strengths),
        "main": facts.main.title if facts.main else None,
        "entry_points": [plain(each) for each in facts.entries],
        "unread": [
            {
                "files": list(entry.files),
                "message": facts.redaction.text(error.message),
                "location": plain(error.location) if error.location else None,
            }
            for entry, error in facts.unread.items()
        ],
        "environments": [
            _redacted(comparison_document(each), facts.redaction.text) for each in facts.comparisons
        ],
        "repetitions": plain(facts.repetitions),
        "findings": _findings([(each, None) for each in analysis.findings]),
        "suppressed": _findings([(s.finding, s.reason) for s in analysis.suppressed]),
        "known": _findings([(each, None) for each in analysis.known]),
        "rules": [plain(each) for each in analysis.rules.values()],
        "unresolved": list(facts.unresolved),
    }


def _findings(found: list[tuple[Finding, str | None]]) -> list[Any]:
    marks = fingerprints(each for each, _ in found)
    return [
        plain(
            FindingDocument(
                mark,
                each.rule,
                each.severity,
                each.message,
                each.location,
                each.service,
                each.subject,
                each.transform,
                each.remedy,
                reason,
            )
        )
        for mark, (each, reason) in zip(marks, found, strict=True)
    ]


def _redacted(value: Any, text: Any) -> Any:
    """Return *value* with every text in it as the function *text* gives it."""
    if isinstance(value, Mapping):
        return {key: _redacted(part, text) for key, part in value.items()}
    if isinstance(value, list):
        return [_redacted(part, text) for part in value]
    return text(value) if isinstance(value, str) else value


def schema() -> dict[str, Any]:
    """Return the JSON schema of the document, made from the types of the facts."""
    made = Definitions()
    text = {"type": "string"}
    findings = {"type": "array", "items": made.schema(FindingDocument)}
    properties: dict[str, Any] = {
        "schema": {"const": SCHEMA},
        "project": text,
        "rating": made.schema(Rating),
        "ratings": {"type": "array", "items": made.schema(Rating)},
        "strengths": {"type": "array", "items": text},
        "main": {"type": ["string", "null"]},
        "entry_points": {"type": "array", "items": made.schema(EntryArchitecture)},
        "unread": {"type": "array", "items": _unread(made)},
        "environments": {"type": "array", "items": _COMPARISON},
        "repetitions": {"type": "array", "items": made.schema(Repetition)},
        "findings": findings,
        "suppressed": findings,
        "known": findings,
        "rules": {"type": "array", "items": made.schema(RuleInfo)},
        "unresolved": {"type": "array", "items": text},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "composerefactor analyze --format json",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "$defs": dict(sorted(made.known.items())),
    }


_COMPARISON: dict[str, Any] = {
    "description": "Files that define the same services, and the settings that differ.",
    "type": "object",
    "properties": {
        "files": {"type": "array", "items": {"type": "string"}},
        "services": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "settings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "service": {"type": "string"},
                    "path": {"type": "array", "items": {"type": "string"}},
                    "values": {"type": "object"},
                },
                "required": ["service", "path", "values"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["files", "services", "settings"],
    "additionalProperties": False,
}


def _unread(made: Definitions) -> dict[str, Any]:
    properties = {
        "files": {"type": "array", "items": {"type": "string"}},
        "message": {"type": "string"},
        "location": made.schema(Location | None),
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def schema_text() -> str:
    """Return the text of the schema as it ships."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def shipped_schema() -> Any:
    """Return the schema that ships with the package."""
    return json.loads(files(__package__ or "").joinpath(SCHEMA_FILE).read_text("utf-8"))
