"""A proposal as JSON.

The key ``schema`` of a document is the version of its format.
"""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.planning.fixes import FixPlan, PlannedFix
from composerefactor.planning.propose import Proposal, oldest_engine
from composerefactor.proof.comparison import ProofResult
from composerefactor.proof.engine import Engine
from composerefactor.refactoring.deduplicate.variants import comparisons
from composerefactor.refactoring.reader import Outcome
from composerefactor.report.differences import comparison_document
from composerefactor.report.text import command_text

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
                "kind": change.kind,
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


def proof_document(proof: ProofResult, engine: Engine, project: Project) -> dict[str, Any]:
    """Return *proof* as plain values; *project* is the state before the change."""
    return {
        "engine": {"version": engine.version, "origin": engine.origin},
        "ok": proof.ok,
        "compared": proof.covered,
        "runs": engine.usage.runs,
        "containers": len(project.containers),
        "recreated": proof.recreated_names,
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
