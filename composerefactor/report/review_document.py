"""What a change means, as plain values for programs. The schema is versioned by ``schema``."""

from __future__ import annotations

from typing import Any

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.impact.change import Effect
from composerefactor.report.document import SCHEMA
from composerefactor.review.reviewed import Compared, Review, Reviewed
from composerefactor.verify.masking import mask_value
from composerefactor.verify.models import Difference


def as_document(found: Review) -> dict[str, Any]:
    """Return *found* as plain values, with secret values masked."""
    return {
        "schema": SCHEMA,
        "command": "diff",
        "old": found.old_name,
        "new": found.new_name,
        "engine": {"version": found.engine.version, "origin": found.engine.origin},
        "differs": found.differs,
        "risk": found.risk.word,
        "changes": [_change(each) for each in found.changes],
        "entry_points": [_compared(each) for each in found.compared],
        "notes": list(found.notes),
    }


def _change(each: Reviewed) -> dict[str, Any]:
    change = each.change
    return {
        "rule": change.rule.id,
        "risk": change.risk.word,
        "effect": str(change.effect or Effect.UNKNOWN),
        "services": list(each.services),
        "path": list(change.path),
        "words": change.words,
        "side": "old" if change.was else "new",
        "file": each.location.path if each.location else None,
        "line": each.location.line or None if each.location else None,
        "entry_points": [entry.title for entry in each.entries],
    }


def _compared(each: Compared) -> dict[str, Any]:
    return {
        "old": _files(each.old),
        "new": _files(each.new),
        "compared": not each.reason and each.old is not None and each.new is not None,
        "reason": each.reason or None,
        "left_out": list(each.left_out),
        "services": each.services,
        "recreated": None if each.recreated is None else list(each.recreated),
        "differences": [_difference(one) for one in each.evidence],
    }


def _files(entry: EntryPoint | None) -> list[str] | None:
    return None if entry is None else list(entry.files)


def _difference(found: Difference) -> dict[str, Any]:
    key = next((part for part in reversed(found.path) if not part.isdecimal()), "")
    values = (("before", found.was, found.before), ("after", found.now, found.after))
    return {"path": list(found.path)} | {
        name: mask_value(value, key) for name, is_there, value in values if is_there
    }
