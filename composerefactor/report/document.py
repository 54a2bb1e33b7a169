"""A proposal as JSON, for programs. The schema is versioned by ``schema``."""

from __future__ import annotations

from typing import Any

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.project import Project
from composerefactor.edits.changeset import FileChange
from composerefactor.factoring.differences import comparisons
from composerefactor.proposal.mended import Mend, Mended
from composerefactor.proposal.propose import Proposal
from composerefactor.proposal.requirements import oldest_engine
from composerefactor.report.commands import written
from composerefactor.report.differences import comparison_document
from composerefactor.verify.engine import Engine
from composerefactor.verify.verdict import Verdict

SCHEMA = 1


def document(proposal: Proposal, command: str) -> dict[str, Any]:
    """Return *proposal* as plain values: what was found, planned and proved."""
    project = proposal.opened.project
    verdict, engine = proposal.verdict, proposal.engine
    return {
        "schema": SCHEMA,
        "command": command,
        "entry_points": [
            {
                **_entry(entry),
                "evidence": [str(e) for e in entry.evidence],
                "error": str(project.errors.get(entry) or proposal.rejected.get(entry) or "")
                or None,
            }
            for entry in project.entries
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
        "stays": [
            {
                "file": stay.location.path,
                "line": stay.location.line,
                "section": stay.part[1],
                "name": stay.part[2],
                "reason": stay.reason,
            }
            for stay in proposal.plan.stays
        ],
        "relocated": dict(proposal.plan.relocated),
        "commands": [
            {"before": written(old), "after": written(new)}
            for old, new in proposal.plan.entries.items()
        ],
        "mentions": [{"file": m.path, "line": m.line} for m in proposal.plan.mentions],
        "notes": list(proposal.plan.notes),
        "gain": _gain(proposal),
        "differences": [comparison_document(c) for c in comparisons(project)],
        "mends": mends_document(proposal.mended) if proposal.mended else None,
        "proof": None
        if verdict is None or engine is None
        else {
            **verdict_document(verdict, engine, proposal.project),
            "oldest_engine": oldest_engine(proposal) or None,
            "weaker": [
                {**_entry(w.entry), "service": w.service, "words": w.words}
                for w in proposal.weaknesses
            ],
        },
    }


def _gain(proposal: Proposal) -> dict[str, int]:
    """Return how much text there was and would be, and what sharing takes away of it."""
    gain, (before, after) = proposal.plan.gain, proposal.changes.text_lines()
    return {
        "lines_before": before,
        "lines_after": after,
        "repeated_lines_removed": gain.lines,
        "definitions_before": gain.definitions,
        "definitions_after": gain.services,
    }


def mends_document(mended: Mended) -> dict[str, Any]:
    """Return the changes in place as plain values, by what becomes of them."""
    return {
        **{
            state: [_mend(each) for each in found]
            for state, found in (
                ("taken", mended.taken),
                ("offered", mended.offered),
                ("suppressed", mended.suppressed),
                ("left", mended.left),
            )
        },
        "refused": [
            {
                "transform": name,
                "file": refusal.location.path,
                "line": refusal.location.line,
                "reason": refusal.reason,
                "remedy": refusal.remedy,
            }
            for name, refusal in mended.refusals
        ],
    }


def _mend(found: Mend) -> dict[str, Any]:
    change = found.change
    return {
        "id": found.id,
        "transform": found.transform,
        "title": change.title,
        "file": change.location.path,
        "line": change.location.line,
        "evidence": change.evidence,
        "details": list(change.details),
        "safe": change.is_safe,
        "repairs": change.repairs,
        "effects": [
            {"verb": e.verb, "path": list(e.path), "resolved": e.resolved} for e in change.effects
        ],
        "reason": found.reason,
    }


def _kind(change: FileChange) -> str:
    if change.is_deleted:
        return "deleted"
    return "created" if change.is_created else "changed"


def verdict_document(verdict: Verdict, engine: Engine, project: Project) -> dict[str, Any]:
    """Return *verdict* on *project*, as it was before, as plain values."""
    return {
        "engine": {"version": engine.version, "origin": engine.origin},
        "ok": verdict.ok,
        "compared": verdict.covered,
        "runs": verdict.runs,
        "containers": len(project.services),
        "recreated": sorted({n for names in verdict.recreated.values() for n in names}),
        "assumptions": list(verdict.assumptions),
        "not_covered": [
            {**_entry(n.entry), "circumstance": n.circumstance, "words": n.words}
            for n in verdict.not_covered
        ],
        "differences": [
            {**_entry(f.entry), "circumstance": f.circumstance, "words": f.words}
            for f in verdict.differences
        ],
    }


def _entry(entry: EntryPoint) -> dict[str, Any]:
    return {
        "files": list(entry.files),
        "directory": entry.directory,
        "project_directory": entry.project_directory,
        "env_files": list(entry.env_files),
        "profiles": list(entry.profiles),
    }
