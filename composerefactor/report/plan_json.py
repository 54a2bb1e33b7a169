"""A proposal as JSON, and differences between environments as sentences.

The key ``schema`` of a document is the version of its format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, to_builtins

from composerefactor.compose.attributes import Path
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import GENERAL
from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import FileChange
from composerefactor.planning.fixes import FixPlan, PlannedFix
from composerefactor.planning.propose import Proposal, oldest_engine
from composerefactor.proof.comparison import ProofResult
from composerefactor.proof.engine import Engine
from composerefactor.refactoring.deduplicate.variants import (
    ABSENT,
    Comparison,
    Difference,
    comparisons,
)
from composerefactor.refactoring.reader import Outcome
from composerefactor.report.text import command_text

_MAX_SHOWN = 48
_IS_SET = "set"
_FIRST = ("image", "build", "healthcheck", "restart", "privileged", "user", "ports", "deploy")
"""Attributes whose differences are most often a surprise; they come first."""


def sentences(comparison: Comparison, *, verbose: bool = False) -> list[str]:
    """Return the differences, one line per attribute, or one per setting with *verbose*."""
    names = _names(comparison)
    grouped: dict[tuple[str, str], list[Difference]] = {}
    for difference in comparison.differences:
        attribute = difference.path[0] if difference.path else ""
        grouped.setdefault((attribute, difference.service), []).append(difference)
    services: dict[str, list[str]] = {}
    for attribute, service in sorted(grouped, key=lambda key: _rank(key[0])):
        differences = grouped[attribute, service]
        if verbose or len(differences) == 1:
            lines = [_sentence(d, names) for d in differences]
        else:
            keys = [".".join(d.path[1:]) for d in differences]
            listed = ", ".join(keys[:4]) + (" ..." if len(keys) > 4 else "")  # noqa: PLR2004
            lines = [f"{attribute}: {len(differences)} settings differ, {listed}"]
        for sentence in lines:
            services.setdefault(sentence, []).append(service)
    several = [f"{', '.join(of)}: {sentence}" for sentence, of in services.items()]
    return [*_missing(comparison, names), *several]


class SettingDocument(Struct, frozen=True):
    """A setting of a service that differs between files.

    Attributes:
        service: The service.
        path: The keys below the service.
        values: The value by file; files without the setting are not listed.
    """

    service: str
    path: Path
    values: Mapping[str, Any]


class ComparisonDocument(Struct, frozen=True):
    """Files that define the same services, and the settings that differ.

    Attributes:
        files: The files.
        services: The files that define each service, by its name.
        settings: The settings that differ.
    """

    files: tuple[str, ...]
    services: Mapping[str, tuple[str, ...]]
    settings: tuple[SettingDocument, ...]


def comparison_document(comparison: Comparison) -> ComparisonDocument:
    """Return *comparison* as it is in JSON, with secrets masked."""
    settings = [
        SettingDocument(
            d.service,
            d.path,
            {
                file: GENERAL.value(value, d.path[-1] if d.path else "")
                for file, value in d.values.items()
                if value is not ABSENT
            },
        )
        for d in comparison.differences
    ]
    return ComparisonDocument(comparison.files, comparison.services, tuple(settings))


def _missing(comparison: Comparison, names: Mapping[str, str]) -> Iterator[str]:
    """Yield which files lack a service that several others define."""
    for service in comparison.common:
        without = [f for f in comparison.files if f not in comparison.services[service]]
        if without:
            yield f"{service}: not in {_listed(names[f] for f in without)}"


def _sentence(difference: Difference, names: Mapping[str, str]) -> str:
    setting = ".".join(difference.path)
    by_value: dict[str, list[str]] = {}
    absent = []
    for file, value in difference.values.items():
        if value is ABSENT or value == []:
            absent.append(names[file])
        else:
            by_value.setdefault(_short(value, difference.path), []).append(names[file])
    if len(by_value) == 1 and not absent:
        return f"{setting} is not the same in {_listed(names[f] for f in difference.values)}"
    if len(by_value) == 1:
        (value, files), *_ = by_value.items()
        if value == _IS_SET and len(absent) <= len(files):
            return f"no {setting} in {_listed(absent)}"
        return f"{setting} only in {_listed(files)}" + ("" if value == _IS_SET else f", {value}")
    parts = [f"{value} in {_listed(files)}" for value, files in by_value.items()]
    parts += [f"none in {_listed(absent)}"] if absent else []
    return f"{setting}: {', '.join(parts)}"


def _short(value: Any, path: tuple[str, ...]) -> str:
    masked = GENERAL.value(value, path[-1] if path else "")
    if isinstance(masked, dict):
        return _IS_SET
    items = masked if isinstance(masked, list) else [masked]
    separator = " " if path[-1] in {"command", "entrypoint", "test"} else ", "
    text = " ".join(separator.join(map(_item, items)).split()) or '""'
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def _item(item: Any) -> str:
    """Return an item of a list; ports and volumes in their short form."""
    if isinstance(item, dict) and "target" in item:
        before = [str(item[key]) for key in ("host_ip", "published", "source") if key in item]
        udp = "/udp" if item.get("protocol") == "udp" else ""
        return ":".join([*before, str(item["target"])]) + udp
    return item if isinstance(item, str) else _json(item)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _names(comparison: Comparison) -> dict[str, str]:
    """Return a short name for each file, or the paths if two names are the same."""
    names = comparison.environments
    return dict(names) if len(set(names.values())) == len(names) else {f: f for f in names}


def _rank(attribute: str) -> int:
    return _FIRST.index(attribute) if attribute in _FIRST else len(_FIRST)


def _listed(names: Iterable[str]) -> str:
    *others, last = list(names)
    return f"{', '.join(others)} and {last}" if others else str(last)


SCHEMA = 2
"""The version of the documents of ``split``, ``fix``, ``join``, ``verify`` and ``diff``."""


def document(proposal: Proposal, command: str) -> dict[str, Any]:
    """Return *proposal* of *command* as plain values: start commands, changes, verification."""
    project = proposal.opened.project
    proof, engine = proposal.proof, proposal.engine
    return {
        "schema": SCHEMA,
        "command": command,
        "start_commands": [
            {
                **_entry(entry),
                "evidence": [str(e) for e in entry.evidence],
                "error": str(project.errors.get(entry) or proposal.rejected.get(entry) or "")
                or None,
            }
            for entry in project.entries
        ],
        "not_read": [
            {"file": path, "reason": str(error)} for path, error in project.not_read.items()
        ],
        "changes": [
            {
                "id": change.id,
                "path": change.path,
                "kind": _kind(change),
                "services": list(proposal.plan.services.get(change.path, ())),
            }
            for change in proposal.changes.changes
        ],
        "unmoved": [
            {
                "file": unmoved.location.path,
                "line": unmoved.location.line,
                "section": unmoved.element[1],
                "name": unmoved.element[2],
                "reason": unmoved.reason,
            }
            for unmoved in proposal.plan.unmoved
        ],
        "relocated": dict(proposal.plan.relocated),
        "commands": [
            {"before": command_text(old), "after": command_text(new)}
            for old, new in proposal.plan.entries.items()
        ],
        "mentions": [{"file": m.path, "line": m.line} for m in proposal.plan.mentions],
        "notes": list(proposal.plan.notes),
        "readers": [reader_document(outcome) for outcome in proposal.plan.readers],
        "saved_lines": _saved_lines(proposal),
        "differences": to_builtins([comparison_document(c) for c in comparisons(project)]),
        "fixes": fixes_document(proposal.fix_plan) if proposal.fix_plan else None,
        "proof": None
        if proof is None or engine is None
        else {
            **proof_document(proof, engine, proposal.project),
            "oldest_engine": oldest_engine(proposal) or None,
            "override_sensitivities": [
                {**_entry(s.entry), "service": s.service, "message": s.message}
                for s in proposal.sensitivities
            ],
        },
    }


def reader_document(outcome: Outcome) -> dict[str, Any]:
    """Return what becomes of another reader of the files as plain values."""
    return {
        "reader": outcome.reader,
        "state": outcome.state,
        "file": outcome.location.path,
        "line": outcome.location.line,
        "statement": outcome.statement,
        "action": outcome.action,
    }


def _saved_lines(proposal: Proposal) -> dict[str, int]:
    """Return the lines of text before and after, and what deduplication saves."""
    saved_lines, (before, after) = proposal.plan.saved_lines, proposal.own_changes.text_lines()
    return {
        "lines_before": before,
        "lines_after": after,
        "repeated_lines_removed": saved_lines.lines,
        "definitions_before": saved_lines.definitions,
        "definitions_after": saved_lines.services,
    }


def fixes_document(fix_plan: FixPlan) -> dict[str, Any]:
    """Return the fixes as plain values: those that are applied, and the others by reason."""
    return {
        **{
            state: [_fix(fix) for fix in fixes]
            for state, fixes in (
                ("applied", fix_plan.applied),
                ("available", fix_plan.available),
                ("uncertain", fix_plan.uncertain),
                ("suppressed", fix_plan.suppressed),
                ("excluded", fix_plan.excluded),
            )
        },
        "skipped": [
            {
                "transform": name,
                "file": refusal.location.path,
                "line": refusal.location.line,
                "reason": refusal.reason,
                "remedy": refusal.remedy,
            }
            for name, refusal in fix_plan.refusals
        ],
    }


def _fix(fix: PlannedFix) -> dict[str, Any]:
    change = fix.change
    return {
        "id": fix.id,
        "transform": fix.transform,
        "title": change.title,
        "file": change.location.path,
        "line": change.location.line,
        "confidence": change.confidence,
        "evidence": change.evidence,
        "details": list(change.details),
        "safe": change.is_safe,
        "repairs": change.repairs,
        "effects": [
            {"verb": e.verb, "path": list(e.path), "resolved": e.resolved} for e in change.effects
        ],
        "reason": fix.reason,
    }


def _kind(change: FileChange) -> str:
    if change.is_deleted:
        return "deleted"
    return "created" if change.is_created else "changed"


def proof_document(proof: ProofResult, engine: Engine, project: Project) -> dict[str, Any]:
    """Return *proof* as plain values; *project* is the state before the change."""
    return {
        "engine": {"version": engine.version, "origin": engine.origin},
        "ok": proof.ok,
        "compared": proof.covered,
        "runs": engine.usage.runs,
        "containers": len(project.services) - len(project.templates),
        "recreated": sorted({n for names in proof.recreated.values() for n in names}),
        "assumptions": list(proof.assumptions),
        "not_covered": [
            {**_entry(n.entry), "scenario": n.scenario, "message": n.message}
            for n in proof.not_covered
        ],
        "differences": [
            {**_entry(f.entry), "scenario": f.scenario, "message": f.message}
            for f in proof.differences
        ],
    }


def _entry(entry: Invocation) -> dict[str, Any]:
    return {
        "files": list(entry.files),
        "directory": entry.directory,
        "project_directory": entry.project_directory,
        "env_files": list(entry.env_files),
        "profiles": list(entry.profiles),
    }
