"""An analysis as JSON, for programs; the schema is versioned by ``schema``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from msgspec import Struct

from composerefactor.analysis.analysis import Analysis
from composerefactor.analysis.ratings import Rating
from composerefactor.architecture.architecture import EntryArchitecture
from composerefactor.architecture.repetition import Repetition
from composerefactor.errors import Location
from composerefactor.findings.finding import Finding, fingerprints
from composerefactor.findings.rule import Rule
from composerefactor.findings.severity import Severity
from composerefactor.report.differences import comparison_document
from composerefactor.report.plain import Definitions, plain

SCHEMA = 1
SCHEMA_FILE = "analysis.schema.json"


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
        "rules": {"type": "array", "items": made.schema(Rule)},
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
