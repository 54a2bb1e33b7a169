"""A proposal as JSON, for programs. The schema is versioned by ``schema``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.compose.secrets import mask_value
from composerefactor.edit.planned_files import FileChange
from composerefactor.planning.fixes import FixPlan, PlannedFix
from composerefactor.planning.propose import Proposal, oldest_engine
from composerefactor.proof.comparison import ProofResult
from composerefactor.proof.engine import Engine
from composerefactor.refactoring.deduplicate.differences import (
    ABSENT,
    Comparison,
    Difference,
    comparisons,
)
from composerefactor.refactoring.modules.naming import variant
from composerefactor.report.text import written

_MAX_SHOWN = 48
_SET = "set"
_FIRST = ("image", "build", "healthcheck", "restart", "privileged", "user", "ports", "deploy")
"""Attributes whose differences are most often news to the owner; those of others follow."""


def sentences(comparison: Comparison, *, verbose: bool = False) -> list[str]:
    """Return what differs, a line for each attribute, or for each setting where *verbose*."""
    names = _names(comparison)
    grouped: dict[tuple[str, str], list[Difference]] = {}
    for difference in comparison.differences:
        attribute = difference.path[0] if difference.path else ""
        grouped.setdefault((attribute, difference.service), []).append(difference)
    services: dict[str, list[str]] = {}
    for attribute, service in sorted(grouped, key=lambda key: _rank(key[0])):
        found = grouped[attribute, service]
        if verbose or len(found) == 1:
            words = [_sentence(d, names) for d in found]
        else:
            keys = [".".join(d.path[1:]) for d in found]
            shown = ", ".join(keys[:4]) + (" ..." if len(keys) > 4 else "")  # noqa: PLR2004
            words = [f"{attribute}: {len(found)} settings differ, {shown}"]
        for sentence in words:
            services.setdefault(sentence, []).append(service)
    several = [f"{', '.join(of)}: {sentence}" for sentence, of in services.items()]
    return [*_missing(comparison, names), *several]


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return *comparison* as plain values; a file that does not have a setting is not named."""
    return {
        "files": list(comparison.files),
        "services": {name: list(of) for name, of in comparison.services.items()},
        "settings": [
            {
                "service": d.service,
                "path": list(d.path),
                "values": {
                    file: mask_value(value, d.path[-1] if d.path else "")
                    for file, value in d.values.items()
                    if value is not ABSENT
                },
            }
            for d in comparison.differences
        ],
    }


def _missing(comparison: Comparison, names: Mapping[str, str]) -> Iterator[str]:
    """Yield which of several files do not have a service that others share."""
    for service in comparison.common:
        without = [f for f in comparison.files if f not in comparison.services[service]]
        if without:
            yield f"{service}: not in {_listed(names[f] for f in without)}"


def _sentence(difference: Difference, names: Mapping[str, str]) -> str:
    where = ".".join(difference.path)
    by_value: dict[str, list[str]] = {}
    absent = []
    for file, value in difference.values.items():
        if value is ABSENT or value == []:
            absent.append(names[file])
        else:
            by_value.setdefault(_shown(value, difference.path), []).append(names[file])
    if len(by_value) == 1 and not absent:
        return f"{where} is not the same in {_listed(names[f] for f in difference.values)}"
    if len(by_value) == 1:
        (value, files), *_ = by_value.items()
        if value == _SET and len(absent) <= len(files):
            return f"no {where} in {_listed(absent)}"
        return f"{where} only in {_listed(files)}" + ("" if value == _SET else f", {value}")
    words = [f"{value} in {_listed(files)}" for value, files in by_value.items()]
    words += [f"none in {_listed(absent)}"] if absent else []
    return f"{where}: {', '.join(words)}"


def _shown(value: Any, path: tuple[str, ...]) -> str:
    masked = mask_value(value, path[-1] if path else "")
    if isinstance(masked, dict):
        return _SET
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
    """Return a short name for each file, or its path where two have the same one."""
    short = {f: variant(f) for f in comparison.files}
    short = {f: "default" if name == "main" else name for f, name in short.items()}
    return short if len(set(short.values())) == len(short) else {f: f for f in short}


def _rank(attribute: str) -> int:
    return _FIRST.index(attribute) if attribute in _FIRST else len(_FIRST)


def _listed(names: Iterable[str]) -> str:
    *others, last = list(names)
    return f"{', '.join(others)} and {last}" if others else str(last)


SCHEMA = 1


def document(proposal: Proposal, command: str) -> dict[str, Any]:
    """Return *proposal* as plain values: what was found, planned and proved."""
    project = proposal.opened.project
    proof, engine = proposal.proof, proposal.engine
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
            for stay in proposal.plan.unmoved
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
        "mends": mends_document(proposal.fix_plan) if proposal.fix_plan else None,
        "proof": None
        if proof is None or engine is None
        else {
            **verdict_document(proof, engine, proposal.project),
            "oldest_engine": oldest_engine(proposal) or None,
            "weaker": [
                {**_entry(w.entry), "service": w.service, "words": w.words}
                for w in proposal.sensitivities
            ],
        },
    }


def _gain(proposal: Proposal) -> dict[str, int]:
    """Return how much text there was and would be, and what sharing takes away of it."""
    saved_lines, (before, after) = proposal.plan.saved_lines, proposal.changes.text_lines()
    return {
        "lines_before": before,
        "lines_after": after,
        "repeated_lines_removed": saved_lines.lines,
        "definitions_before": saved_lines.definitions,
        "definitions_after": saved_lines.services,
    }


def mends_document(fix_plan: FixPlan) -> dict[str, Any]:
    """Return the changes in place as plain values, by what becomes of them."""
    return {
        **{
            state: [_mend(each) for each in found]
            for state, found in (
                ("taken", fix_plan.taken),
                ("offered", fix_plan.offered),
                ("suppressed", fix_plan.suppressed),
                ("left", fix_plan.left),
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
            for name, refusal in fix_plan.refusals
        ],
    }


def _mend(found: PlannedFix) -> dict[str, Any]:
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


def verdict_document(proof: ProofResult, engine: Engine, project: Project) -> dict[str, Any]:
    """Return *proof* on *project*, as it was before, as plain values."""
    return {
        "engine": {"version": engine.version, "origin": engine.origin},
        "ok": proof.ok,
        "compared": proof.covered,
        "runs": proof.runs,
        "containers": len(project.services),
        "recreated": sorted({n for names in proof.recreated.values() for n in names}),
        "assumptions": list(proof.assumptions),
        "not_covered": [
            {**_entry(n.entry), "circumstance": n.scenario, "words": n.words}
            for n in proof.not_covered
        ],
        "differences": [
            {**_entry(f.entry), "circumstance": f.scenario, "words": f.words}
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
