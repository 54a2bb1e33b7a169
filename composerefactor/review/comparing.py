"""What one entry point says of both states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.impact.assess import assess, recreated
from composerefactor.impact.change import Effect, Risk, State, change
from composerefactor.impact.rules import (
    ACCEPTED,
    ENTRY_ADDED,
    ENTRY_REMOVED,
    NOT_COMPARED,
    REJECTED,
)
from composerefactor.proposal.opening import Opened
from composerefactor.review.keeping import keeper
from composerefactor.review.pairing import nearest_state
from composerefactor.review.reviewed import Compared, Pair
from composerefactor.verify.models import differences
from composerefactor.verify.sidebyside import Resolved, SideBySide


def compare_entry(
    pair: Pair, old: Opened | None, new: Opened | None, found: SideBySide
) -> Compared:
    """Return what *found* says of the entry point *pair*, and what that means."""
    before, after = pair
    was = found.old.get(before) if before else None
    now = found.new.get(after) if after else None
    errors = [
        (resolved.error if resolved else "") or _read_error(opened, entry)
        for resolved, opened, entry in ((was, old, before), (now, new, after))
    ]
    services = len((now or was or Resolved()).model.get("services") or {})
    if before is not None and after is not None:
        if was is None and now is None and not any(errors):
            return Compared(before, after)  # no file of it changed
        if all(errors):
            return _both_rejected(before, after, errors)
        if errors[1]:
            words = f"the engine rejects the new state: {errors[1]}"
            risk = None if _is_used(after) else Risk.MEDIUM
            told = change(REJECTED, (), words, effect=Effect.REJECTED, risk=risk)
            return Compared(before, after, (told,), None, reason=words)
    if before is None or (errors[0] and after is not None):
        nearest = nearest_state(after, found.old) if after and not before else Resolved()
        return _only_new(
            before, after, now, errors, _state(nearest, old), _state(now, new, after), services
        )
    if after is None:
        words = f"there is no {before.title} to start the project with any more"
        risk = None if _is_used(before) else Risk.LOW
        told = change(ENTRY_REMOVED, (), words, effect=Effect.REMOVED, risk=risk, was=True)
        return Compared(before, None, () if before.assumed else (told,), None)
    states = _state(was, old, before), _state(now, new, after)
    return Compared(
        before,
        after,
        tuple(assess(*states)),
        _names(recreated(*states)),
        tuple(differences(states[0].model, states[1].model)),
        services,
        left_out=tuple(sorted(states[0].left_out | states[1].left_out)),
    )


def _both_rejected(before: EntryPoint, after: EntryPoint, errors: Sequence[str]) -> Compared:
    words = f"not compared: the engine rejects both states: {errors[1]}"
    risk = Risk.LOW if errors[0] == errors[1] else None
    told = change(NOT_COMPARED, (), words, effect=Effect.UNKNOWN, risk=risk)
    return Compared(before, after, (told,) if _is_used(after) else (), None, reason=words)


def _is_used(entry: EntryPoint) -> bool:
    """Return whether a command names the entry point, or the engine takes it without one.

    A file that only looks like one may be a part of others, which does not load alone.
    """
    return entry.implicit or any(why.path for why in entry.evidence)


def _only_new(
    before: EntryPoint | None,
    after: EntryPoint | None,
    now: Resolved | None,
    errors: Sequence[str],
    nearest: State,
    state: State,
    services: int,
) -> Compared:
    """Return what an entry point brings that is new, or that the engine accepts only now.

    *nearest* is the old state of the one that shares the most files with it.
    """
    assert after is not None  # noqa: S101 - one of the two is there
    if now is None or errors[1]:
        words = f"not compared: the engine rejects it: {errors[1]}"
        told = change(REJECTED, (), words, effect=Effect.REJECTED)
        if not _is_used(after):
            told = change(NOT_COMPARED, (), words, effect=Effect.UNKNOWN, risk=Risk.LOW)
        return Compared(before, after, (told,), None, reason=words)
    if before is None:
        words = f"{after.title} is a new way to start the project"
        found = [change(ENTRY_ADDED, (), words, effect=Effect.CREATED)]
        reason = ""
    else:
        words = f"the engine accepts it now; it rejected the old state: {errors[0]}"
        found = [change(ACCEPTED, (), words, effect=Effect.CREATED)]
        reason = words
    base = State(_under_name(nearest.model, state.model.get("name")), nearest.raw or {}, {})
    found += [
        replace(each, effect=Effect.CREATED)
        for each in assess(base, state)
        if each.risk >= Risk.MEDIUM and not each.was
    ]
    return Compared(before, after, tuple(found), None, (), services, reason)


def _under_name(model: Mapping[str, Any], name: Any) -> dict[str, Any]:
    """Return *model* as it is in a project called *name*."""
    old = f"{model.get('name')}_"
    found = {**model, "name": name}
    for section in ("networks", "volumes", "secrets", "configs"):
        found[section] = {
            key: {**value, "name": f"{name}_{key}"} if value.get("name") == f"{old}{key}" else value
            for key, value in (model.get(section) or {}).items()
            if isinstance(value, dict)
        }
    return found


def _state(
    resolved: Resolved | None, opened: Opened | None, entry: EntryPoint | None = None
) -> State:
    found = resolved or Resolved()
    left_out = _left_out(found, opened, entry) if found.is_partial else frozenset()
    return State(found.model, found.raw, found.hashes, keeper(opened), left_out)


def _left_out(
    resolved: Resolved, opened: Opened | None, entry: EntryPoint | None
) -> frozenset[str]:
    """Return the services that are written, and that the engine resolves with no profile."""
    if opened is None or entry is None:
        return frozenset()
    project = opened.project
    read = project.files_of[entry] & project.directories.keys()  # not what `extends` alone reads
    written = {
        name for path in read if path in project.files for name in project.files[path].services
    }
    return frozenset(written - (resolved.model.get("services") or {}).keys())


def _names(found: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)


def _read_error(opened: Opened | None, entry: EntryPoint | None) -> str:
    error = opened.project.errors.get(entry) if opened and entry else None
    return str(error) if error else ""
