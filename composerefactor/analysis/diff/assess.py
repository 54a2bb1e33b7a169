"""All impacts between two states of a start command, with their effect and risk.

:func:`assess` applies the rules of :data:`PROJECT_RULES`, :data:`SERVICE_RULES` and
:data:`RULES_FOR_BOTH`. Differences of the resolved configurations that none of them explains become
impacts of ``settings``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec.structs import replace

from composerefactor.analysis.diff import kinds
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
from composerefactor.analysis.diff.impact import (
    Impact,
    Place,
    ServicePair,
    State,
    UpEffect,
    impact,
    listed,
    value_at,
    with_effect,
)
from composerefactor.analysis.diff.kinds import Risk
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
from composerefactor.analysis.diff.storage import (
    mounted_volumes,
    service_mounts,
    volume_definitions,
    volumes_left,
)
from composerefactor.compose.files import SECTION_NOUNS
from composerefactor.compose.interpolation import expand
from composerefactor.compose.masking import GENERAL
from composerefactor.compose.secret_spans import secret_spans, secret_words
from composerefactor.compose.secrets import is_credential
from composerefactor.errors import shortened
from composerefactor.proof.comparison import Difference, config_differences

_QUIET = frozenset({"labels", "annotations"})
_READ_BY_PROXIES = ("traefik.", "caddy", "sablier.")
"""Labels that control the routing of requests."""

_MAX_SHOWN = 3
_MAX_LENGTH = 60


def other_settings(
    before: State, after: State, unexplained: Iterable[Difference]
) -> Iterator[Impact]:
    """Yield one impact for each attribute of a service, and each definition, in *unexplained*."""
    grouped: dict[Place, list[Difference]] = {}
    for difference in unexplained:
        path = difference.path
        size = 3 if path[0] == "services" else 2
        grouped.setdefault(path[:size], []).append(difference)
    for place, group in grouped.items():
        if place[0] == "services" and len(place) > 2:  # noqa: PLR2004
            yield _setting(before, after, place, group)
        elif place[0] != "services" and not place[0].startswith("x-") and not _is_whole(group):
            yield _definition(place, group)


def written_differently(
    old: Mapping[str, Any], new: Mapping[str, Any], raw: Iterable[Difference], reported: set[Place]
) -> Iterator[Impact]:
    """Yield texts with variables that changed although their value here is the same.

    *old* and *new* are the resolved configurations, *raw* are the differences before interpolation,
    *reported* are the attributes for which there already is an impact.
    """
    grouped: dict[Place, list[Difference]] = {}
    for difference in raw:
        path = difference.path
        is_extension = any(p.startswith("x-") for p in path[2:])
        if len(path) <= 2 or path[:3] in reported or is_extension:  # noqa: PLR2004
            continue
        is_text = any("$" in str(v) for v in (difference.before, difference.after))
        if is_text and all(path[1] in (side.get("services") or {}) for side in (old, new)):
            grouped.setdefault(path[:3], []).append(difference)
    for place, group in grouped.items():
        names = [".".join(d.path[2:]) for d in group]
        message = f"{listed(names)} {'is' if len(names) == 1 else 'are'} written differently"
        if len(group) == 1 and group[0].was and group[0].now:
            old_text, new_text = (
                _shown(v, group[0].path) for v in (group[0].before, group[0].after)
            )
            message = f"{names[0]} is now written {new_text} instead of {old_text}"
        message += "; the value here is the same"
        path = group[0].path if len(group) == 1 else place
        yield impact(kinds.WRITTEN_DIFFERENTLY, path, message, effect=UpEffect.NOTHING)


def _setting(before: State, after: State, place: Place, group: list[Difference]) -> Impact:
    old = before.services.get(place[1], {}).get(place[2])
    new = after.services.get(place[1], {}).get(place[2])
    key = place[2]
    path = group[0].path if len(group) == 1 and isinstance(new, dict) else place
    was = all(not d.now for d in group) and (new is None or isinstance(new, dict))
    is_read = any(part.startswith(_READ_BY_PROXIES) for d in group for part in d.path[3:4])
    risk = Risk.NONE if (key in _QUIET and not is_read) or key.startswith("x-") else None
    message = _setting_message(key, old, new, group)
    return impact(kinds.SETTING_CHANGED, path, message, risk=risk, was=was, covers=(place,))


def _setting_message(key: str, old: Any, new: Any, group: list[Difference]) -> str:
    if isinstance(old, dict) or isinstance(new, dict):
        return f"{key}: {_mapping_message(list(_entries(group)), 3)}"
    if isinstance(old or [], list) and isinstance(new or [], list) and (old and new):
        return f"{key}: {_list_message(GENERAL.value(old), GENERAL.value(new))}"
    was, now = _shown(old, (key,)), _shown(new, (key,))
    if old is None:
        return f"{key} is {now}"
    if new is None:
        return f"{key} was removed; it was {was}"
    return f"{key}: {was} -> {now}" if was != now else f"{key} changed"


def _entries(group: list[Difference]) -> Iterator[Difference]:
    """Yield *group*, but one difference for each entry of a mapping that was added or removed."""
    for each in group:
        value = each.after if each.now else each.before
        if (each.was and each.now) or not isinstance(value, dict) or len(each.path) > 3:  # noqa: PLR2004
            yield each
            continue
        for name, part in value.items():
            old, new = (part if exists else None for exists in (each.was, each.now))
            yield Difference((*each.path, name), old, new, each.was, each.now)


def _mapping_message(group: list[Difference], depth: int) -> str:
    """Return which keys of a mapping, at *depth* of the paths, were added, removed or changed."""
    added, removed, changed = [], [], []
    for difference in group:
        name = ".".join(p for p in difference.path[depth:] if not p.isdecimal())
        if not difference.was:
            added.append(name)
        elif not difference.now:
            removed.append(name)
        else:
            changed.append((name, difference))
    parts = [f"{listed(dict.fromkeys(added))} added"] if any(added) else []
    parts += [f"{listed(dict.fromkeys(removed))} removed"] if any(removed) else []
    if 0 < len(changed) <= _MAX_SHOWN:
        for name, difference in changed:
            was, now = (_shown(v, difference.path) for v in (difference.before, difference.after))
            parts.append(f"{name} {was} -> {now}" if was != now else f"{name} changed")
    elif changed:
        parts.append(f"{listed(dict.fromkeys(name for name, _ in changed))} changed")
    if not parts:
        parts = ["added" if group[0].before is None else "removed"]
    return "; ".join(parts)


def _list_message(old: Any, new: Any) -> str:
    """Return which items of a list were added or removed."""
    was, now = [_item(i) for i in _as_list(old)], [_item(i) for i in _as_list(new)]
    added = [item for item in now if item not in was]
    removed = [item for item in was if item not in now]
    parts = [f"{listed(added)} added"] if added else []
    parts += [f"{listed(removed)} removed"] if removed else []
    if not parts:
        parts = ["in another order"] if sorted(was) == sorted(now) and was != now else ["changed"]
    return "; ".join(parts)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _item(item: Any) -> str:
    if isinstance(item, dict):
        parts = [
            item.get(key) for key in ("source", "target", "path", "published") if item.get(key)
        ]
        if parts:
            return ":".join(map(str, parts))
    return _shown(item, ())


def _is_whole(group: list[Difference]) -> bool:
    """Return whether a whole definition was added or removed: its users have impacts already."""
    return len(group[0].path) == 2 and not (group[0].was and group[0].now)  # noqa: PLR2004


def _definition(place: Place, group: list[Difference]) -> Impact:
    section, name = place[0], place[1] if len(place) > 1 else ""
    noun = SECTION_NOUNS.get(section, section)
    if not name:
        was, now = (_shown(v, place) for v in (group[0].before, group[0].after))
        return impact(kinds.DEFINITION_CHANGED, place, f"{section}: {was} -> {now}")
    message = f"{noun} {name}: {_mapping_message(group, 2)}"
    return impact(
        kinds.DEFINITION_CHANGED, place, message, effect=UpEffect.NOTHING, covers=(place,)
    )


def _shown(value: Any, path: Place) -> str:
    """Return *value* on one line and without secrets; long values are cut off."""
    name = path[-1] if path else ""
    masked = GENERAL.value(value, name)
    if isinstance(masked, list) and all(isinstance(item, str) for item in masked):
        text = " ".join(masked)
    elif isinstance(masked, str):
        text = masked or '""'
    else:
        text = json.dumps(masked, ensure_ascii=False, default=str)
    text = " ".join(text.split()) or "empty"
    return shortened(text, _MAX_LENGTH)


def plain_secrets(pair: ServicePair) -> Iterator[Impact]:
    """Yield credentials that were added as plain text, and those that no longer are plain text.

    Only the written text counts: the value of a variable is not plain text.
    """
    raw_old, raw_new = pair.raw
    if raw_new is None:
        return
    old, new = dict(_literals(raw_old or {}, pair.old)), dict(_literals(raw_new, pair.new))
    for place, value in new.items():
        if old.get(place) == value:
            continue
        message = f"{_name(place)} is in the files as plain text"
        if place in old:
            message = f"{_name(place)} has a new value, still as plain text"
        yield impact(kinds.SECRET_IN_PLAIN_TEXT, pair.at(*place), message, marks=_marks(place))
    for place in old:
        if place not in new and pair.new:
            message = f"{_name(place)} is no longer in the files as plain text"
            yield impact(
                kinds.SECRET_OUT_OF_TEXT,
                pair.at(*place),
                message,
                was=value_at(raw_new, place) is None,
                marks=_marks(place),
            )


def _literals(
    service: Mapping[str, Any], resolved: Mapping[str, Any]
) -> Iterator[tuple[Place, str]]:
    """Yield the place and the value of each credential in *service*, before interpolation.

    What is only in the environment of *resolved* comes from an env file, which is plain text.
    """
    written = service.get("environment") or {}
    for name, value in (resolved.get("environment") or {}).items():
        if name not in written and isinstance(value, str) and _is_literal_secret(name, value):
            yield ("environment", name), value
    for place in (("environment",), ("build", "args"), ("labels",)):
        pairs = value_at(service, place)
        for name, value in pairs.items() if isinstance(pairs, dict) else ():
            if isinstance(value, str) and _is_literal_secret(name, value):
                yield (*place, name), value
    for key in ("command", "entrypoint"):
        value = service.get(key)
        words = value.split() if isinstance(value, str) else list(map(str, value or ()))
        for n in secret_words(words):
            yield (key, str(n)), words[n]


def _is_literal_secret(name: str, value: str) -> bool:
    """Return whether *value* contains a credential, also in the default of a variable."""
    written = expand(value, {})
    return bool(written and is_credential(name, written)) or bool(secret_spans(value))


def _name(place: Place) -> str:
    if place[0] == "environment":
        return place[-1]
    if place[0] in {"command", "entrypoint"}:
        return f"a credential in the {place[0]}"
    return ".".join(place)


def _marks(place: Place) -> tuple[str, ...]:
    return (place[-1],) if place[0] not in {"command", "entrypoint"} else ()


ServiceRule: TypeAlias = Callable[[ServicePair], Iterable[Impact]]
ProjectRule: TypeAlias = Callable[[State, State], Iterable[Impact]]

SERVICE_RULES: tuple[ServiceRule, ...] = (
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
    plain_secrets,
)
"""The rules for each service of either state."""

RULES_FOR_BOTH: tuple[ServiceRule, ...] = (
    image,
    build,
    attachments,
    health_check,
    dependencies,
    limits,
    restart,
    log_rotation,
    profiles,
    replicas,
)
"""The rules for each service that both states have."""

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
        for_both = RULES_FOR_BOTH if pair.old and pair.new else ()
        for service_rule in (*SERVICE_RULES, *for_both):
            impacts += service_rule(pair)
    unexplained = list(_unexplained(before, after, impacts, renamed))
    if renames_project:
        # The names of networks and volumes begin with that of the project.
        renamed_too = (kinds.NETWORK_RENAMED, kinds.VOLUME_RENAMED)
        impacts = [each for each in impacts if each.rule not in renamed_too]
        unexplained = [each for each in unexplained if each.path[2:] != ("name",)]
    impacts += other_settings(before, after, unexplained)
    impacts += list(_texts(before, after, impacts))
    complete = [_with_effect(each, before, after, renamed) for each in impacts]
    return sorted(complete, key=lambda each: (-each.risk, each.path[:2], each.rule.id))


def recreated(before: State, after: State) -> tuple[str, ...] | None:
    """Return the services of both states whose container hash differs; None if unknown."""
    if before.hashes is None or after.hashes is None:
        return None
    new = after.hashes
    return tuple(name for name, value in before.hashes.items() if new.get(name, value) != value)


def _pairs(before: State, after: State, renamed: Mapping[str, str]) -> Iterator[ServicePair]:
    for name in after.services:
        if name in before.excluded:
            continue
        yield ServicePair(name, before, after, renamed.get(name, ""))


def _service(pair: ServicePair) -> Iterator[Impact]:
    if pair.old_name:
        message = f"was renamed from {pair.old_name} to {pair.name}: other services cannot reach "
        message += "it under the old name, and its old container runs until it is removed"
        yield impact(kinds.SERVICE_RENAMED, pair.at(), message, effect=UpEffect.CREATED)
    elif not pair.old:
        source = pair.new.get("image") or ("built here" if pair.new.get("build") else "")
        message = f"is new ({GENERAL.text(str(source))})" if source else "is new"
        profiles = pair.new.get("profiles")
        effect = UpEffect.NOTHING if profiles else UpEffect.CREATED
        message += f", starts with the profile {listed(profiles)}" if profiles else ""
        yield impact(kinds.SERVICE_ADDED, pair.at(), message, effect=effect)


def _removed(before: State, after: State, renamed: Mapping[str, str]) -> Iterator[Impact]:
    for name in before.services:
        known = name in after.services or name in after.excluded
        if not known and name not in renamed.values():
            message = "was removed; its container runs until `up --remove-orphans` or `down`"
            path = ("services", name)
            yield impact(kinds.SERVICE_REMOVED, path, message, effect=UpEffect.REMOVED, was=True)


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
    yield impact(kinds.PROJECT_RENAMED, ("name",), message, effect=effect, risk=risk)


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
