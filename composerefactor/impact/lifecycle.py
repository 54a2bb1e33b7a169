"""How a container lives: limits, restarts, logs, profiles, number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composerefactor.impact.change import Change, Effect, Place, Risk, ServicePair, change, listed
from composerefactor.impact.rules import (
    LIMIT_CHANGED,
    LIMIT_LOST,
    LOG_ROTATION_LOST,
    NOT_STARTED,
    REPLICAS_CHANGED,
    RESTART_CHANGED,
    RESTART_LOST,
    STARTED,
)

_LIMITS = {
    "memory": (("deploy", "resources", "limits", "memory"), ("mem_limit",)),
    "CPU": (("deploy", "resources", "limits", "cpus"), ("cpus",)),
    "process": (("deploy", "resources", "limits", "pids"), ("pids_limit",)),
}
_ROTATING = frozenset({"local", "journald", "syslog", "fluentd", "gelf", "awslogs", "none"})


def limits(pair: ServicePair) -> Iterator[Change]:
    """Yield limits that are gone or changed, in whichever form they are written."""
    if not pair.old or not pair.new:
        return
    for noun, places in _LIMITS.items():
        was, now = _first(pair.old, places), _first(pair.new, places)
        if was is None and now is None:
            continue
        old, new = (str(found[1]) if found else None for found in (was, now))
        covers = tuple(pair.at(*place) for place in places)
        if now is None and was is not None:
            words = f"loses its {noun} limit of {_size(old, noun)}"
            yield change(LIMIT_LOST, pair.at(*was[0]), words, was=True, covers=covers)
        elif was is None and now is not None:
            words = f"gets a {noun} limit of {_size(new, noun)}"
            place = pair.at(*now[0])
            yield change(LIMIT_CHANGED, place, words, risk=Risk.LOW, covers=covers)
        elif old != new and now is not None:
            words = f"its {noun} limit is {_size(new, noun)}, was {_size(old, noun)}"
            yield change(LIMIT_CHANGED, pair.at(*now[0]), words, covers=covers)
        elif was is not None and now is not None and was[0] != now[0]:
            words = f"the same {noun} limit is written as {'.'.join(now[0])}"
            yield change(LIMIT_CHANGED, pair.at(*now[0]), words, risk=Risk.NONE, covers=covers)


def restart(pair: ServicePair) -> Iterator[Change]:
    """Yield that the container is restarted no more, or in another way."""
    if not pair.old or not pair.new:
        return
    old, new = str(pair.old.get("restart") or "no"), str(pair.new.get("restart") or "no")
    if old == new:
        return
    place = pair.at("restart")
    if new == "no":
        words = f"is no longer restarted (was {old})"
        yield change(RESTART_LOST, place, words, was="restart" not in pair.new)
    else:
        weaker = new.startswith("on-failure")
        words = f"restart policy {old} -> {new}"
        yield change(RESTART_CHANGED, place, words, risk=Risk.LOW if weaker else Risk.NONE)


def log_rotation(pair: ServicePair) -> Iterator[Change]:
    """Yield that logs are no longer bounded."""
    if not pair.old or not pair.new:
        return
    if _is_bounded(pair.old) and not _is_bounded(pair.new):
        gone = "logging" not in pair.new
        yield change(LOG_ROTATION_LOST, pair.at("logging"), "its logs grow without bound", was=gone)


def started(pair: ServicePair) -> Iterator[Change]:
    """Yield that a profile decides now whether the service is started, or no more."""
    if not pair.old or not pair.new:
        return
    old, new = pair.old.get("profiles") or [], pair.new.get("profiles") or []
    place = pair.at("profiles")
    if new and not old:
        words = f"is started only with the profile {listed(new)}"
        yield change(NOT_STARTED, place, words, effect=Effect.NOTHING)
    elif old and not new:
        words = f"is always started, no longer only with the profile {listed(old)}"
        yield change(STARTED, place, words, effect=Effect.CREATED, was=True)


def replicas(pair: ServicePair) -> Iterator[Change]:
    """Yield that another number of containers runs."""
    if not pair.old or not pair.new:
        return
    places: tuple[Place, ...] = (("deploy", "replicas"), ("scale",))
    was, now = _first(pair.old, places), _first(pair.new, places)
    old, new = (int(found[1]) if found else 1 for found in (was, now))
    if old == new:
        return
    covers = tuple(pair.at(*place) for place in places)
    place = pair.at(*(now or was or (places[0], 1))[0])
    if new == 0:
        words = "is no longer started: no replicas"
        yield change(NOT_STARTED, place, words, effect=Effect.NOTHING, covers=covers)
    else:
        words = f"runs in {new} containers, was {old}"
        yield change(
            REPLICAS_CHANGED, place, words, effect=Effect.NOTHING, was=now is None, covers=covers
        )


def _first(
    service: Mapping[str, Any], places: tuple[tuple[str, ...], ...]
) -> tuple[tuple[str, ...], Any] | None:
    """Return the first of *places* that has a value, and the value."""
    for place in places:
        value: Any = service
        for part in place:
            value = value.get(part) if isinstance(value, dict) else None
        if value not in (None, "", 0, "0"):
            return place, value
        if value == 0 and place[-1] in {"replicas", "scale"}:
            return place, value
    return None


def _is_bounded(service: Mapping[str, Any]) -> bool:
    logging = service.get("logging") or {}
    driver = logging.get("driver") or "json-file"
    return driver in _ROTATING or bool((logging.get("options") or {}).get("max-size"))


def _size(value: str | None, noun: str) -> str:
    """Return a size in bytes as people write it."""
    if noun != "memory" or value is None or not value.isdecimal():
        return str(value)
    number = int(value)
    for unit in ("", "k", "M", "G"):
        if number % 1024 or unit == "G":
            return f"{number}{unit}"
        number //= 1024
    return value
