"""Who waits for whom: health checks, and what services depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composerefactor.impact.change import Change, Effect, Risk, ServicePair, change, listed
from composerefactor.impact.rules import (
    DEPENDENCY_CHANGED,
    DEPENDENCY_LOST,
    DEPENDENCY_WEAKENED,
    HEALTHCHECK_CHANGED,
    HEALTHCHECK_LOST,
)

_STRENGTH = {"service_started": 0, "service_healthy": 1, "service_completed_successfully": 1}


def health_check(pair: ServicePair) -> Iterator[Change]:
    """Yield that the health check is gone, new, or another one."""
    if not pair.old or not pair.new:
        return
    old, new = _check(pair.old), _check(pair.new)
    place = pair.at("healthcheck")
    if old and not new:
        waiting = [
            name
            for name, service in pair.after.services.items()
            if _dependencies(service).get(pair.name, {}).get("condition") == "service_healthy"
        ]
        off = bool(pair.new.get("healthcheck"))
        words = "its health check is switched off" if off else "loses its health check"
        words += "" if off else ", unless the image has one of its own"
        if waiting:
            words += f"; {listed(waiting)} {'waits' if len(waiting) == 1 else 'wait'} for it"
        risk = Risk.HIGH if waiting else None
        yield change(HEALTHCHECK_LOST, place, words, risk=risk, was=not off)
    elif new and not old:
        yield change(HEALTHCHECK_CHANGED, place, "gets a health check", risk=Risk.NONE)
    elif old != new and old is not None and new is not None:
        keys = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
        words = f"its health check has another {listed(keys)}"
        yield change(HEALTHCHECK_CHANGED, place, words)


def dependencies(pair: ServicePair) -> Iterator[Change]:
    """Yield what the service waits for no more, or less, or more."""
    if not pair.old or not pair.new:
        return
    old, new = _dependencies(pair.old), _dependencies(pair.new)
    for name in dict.fromkeys([*old, *new]):
        yield from _dependency(pair, name, old.get(name), new.get(name))


def _dependency(
    pair: ServicePair, name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Iterator[Change]:
    place = pair.at("depends_on", name)
    effect = Effect.ORDER
    if old is None:
        condition = _condition(new)
        words = f"waits for {name} ({condition.removeprefix('service_')})"
        risk = Risk.NONE
        yield change(DEPENDENCY_CHANGED, place, words, effect=effect, risk=risk, marks=(name,))
    elif new is None:
        is_gone = name not in pair.after.services
        through = _waits_through(pair, name)
        words = f"no longer waits for {name}" + (", which is gone" if is_gone else "")
        words += f" itself, but for {through}, which does" if through else ""
        risk = Risk.NONE if is_gone or through else DEPENDENCY_LOST.risk
        yield change(
            DEPENDENCY_LOST, place, words, effect=effect, risk=risk, was=True, marks=(name,)
        )
    elif old != new:
        was, now = _condition(old), _condition(new)
        weaker = _STRENGTH.get(now, 0) < _STRENGTH.get(was, 0)
        optional = old.get("required", True) and not new.get("required", True)
        unlinked = bool(old.get("restart")) and not new.get("restart")
        parts = []
        if was != now:
            parts.append(
                f"waits until {name} is {_state(now)}, no longer until it is {_state(was)}"
            )
        if optional:
            parts.append(f"starts without {name} too (required: false)")
        if unlinked:
            parts.append(f"is not restarted with {name} any more")
        rule = DEPENDENCY_WEAKENED if weaker or optional or unlinked else DEPENDENCY_CHANGED
        words = "; ".join(parts) or f"waits for {name} in another way"
        least = Risk.LOW if unlinked and not (weaker or optional) else rule.risk
        yield change(rule, place, words, effect=effect, risk=least, marks=(name,))


def _waits_through(pair: ServicePair, name: str) -> str:
    """Return the service for which that of *pair* waits, and which waits for *name* in turn."""
    services = pair.after.services
    for first in _dependencies(pair.new):
        seen, queue = set[str](), [first]
        while queue:
            each = queue.pop()
            if each == name:
                return first
            if each not in seen:
                seen.add(each)
                queue += _dependencies(services.get(each, {}))
    return ""


def _check(service: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] = service.get("healthcheck") or {}
    if found.get("disable") or found.get("test") in (["NONE"], "NONE"):
        return None
    return found or None


def _dependencies(service: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found = service.get("depends_on") or {}
    return found if isinstance(found, dict) else {name: {} for name in found}


def _condition(dependency: Mapping[str, Any] | None) -> str:
    return str((dependency or {}).get("condition") or "service_started")


def _state(condition: str) -> str:
    return condition.removeprefix("service_").replace("_", " ")
