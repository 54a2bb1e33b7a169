"""All impacts between two states of a start command, with their effect and risk.

:func:`assess` applies the rules of :data:`PROJECT_RULES` and :data:`SERVICE_RULES`. Differences of
the resolved configurations that none of them explains become impacts of ``settings``.
"""

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
    attachments,
    capabilities,
    confinement,
    devices,
    host_namespaces,
    network_definitions,
    powerful_mounts,
    privileged_mode,
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
    profiles,
    replicas,
    restart,
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
from composerefactor.compose.masking import GENERAL
from composerefactor.proof.comparison import Difference, config_differences

ServiceRule: TypeAlias = Callable[[ServicePair], Iterable[Impact]]
ProjectRule: TypeAlias = Callable[[State, State], Iterable[Impact]]

SERVICE_RULES: tuple[ServiceRule, ...] = (
    image,
    build,
    published_ports,
    privileged_mode,
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
    profiles,
    replicas,
    plain_secrets,
)
"""The rules for each service of the new state."""

PROJECT_RULES: tuple[ProjectRule, ...] = (volumes_left, volume_definitions, network_definitions)

_NOT_HASHED = frozenset({"build", "pull_policy", "scale", "depends_on", "profiles"})
"""Attributes that are not part of a container's hash (observed: v2.24.1 to v5.6.1)."""

_MIN_SIMILARITY = 0.6
"""The share of equal settings from which on a new service is an old one under another name."""


def assess(before: State, after: State) -> list[Impact]:
    """Return all impacts, those with the highest risk first; none if the states are equal."""
    renamed = _renamed(before, after)
    impacts = list(_project_name(before, after))
    renames_project = bool(impacts)
    for rule in PROJECT_RULES:
        impacts += rule(before, after)
    impacts += _removed(before, after, renamed)
    for pair in _pairs(before, after, renamed):
        impacts += _service(pair)
        for service_rule in SERVICE_RULES:
            impacts += service_rule(pair)
    unexplained = list(_unexplained(before, after, impacts, renamed))
    if renames_project:
        impacts = [each for each in impacts if not _follows_project_name(each)]
        unexplained = [each for each in unexplained if each.path[2:] != ("name",)]
    impacts += other_settings(before, after, unexplained)
    impacts += list(_texts(before, after, impacts))
    complete = [_with_effect(each, before, after, renamed) for each in impacts]
    return sorted(complete, key=lambda each: (-each.risk, each.path[:2], each.rule.id))


def recreated(before: State, after: State) -> list[str] | None:
    """Return the services of both states whose container hash differs; None if unknown."""
    if before.hashes is None or after.hashes is None:
        return None
    return [n for n, value in before.hashes.items() if after.hashes.get(n, value) != value]


def _pairs(before: State, after: State, renamed: Mapping[str, str]) -> Iterator[ServicePair]:
    for name in after.services:
        if name in before.excluded:
            continue
        yield ServicePair(name, before, after, renamed.get(name, ""))


def _service(pair: ServicePair) -> Iterator[Impact]:
    if pair.old_name:
        message = f"was renamed from {pair.old_name} to {pair.name}: other services cannot reach "
        message += "it under the old name, and its old container runs until it is removed"
        yield impact(SERVICE_RENAMED, pair.at(), message, effect=UpEffect.CREATED)
    elif not pair.old:
        source = pair.new.get("image") or ("built here" if pair.new.get("build") else "")
        message = f"is new ({GENERAL.text(str(source))})" if source else "is new"
        profiles = pair.new.get("profiles")
        effect = UpEffect.NOTHING if profiles else UpEffect.CREATED
        message += f", starts with the profile {listed(profiles)}" if profiles else ""
        yield impact(SERVICE_ADDED, pair.at(), message, effect=effect)


def _removed(before: State, after: State, renamed: Mapping[str, str]) -> Iterator[Impact]:
    for name in before.services:
        known = name in after.services or name in after.excluded
        if not known and name not in renamed.values():
            message = "was removed; its container runs until `up --remove-orphans` or `down`"
            path = ("services", name)
            yield impact(SERVICE_REMOVED, path, message, effect=UpEffect.REMOVED, was=True)


def _project_name(before: State, after: State) -> Iterator[Impact]:
    old, new = before.model.get("name"), after.model.get("name")
    if old == new:
        return
    volumes = mounted_volumes(after)
    abandoned = [name for name in mounted_volumes(before) if name not in volumes]
    message = f"the project was renamed from {old} to {new}: all containers are created again "
    message += "beside the old ones, which keep running"
    if abandoned:
        noun = "volume" if len(abandoned) == 1 else "volumes"
        message += f"; the data in {noun} {listed(abandoned)} is left behind"
    effect = UpEffect.DATA if abandoned else UpEffect.CREATED
    risk = None if abandoned else Risk.MEDIUM
    yield impact(PROJECT_RENAMED, ("name",), message, effect=effect, risk=risk)


def _follows_project_name(change: Impact) -> bool:
    """Return whether *change* is only due to a name that starts with that of the project."""
    return change.rule in (NETWORK_RENAMED, VOLUME_RENAMED)


def _renamed(before: State, after: State) -> dict[str, str]:
    """Return the services that are old ones under a new name: from the new name to the old."""
    removed = [n for n in before.services if n not in after.services and n not in after.excluded]
    added = [name for name in after.services if name not in before.services]
    renamed: dict[str, str] = {}
    for name in added:
        similarity, old_name = max(
            ((_similarity(before.services[old], after.services[name]), old) for old in removed),
            default=(0.0, ""),
        )
        if similarity >= _MIN_SIMILARITY:
            renamed[name] = old_name
            removed.remove(old_name)
    return renamed


def _similarity(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """Return the share of equal settings, 0 if the services do not run the same image."""
    program = [(one.get("image"), (one.get("build") or {}).get("context")) for one in (old, new)]
    if program[0] != program[1] or program[0] == (None, None):
        return 0.0
    keys = {*old, *new} - {"networks"}
    same = sum(old.get(key) == new.get(key) for key in keys)
    return same / len(keys) if keys else 0.0


def _unexplained(
    before: State, after: State, impacts: Iterable[Impact], renamed: Mapping[str, str]
) -> Iterator[Difference]:
    """Yield the differences of the resolved configurations that none of *impacts* explains."""
    services = {renamed.get(name, name): value for name, value in after.services.items()}
    new_names = {old: new for new, old in renamed.items()}
    explained = {_with_new_name(place, new_names) for each in impacts for place in each.covers}
    explained = {p for p in explained if len(p) > (2 if p[0] == "services" else 1)}
    compared = {**after.model, "services": services}
    for difference in config_differences({**before.model}, compared):
        path = difference.path
        if path[0] == "name" or (path[0] == "services" and len(path) <= 2):  # noqa: PLR2004
            continue
        path = _with_new_name(path, new_names)
        yield from _outside(replace(difference, path=path), explained)


def _outside(difference: Difference, explained: set[Place]) -> Iterator[Difference]:
    """Yield the parts of *difference* that are outside the places *explained*."""
    path = difference.path
    if any(path[: len(place)] == place for place in explained):
        return
    value = difference.after if difference.now else difference.before
    contains_explained = any(place[: len(path)] == path for place in explained)
    is_changed = difference.was and difference.now
    if not contains_explained or not isinstance(value, dict) or is_changed:
        yield difference
        return
    for name, part in value.items():
        before, after = (part if side else None for side in (difference.was, difference.now))
        below = Difference((*path, name), before, after, difference.was, difference.now)
        yield from _outside(below, explained)


def _with_new_name(path: Place, new_names: Mapping[str, str]) -> Place:
    if path[0] == "services" and len(path) > 1 and path[1] in new_names:
        return ("services", new_names[path[1]], *path[2:])
    return path


def _texts(before: State, after: State, impacts: Iterable[Impact]) -> Iterator[Impact]:
    """Yield impacts for texts that changed although nothing else explains it."""
    if before.raw is None or after.raw is None:
        return
    reported = {d.path[:3] for d in config_differences(before.model, after.model)}
    reported |= {place[:3] for each in impacts for place in each.covers}
    raw = config_differences(
        {"services": before.raw.get("services") or {}},
        {"services": after.raw.get("services") or {}},
    )
    yield from written_differently(before.model, after.model, raw, reported)


def _with_effect(change: Impact, before: State, after: State, renamed: Mapping[str, str]) -> Impact:
    """Return *change* with its effect: for services in both states the hash decides."""
    if change.effect is not None:
        return change
    name = change.service
    if name is None:
        return with_effect(change, UpEffect.NOTHING)
    if name in renamed or name not in before.services:
        return with_effect(change, UpEffect.CREATED)
    key = change.path[2] if len(change.path) > 2 else ""  # noqa: PLR2004
    if key in _NOT_HASHED or key.startswith("x-"):
        return with_effect(change, UpEffect.NOTHING)
    names = recreated(before, after)
    if names is None:
        return with_effect(change, UpEffect.UNKNOWN)
    return with_effect(change, UpEffect.RECREATED if name in names else UpEffect.NOTHING)
