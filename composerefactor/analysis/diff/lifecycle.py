"""Impacts on images, builds, dependencies, health checks, limits, restarts, logs and profiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from composerefactor.analysis.diff import kinds
from composerefactor.analysis.diff.impact import (
    Impact,
    Place,
    ServicePair,
    UpEffect,
    impact,
    listed,
    value_at,
)
from composerefactor.analysis.diff.kinds import Risk
from composerefactor.compose.image_references import ImageReference, parse_image
from composerefactor.compose.masking import GENERAL
from composerefactor.images.entries import parse_tag

_LIMITS = {
    "memory": (("deploy", "resources", "limits", "memory"), ("mem_limit",)),
    "CPU": (("deploy", "resources", "limits", "cpus"), ("cpus",)),
    "process": (("deploy", "resources", "limits", "pids"), ("pids_limit",)),
}
_ROTATING = frozenset({"local", "journald", "syslog", "fluentd", "gelf", "awslogs", "none"})


def limits(pair: ServicePair) -> Iterator[Impact]:
    """Yield resource limits that were removed, added or changed, in either of their forms."""
    for noun, places in _LIMITS.items():
        was, now = _first(pair.old, places), _first(pair.new, places)
        if was is None and now is None:
            continue
        old, new = (str(setting[1]) if setting else None for setting in (was, now))
        covers = tuple(pair.at(*place) for place in places)
        if now is None and was is not None:
            message = f"loses its {noun} limit of {_size(old, noun)}"
            yield impact(kinds.LIMIT_LOST, pair.at(*was[0]), message, was=True, covers=covers)
        elif was is None and now is not None:
            message = f"gets a {noun} limit of {_size(new, noun)}"
            place = pair.at(*now[0])
            yield impact(kinds.LIMIT_CHANGED, place, message, risk=Risk.LOW, covers=covers)
        elif old != new and now is not None:
            message = f"its {noun} limit changed from {_size(old, noun)} to {_size(new, noun)}"
            yield impact(kinds.LIMIT_CHANGED, pair.at(*now[0]), message, covers=covers)
        elif was is not None and now is not None and was[0] != now[0]:
            message = f"its {noun} limit is the same, now written as {'.'.join(now[0])}"
            yield impact(
                kinds.LIMIT_CHANGED, pair.at(*now[0]), message, risk=Risk.NONE, covers=covers
            )


def restart(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if the restart policy changed."""
    old, new = str(pair.old.get("restart") or "no"), str(pair.new.get("restart") or "no")
    if old == new:
        return
    place = pair.at("restart")
    if new == "no":
        message = f"is no longer restarted (the policy was {old})"
        yield impact(kinds.RESTART_LOST, place, message, was="restart" not in pair.new)
    else:
        weaker = new.startswith("on-failure")
        message = f"its restart policy changed from {old} to {new}"
        yield impact(kinds.RESTART_CHANGED, place, message, risk=Risk.LOW if weaker else Risk.NONE)


def log_rotation(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if logs are no longer rotated."""
    if _is_bounded(pair.old) and not _is_bounded(pair.new):
        is_removed = "logging" not in pair.new
        message = "its logs are no longer rotated"
        yield impact(kinds.LOG_ROTATION_LOST, pair.at("logging"), message, was=is_removed)


def profiles(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if the service now starts only with a profile, or always starts."""
    old, new = pair.old.get("profiles") or [], pair.new.get("profiles") or []
    place = pair.at("profiles")
    if new and not old:
        message = f"starts only with the profile {listed(new)}"
        yield impact(kinds.NOT_STARTED, place, message, effect=UpEffect.NOTHING)
    elif old and not new:
        message = f"always starts, no longer only with the profile {listed(old)}"
        yield impact(kinds.STARTED, place, message, effect=UpEffect.CREATED, was=True)


def replicas(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if the number of containers changed."""
    places: tuple[Place, ...] = (("deploy", "replicas"), ("scale",))
    was, now = _first(pair.old, places), _first(pair.new, places)
    old, new = (int(setting[1]) if setting else 1 for setting in (was, now))
    if old == new:
        return
    covers = tuple(pair.at(*place) for place in places)
    place = pair.at(*(now or was or (places[0], 1))[0])
    if new == 0:
        message = "no longer starts: it has 0 replicas"
        yield impact(kinds.NOT_STARTED, place, message, effect=UpEffect.NOTHING, covers=covers)
    else:
        message = f"runs in {new} container{'' if new == 1 else 's'} instead of {old}"
        yield impact(
            kinds.REPLICAS_CHANGED,
            place,
            message,
            effect=UpEffect.NOTHING,
            was=now is None,
            covers=covers,
        )


def _first(
    service: Mapping[str, Any], places: tuple[tuple[str, ...], ...]
) -> tuple[tuple[str, ...], Any] | None:
    """Return the first of *places* with a value, and the value; None if there is none."""
    for place in places:
        value = value_at(service, place)
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
    """Return a size in bytes with a unit; a limit other than that of memory as it is."""
    if noun != "memory" or value is None or not value.isdecimal():
        return str(value)
    number = int(value)
    for unit in ("", "k", "M", "G"):
        if number % 1024 or unit == "G":
            return f"{number}{unit}"
        number //= 1024
    return value


_STRENGTH = {"service_started": 0, "service_healthy": 1, "service_completed_successfully": 1}


def health_check(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if the health check was removed, added or changed."""
    old, new = _check(pair.old), _check(pair.new)
    place = pair.at("healthcheck")
    if old and not new:
        waiting = [
            name
            for name, service in pair.after.services.items()
            if _dependencies(service).get(pair.name, {}).get("condition") == "service_healthy"
        ]
        off = bool(pair.new.get("healthcheck"))
        message = "its health check is disabled" if off else "loses its health check"
        message += "" if off else ", unless the image has one"
        if waiting:
            message += f"; {listed(waiting)} {'waits' if len(waiting) == 1 else 'wait'} for it"
        risk = Risk.HIGH if waiting else None
        yield impact(kinds.HEALTHCHECK_LOST, place, message, risk=risk, was=not off)
    elif new and not old:
        yield impact(kinds.HEALTHCHECK_CHANGED, place, "gets a health check", risk=Risk.NONE)
    elif old != new and old is not None and new is not None:
        keys = _changed_keys(old, new)
        message = f"its health check changed: {listed(keys)}"
        yield impact(kinds.HEALTHCHECK_CHANGED, place, message)


def dependencies(pair: ServicePair) -> Iterator[Impact]:
    """Yield the changes of the services for which it waits."""
    old, new = _dependencies(pair.old), _dependencies(pair.new)
    for name in dict.fromkeys([*old, *new]):
        yield from _dependency(pair, name, old.get(name), new.get(name))


def _dependency(
    pair: ServicePair, name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Iterator[Impact]:
    place = pair.at("depends_on", name)
    effect = UpEffect.ORDER
    if old is None:
        condition = _condition(new)
        message = f"waits for {name} ({condition.removeprefix('service_')})"
        risk = Risk.NONE
        yield impact(
            kinds.DEPENDENCY_CHANGED, place, message, effect=effect, risk=risk, marks=(name,)
        )
    elif new is None:
        is_removed = name not in pair.after.services
        through = _waits_through(pair, name)
        message = f"no longer waits for {name}" + (", which was removed" if is_removed else "")
        message += f" directly, but for {through}, which waits for it" if through else ""
        risk = Risk.NONE if is_removed or through else kinds.DEPENDENCY_LOST.risk
        yield impact(
            kinds.DEPENDENCY_LOST, place, message, effect=effect, risk=risk, was=True, marks=(name,)
        )
    elif old != new:
        was, now = _condition(old), _condition(new)
        weaker = _STRENGTH.get(now, 0) < _STRENGTH.get(was, 0)
        optional = old.get("required", True) and not new.get("required", True)
        unlinked = bool(old.get("restart")) and not new.get("restart")
        parts = []
        if was != now:
            parts.append(f"waits until {name} {_state(now)}, no longer until it {_state(was)}")
        if optional:
            parts.append(f"also starts without {name} (required: false)")
        if unlinked:
            parts.append(f"is no longer restarted with {name}")
        rule = (
            kinds.DEPENDENCY_WEAKENED
            if weaker or optional or unlinked
            else kinds.DEPENDENCY_CHANGED
        )
        message = "; ".join(parts) or f"its dependency on {name} changed"
        risk = Risk.LOW if unlinked and not (weaker or optional) else rule.risk
        yield impact(rule, place, message, effect=effect, risk=risk, marks=(name,))


def _waits_through(pair: ServicePair, name: str) -> str:
    """Return a direct dependency of the service that waits for *name*, ``""`` if none does."""
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
    check: Mapping[str, Any] = service.get("healthcheck") or {}
    if check.get("disable") or check.get("test") in (["NONE"], "NONE"):
        return None
    return check or None


def _dependencies(service: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    value = service.get("depends_on") or {}
    return value if isinstance(value, dict) else {name: {} for name in value}


def _condition(dependency: Mapping[str, Any] | None) -> str:
    return str((dependency or {}).get("condition") or "service_started")


def _state(condition: str) -> str:
    """Return a condition of ``depends_on`` as the predicate of a sentence."""
    return _PREDICATES.get(condition, condition)


_PREDICATES = {
    "service_started": "has started",
    "service_healthy": "is healthy",
    "service_completed_successfully": "has completed successfully",
}
_IRREPLACEABLE = frozenset({"database", "search", "vector-db", "storage"})
"""Categories of data stores whose data cannot be recreated."""


def image(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if the image changed."""
    old, new = str(pair.old.get("image") or ""), str(pair.new.get("image") or "")
    if old == new:
        return
    place = pair.at("image")
    built = bool(pair.old.get("build")), bool(pair.new.get("build"))
    if not old or not new:
        if not new:
            message = f"is built here, no longer pulled as {_shown(old)}"
        else:
            message = f"is pulled as {_shown(new)}" + (
                ", no longer built here" if built == (True, False) else ""
            )
        rule = kinds.IMAGE_SWITCHED if built[0] != built[1] else kinds.IMAGE_CHANGED
        if built == (True, True):
            name = _shown(new or old)
            message = f"its built image is {'now' if new else 'no longer'} named {name}"
        yield impact(rule, place, message, was=not new)
        return
    message = f"image: {_shown(old)} -> {_shown(new)}"
    yield _compared(pair, parse_image(old), parse_image(new), message)


def _changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]


def build(pair: ServicePair) -> Iterator[Impact]:
    """Yield an impact if build settings changed; they are not part of the container hash."""
    old, new = pair.old.get("build"), pair.new.get("build")
    if old == new:
        return
    place = pair.at("build")
    if not old or not new:
        message = "is built here" if new else "is no longer built here"
        rule, risk = kinds.BUILD_CHANGED, Risk.LOW
    else:
        keys = _changed_keys(old, new)
        message = f"its build settings changed: {', '.join(keys)}"
        if keys == ["context"]:
            message += f" from {old['context']} to {new['context']}"
        rule, risk = kinds.BUILD_CHANGED, Risk.LOW
    yield impact(rule, place, message, effect=UpEffect.BUILD, risk=risk, was=not new)


def _compared(pair: ServicePair, old: ImageReference, new: ImageReference, message: str) -> Impact:
    place = pair.at("image")
    if old.name != new.name:
        same = old.repository.rpartition("/")[2] == new.repository.rpartition("/")[2]
        message += " (from another repository)" if same else ""
        return impact(kinds.IMAGE_SWITCHED, place, message)
    if (old.tag, old.digest) == (new.tag, new.digest):
        return impact(kinds.IMAGE_CHANGED, place, f"{message}: the same image", risk=Risk.NONE)
    if old.digest and not new.digest:
        return impact(kinds.IMAGE_UNPINNED, place, f"{message}: no longer pinned by a digest")
    if _floats(new) and not _floats(old):
        return impact(kinds.IMAGE_UNPINNED, place, f"{message}: the tag can point to any version")
    return _other_version(pair, old, new, message)


def _other_version(
    pair: ServicePair, old: ImageReference, new: ImageReference, message: str
) -> Impact:
    place = pair.at("image")
    category = pair.after.catalog.store_category(new.text)
    was, now = _version(old), _version(new)
    if was and now:
        is_older = _written(now) < _written(was)[: len(_written(now))]
        if category and _major(new, was) != _major(new, now):
            message += ": another major version, which may not be able to read the existing data"
            risk = Risk.HIGH if is_older or category in _IRREPLACEABLE else Risk.MEDIUM
            return impact(kinds.DATA_MAJOR, place, message, risk=risk)
        if is_older:
            risk = Risk.HIGH if category in _IRREPLACEABLE else kinds.IMAGE_OLDER.risk
            return impact(kinds.IMAGE_OLDER, place, f"{message}: an older version", risk=risk)
    if category == "database" and _is_alpine(old) != _is_alpine(new):
        message += ": another C library, which may sort text differently from existing indexes"
        return impact(kinds.IMAGE_BASE, place, message)
    return impact(kinds.IMAGE_CHANGED, place, message)


def _written(version: tuple[float, ...]) -> tuple[float, ...]:
    """Return the numbers of *version* that the tag contains."""
    return tuple(number for number in version if number != inf)


def _is_alpine(reference: ImageReference) -> bool:
    return "alpine" in parse_tag(reference.tag or "").flavours


def _major(reference: ImageReference, version: tuple[float, ...]) -> tuple[float, ...]:
    """Return the part of *version* that decides which data it can read, as far as it is written.

    That part has two numbers for PostgreSQL before 10, and for MariaDB, MongoDB and MySQL.
    """
    name = reference.repository.rpartition("/")[2]
    two = name in {"mariadb", "mongo", "mysql"} or (name == "postgres" and version[0] < 10)  # noqa: PLR2004
    return _written(version)[: 2 if two else 1]


def _version(reference: ImageReference) -> tuple[float, ...] | None:
    """Return the version in the tag, None if it contains none."""
    version = parse_tag(reference.tag or "").version
    return version if version and version[0] != inf else None


def _shown(image: str) -> str:
    return str(GENERAL.value(image, "image"))


def _floats(reference: ImageReference) -> bool:
    return not reference.digest and (reference.tag or "latest") in {"latest", "stable", "edge"}
