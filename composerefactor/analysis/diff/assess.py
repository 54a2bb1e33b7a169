"""Two states of an entry point in, all changes with their effect and risk out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec.structs import replace

from composerefactor.analysis.diff.change import (
    NETWORK_RENAMED,
    PROJECT_RENAMED,
    SERVICE_ADDED,
    SERVICE_REMOVED,
    SERVICE_RENAMED,
    VOLUME_RENAMED,
    Impact,
    Place,
    Risk,
    ServicePair,
    State,
    UpEffect,
    impact,
    listed,
    with_effect,
)
from composerefactor.analysis.diff.exposure import (
    all_rights,
    attachments,
    capabilities,
    confinement,
    devices,
    host_namespaces,
    network_definitions,
    powerful_mounts,
    published_ports,
    root_file_system,
    running_user,
)
from composerefactor.analysis.diff.lifecycle import (
    build,
    dependencies,
    health_check,
    image,
    limits,
    log_rotation,
    replicas,
    restart,
    started,
)
from composerefactor.analysis.diff.settings import (
    other_settings,
    plain_secrets,
    written_differently,
)
from composerefactor.analysis.diff.storage import (
    mounted_volumes,
    service_mounts,
    volume_definitions,
    volumes_left,
)
from composerefactor.compose.secrets import mask_text
from composerefactor.proof.comparison import Difference, differences

ServiceRule: TypeAlias = Callable[[ServicePair], Iterable[Impact]]
ProjectRule: TypeAlias = Callable[[State, State], Iterable[Impact]]

SERVICE_RULES: tuple[ServiceRule, ...] = (
    image,
    build,
    published_ports,
    all_rights,
    host_namespaces,
    capabilities,
    confinement,
    running_user,
    root_file_system,
    devices,
    powerful_mounts,
    service_mounts,
    attachments,
    health_check,
    dependencies,
    limits,
    restart,
    log_rotation,
    started,
    replicas,
    plain_secrets,
)
"""What is asked about each service that is in both states, or new."""

PROJECT_RULES: tuple[ProjectRule, ...] = (volumes_left, volume_definitions, network_definitions)

_NOT_HASHED = frozenset({"build", "pull_policy", "scale", "depends_on", "profiles"})
"""Attributes that the engine leaves out of a container's hash (observed: v2.24.1 to v5.6.1)."""

_ALIKE = 0.6
"""The part of their settings that two services share where one is the other under a new name."""


def assess(before: State, after: State) -> list[Impact]:
    """Return what changed, the riskiest first; nothing for equal models."""
    renamed = _renamed(before, after)
    found = list(_project_name(before, after))
    renames_project = bool(found)
    for rule in PROJECT_RULES:
        found += rule(before, after)
    found += _removed(before, after, renamed)
    for pair in _pairs(before, after, renamed):
        found += _service(pair)
        for service_rule in SERVICE_RULES:
            found += service_rule(pair)
    unexplained = list(_unexplained(before, after, found, renamed))
    if renames_project:
        found = [each for each in found if not _follows_project(each)]
        unexplained = [each for each in unexplained if each.path[2:] != ("name",)]
    found += other_settings(before, after, unexplained)
    found += list(_texts(before, after, found))
    told = [_with_effect(each, before, after, renamed) for each in found]
    return sorted(told, key=lambda each: (-each.risk, each.path[:2], each.rule.id))


def recreated(before: State, after: State) -> list[str] | None:
    """Return the services of both states whose container has another hash; None if unknown."""
    if before.hashes is None or after.hashes is None:
        return None
    return [n for n, value in before.hashes.items() if after.hashes.get(n, value) != value]


def _pairs(before: State, after: State, renamed: Mapping[str, str]) -> Iterator[ServicePair]:
    for name in after.services:
        if name in before.left_out:
            continue
        yield ServicePair(name, before, after, renamed.get(name, ""))


def _service(pair: ServicePair) -> Iterator[Impact]:
    if pair.old_name:
        words = f"is called {pair.name}, no longer {pair.old_name}: others do not reach it under "
        words += "the old name, and its old container runs on until it is removed"
        yield impact(SERVICE_RENAMED, pair.at(), words, effect=UpEffect.CREATED)
    elif not pair.old:
        made_of = pair.new.get("image") or ("built here" if pair.new.get("build") else "")
        words = f"is new ({mask_text(str(made_of))})" if made_of else "is new"
        profiles = pair.new.get("profiles")
        effect = UpEffect.NOTHING if profiles else UpEffect.CREATED
        words += f", started with the profile {listed(profiles)}" if profiles else ""
        yield impact(SERVICE_ADDED, pair.at(), words, effect=effect)


def _removed(before: State, after: State, renamed: Mapping[str, str]) -> Iterator[Impact]:
    for name in before.services:
        known = name in after.services or name in after.left_out
        if not known and name not in renamed.values():
            words = "is gone; its container runs on until `up --remove-orphans` or `down`"
            path = ("services", name)
            yield impact(SERVICE_REMOVED, path, words, effect=UpEffect.REMOVED, was=True)


def _project_name(before: State, after: State) -> Iterator[Impact]:
    old, new = before.model.get("name"), after.model.get("name")
    if old == new:
        return
    kept = mounted_volumes(after)
    left = [name for name in mounted_volumes(before) if name not in kept]
    words = f"the project is called {new}, no longer {old}: all containers are made anew beside "
    words += "the old ones, which run on"
    if left:
        words += f"; the data in {'volume' if len(left) == 1 else 'volumes'} {listed(left)} is left"
        words += " behind"
    effect = UpEffect.DATA if left else UpEffect.CREATED
    risk = None if left else Risk.MEDIUM
    yield impact(PROJECT_RENAMED, ("name",), words, effect=effect, risk=risk)


def _follows_project(found: Impact) -> bool:
    """Return whether *found* only says that a name begins with the project's."""
    return found.rule in (NETWORK_RENAMED, VOLUME_RENAMED)


def _renamed(before: State, after: State) -> dict[str, str]:
    """Return the services that are old ones under a new name: new name to old."""
    gone = [n for n in before.services if n not in after.services and n not in after.left_out]
    come = [name for name in after.services if name not in before.services]
    found: dict[str, str] = {}
    for name in come:
        best = max(
            ((_alike(before.services[old], after.services[name]), old) for old in gone),
            default=(0.0, ""),
        )
        if best[0] >= _ALIKE:
            found[name] = best[1]
            gone.remove(best[1])
    return found


def _alike(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """Return how much two services share, 0 where they do not run the same program."""
    program = [(one.get("image"), (one.get("build") or {}).get("context")) for one in (old, new)]
    if program[0] != program[1] or program[0] == (None, None):
        return 0.0
    keys = {*old, *new} - {"networks"}
    same = sum(old.get(key) == new.get(key) for key in keys)
    return same / len(keys) if keys else 0.0


def _unexplained(
    before: State, after: State, found: Iterable[Impact], renamed: Mapping[str, str]
) -> Iterator[Difference]:
    """Yield the differences of the models that no change in *found* explains."""
    services = {renamed.get(name, name): value for name, value in after.services.items()}
    under_new = {old: new for new, old in renamed.items()}
    explained = {_names(place, under_new) for each in found for place in each.covers}
    explained = {p for p in explained if len(p) > (2 if p[0] == "services" else 1)}
    compared = {**after.model, "services": services}
    for difference in differences({**before.model}, compared):
        path = difference.path
        if path[0] == "name" or (path[0] == "services" and len(path) <= 2):  # noqa: PLR2004
            continue
        path = _names(path, under_new)
        yield from _beside(replace(difference, path=path), explained)


def _beside(found: Difference, explained: set[Place]) -> Iterator[Difference]:
    """Yield what of *found* is in none of the places *explained*."""
    path = found.path
    if any(path[: len(place)] == place for place in explained):
        return
    value = found.after if found.now else found.before
    within = any(place[: len(path)] == path for place in explained)
    if not within or not isinstance(value, dict) or (found.was and found.now):
        yield found
        return
    for name, part in value.items():
        before, after = (part if side else None for side in (found.was, found.now))
        below = Difference((*path, name), before, after, found.was, found.now)
        yield from _beside(below, explained)


def _names(path: Place, under_new: Mapping[str, str]) -> Place:
    if path[0] == "services" and len(path) > 1 and path[1] in under_new:
        return ("services", under_new[path[1]], *path[2:])
    return path


def _texts(before: State, after: State, found: Iterable[Impact]) -> Iterator[Impact]:
    if before.raw is None or after.raw is None:
        return
    told = {d.path[:3] for d in differences(before.model, after.model)}
    told |= {place[:3] for each in found for place in each.covers}
    raw = differences(
        {"services": before.raw.get("services") or {}},
        {"services": after.raw.get("services") or {}},
    )
    yield from written_differently(before.model, after.model, raw, told)


def _with_effect(found: Impact, before: State, after: State, renamed: Mapping[str, str]) -> Impact:
    """Return *found* with its effect: of services that are in both states the hash tells it."""
    if found.effect is not None:
        return found
    name = found.service
    if name is None:
        return with_effect(found, UpEffect.NOTHING)
    if name in renamed or name not in before.services:
        return with_effect(found, UpEffect.CREATED)
    key = found.path[2] if len(found.path) > 2 else ""  # noqa: PLR2004
    if key in _NOT_HASHED or key.startswith("x-"):
        return with_effect(found, UpEffect.NOTHING)
    changed = recreated(before, after)
    if changed is None:
        return with_effect(found, UpEffect.UNKNOWN)
    return with_effect(found, UpEffect.RECREATED if name in changed else UpEffect.NOTHING)
