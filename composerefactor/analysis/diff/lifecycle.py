"""How a container lives: limits, restarts, logs, profiles, number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from composerefactor.analysis.diff.change import (
    BUILD_CHANGED,
    DATA_MAJOR,
    DEPENDENCY_CHANGED,
    DEPENDENCY_LOST,
    DEPENDENCY_WEAKENED,
    HEALTHCHECK_CHANGED,
    HEALTHCHECK_LOST,
    IMAGE_BASE,
    IMAGE_CHANGED,
    IMAGE_OLDER,
    IMAGE_SWITCHED,
    IMAGE_UNPINNED,
    LIMIT_CHANGED,
    LIMIT_LOST,
    LOG_ROTATION_LOST,
    NOT_STARTED,
    REPLICAS_CHANGED,
    RESTART_CHANGED,
    RESTART_LOST,
    STARTED,
    Impact,
    Place,
    Risk,
    ServicePair,
    UpEffect,
    impact,
    listed,
)
from composerefactor.compose.image_references import ImageReference, parse_image
from composerefactor.compose.secrets import mask_value
from composerefactor.images.catalog import load
from composerefactor.images.entries import parse_tag

_LIMITS = {
    "memory": (("deploy", "resources", "limits", "memory"), ("mem_limit",)),
    "CPU": (("deploy", "resources", "limits", "cpus"), ("cpus",)),
    "process": (("deploy", "resources", "limits", "pids"), ("pids_limit",)),
}
_ROTATING = frozenset({"local", "journald", "syslog", "fluentd", "gelf", "awslogs", "none"})


def limits(pair: ServicePair) -> Iterator[Impact]:
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
            yield impact(LIMIT_LOST, pair.at(*was[0]), words, was=True, covers=covers)
        elif was is None and now is not None:
            words = f"gets a {noun} limit of {_size(new, noun)}"
            place = pair.at(*now[0])
            yield impact(LIMIT_CHANGED, place, words, risk=Risk.LOW, covers=covers)
        elif old != new and now is not None:
            words = f"its {noun} limit is {_size(new, noun)}, was {_size(old, noun)}"
            yield impact(LIMIT_CHANGED, pair.at(*now[0]), words, covers=covers)
        elif was is not None and now is not None and was[0] != now[0]:
            words = f"the same {noun} limit is written as {'.'.join(now[0])}"
            yield impact(LIMIT_CHANGED, pair.at(*now[0]), words, risk=Risk.NONE, covers=covers)


def restart(pair: ServicePair) -> Iterator[Impact]:
    """Yield that the container is restarted no more, or in another way."""
    if not pair.old or not pair.new:
        return
    old, new = str(pair.old.get("restart") or "no"), str(pair.new.get("restart") or "no")
    if old == new:
        return
    place = pair.at("restart")
    if new == "no":
        words = f"is no longer restarted (was {old})"
        yield impact(RESTART_LOST, place, words, was="restart" not in pair.new)
    else:
        weaker = new.startswith("on-failure")
        words = f"restart policy {old} -> {new}"
        yield impact(RESTART_CHANGED, place, words, risk=Risk.LOW if weaker else Risk.NONE)


def log_rotation(pair: ServicePair) -> Iterator[Impact]:
    """Yield that logs are no longer bounded."""
    if not pair.old or not pair.new:
        return
    if _is_bounded(pair.old) and not _is_bounded(pair.new):
        gone = "logging" not in pair.new
        yield impact(LOG_ROTATION_LOST, pair.at("logging"), "its logs grow without bound", was=gone)


def started(pair: ServicePair) -> Iterator[Impact]:
    """Yield that a profile decides now whether the service is started, or no more."""
    if not pair.old or not pair.new:
        return
    old, new = pair.old.get("profiles") or [], pair.new.get("profiles") or []
    place = pair.at("profiles")
    if new and not old:
        words = f"is started only with the profile {listed(new)}"
        yield impact(NOT_STARTED, place, words, effect=UpEffect.NOTHING)
    elif old and not new:
        words = f"is always started, no longer only with the profile {listed(old)}"
        yield impact(STARTED, place, words, effect=UpEffect.CREATED, was=True)


def replicas(pair: ServicePair) -> Iterator[Impact]:
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
        yield impact(NOT_STARTED, place, words, effect=UpEffect.NOTHING, covers=covers)
    else:
        words = f"runs in {new} containers, was {old}"
        yield impact(
            REPLICAS_CHANGED, place, words, effect=UpEffect.NOTHING, was=now is None, covers=covers
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


_STRENGTH = {"service_started": 0, "service_healthy": 1, "service_completed_successfully": 1}


def health_check(pair: ServicePair) -> Iterator[Impact]:
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
        yield impact(HEALTHCHECK_LOST, place, words, risk=risk, was=not off)
    elif new and not old:
        yield impact(HEALTHCHECK_CHANGED, place, "gets a health check", risk=Risk.NONE)
    elif old != new and old is not None and new is not None:
        keys = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
        words = f"its health check has another {listed(keys)}"
        yield impact(HEALTHCHECK_CHANGED, place, words)


def dependencies(pair: ServicePair) -> Iterator[Impact]:
    """Yield what the service waits for no more, or less, or more."""
    if not pair.old or not pair.new:
        return
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
        words = f"waits for {name} ({condition.removeprefix('service_')})"
        risk = Risk.NONE
        yield impact(DEPENDENCY_CHANGED, place, words, effect=effect, risk=risk, marks=(name,))
    elif new is None:
        is_gone = name not in pair.after.services
        through = _waits_through(pair, name)
        words = f"no longer waits for {name}" + (", which is gone" if is_gone else "")
        words += f" itself, but for {through}, which does" if through else ""
        risk = Risk.NONE if is_gone or through else DEPENDENCY_LOST.risk
        yield impact(
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
        yield impact(rule, place, words, effect=effect, risk=least, marks=(name,))


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


_KEEPING = frozenset({"database", "search", "vector-db", "storage"})
"""Categories of data stores whose data nobody can make anew."""


def image(pair: ServicePair) -> Iterator[Impact]:
    """Yield that the image is another one."""
    old, new = str(pair.old.get("image") or ""), str(pair.new.get("image") or "")
    if not pair.old or not pair.new or old == new:
        return
    place = pair.at("image")
    built = bool(pair.old.get("build")), bool(pair.new.get("build"))
    if not old or not new:
        if not new:
            words = f"is built here, no longer pulled as {_shown(old)}"
        else:
            words = f"is pulled as {_shown(new)}" + (
                ", no longer built here" if built == (True, False) else ""
            )
        rule = IMAGE_SWITCHED if built[0] != built[1] else IMAGE_CHANGED
        if built == (True, True):
            words = f"the image that is built is called {_shown(new or old)} " + (
                "" if new else "no more"
            )
        yield impact(rule, place, words.strip(), was=not new)
        return
    words = f"image {_shown(old)} -> {_shown(new)}"
    yield _compared(parse_image(old), parse_image(new), words, place)


def build(pair: ServicePair) -> Iterator[Impact]:
    """Yield that the image is built in another way; the container itself is not told apart."""
    old, new = pair.old.get("build"), pair.new.get("build")
    if not pair.old or not pair.new or old == new:
        return
    place = pair.at("build")
    if not old or not new:
        words = "is built here" if new else "is no longer built here"
        rule, risk = BUILD_CHANGED, Risk.LOW
    else:
        keys = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
        words = f"its image is built with another {', '.join(keys)}"
        if keys == ["context"]:
            words += f": {old['context']} -> {new['context']}"
        rule, risk = BUILD_CHANGED, Risk.LOW
    yield impact(rule, place, words, effect=UpEffect.BUILD, risk=risk, was=not new)


def _compared(
    old: ImageReference, new: ImageReference, words: str, place: tuple[str, ...]
) -> Impact:
    if old.name != new.name:
        same = old.repository.rpartition("/")[2] == new.repository.rpartition("/")[2]
        words += " (from elsewhere)" if same else ""
        return impact(IMAGE_SWITCHED, place, words)
    if (old.tag, old.digest) == (new.tag, new.digest):
        return impact(IMAGE_CHANGED, place, f"{words}: the same image", risk=Risk.NONE)
    if old.digest and not new.digest:
        return impact(IMAGE_UNPINNED, place, f"{words}: no digest pins it any more")
    if _floats(new) and not _floats(old):
        return impact(IMAGE_UNPINNED, place, f"{words}: whatever is newest")
    return _other_version(old, new, words, place)


def _other_version(
    old: ImageReference, new: ImageReference, words: str, place: tuple[str, ...]
) -> Impact:
    kind = _kept_as(new)
    was, now = _version(old), _version(new)
    if was and now:
        is_older = _written(now) < _written(was)[: len(_written(now))]
        if kind and _major(new, was) != _major(new, now):
            words += ": another major version of a data store, which may not read the old data"
            risk = Risk.HIGH if is_older or kind in _KEEPING else Risk.MEDIUM
            return impact(DATA_MAJOR, place, words, risk=risk)
        if is_older:
            older = Risk.HIGH if kind in _KEEPING else IMAGE_OLDER.risk
            return impact(IMAGE_OLDER, place, f"{words}: an older version", risk=older)
    if kind == "database" and _is_alpine(old) != _is_alpine(new):
        words += ": another C library, which may sort text otherwise than the indexes were built"
        return impact(IMAGE_BASE, place, words)
    return impact(IMAGE_CHANGED, place, words)


def _kept_as(reference: ImageReference) -> str:
    """Return the category of a data store, ``""`` for anything else."""
    catalog = load()
    category = catalog.category(reference.text)
    is_store = category is not None and catalog.categories[category].counts_as == "data stores"
    return category or "" if is_store else ""


def _written(version: tuple[float, ...]) -> tuple[float, ...]:
    """Return the numbers of *version* that its tag has."""
    return tuple(number for number in version if number != inf)


def _is_alpine(reference: ImageReference) -> bool:
    return "alpine" in parse_tag(reference.tag or "").flavours


def _major(reference: ImageReference, version: tuple[float, ...]) -> tuple[float, ...]:
    """Return the part of *version* that says which data it reads, empty where it is not written.

    Before 10, PostgreSQL, and always MariaDB and MongoDB, have two numbers for it.
    """
    name = reference.repository.rpartition("/")[2]
    two = name in {"mariadb", "mongo", "mysql"} or (name == "postgres" and version[0] < 10)  # noqa: PLR2004
    return _written(version)[: 2 if two else 1]


def _version(reference: ImageReference) -> tuple[float, ...] | None:
    """Return the version in the tag, None where it names none."""
    found = parse_tag(reference.tag or "").version
    return found if found and found[0] != inf else None


def _shown(image: str) -> str:
    return str(mask_value(image, "image"))


def _floats(reference: ImageReference) -> bool:
    return not reference.digest and (reference.tag or "latest") in {"latest", "stable", "edge"}
