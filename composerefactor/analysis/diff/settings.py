"""Impacts on settings that no other rule explains, and on credentials in plain text.

:func:`other_settings` describes the remaining differences of the resolved configurations,
:func:`written_differently` changed texts with the same value, and :func:`plain_secrets`
credentials that the files contain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from composerefactor.analysis.diff.change import (
    DEFINITION_CHANGED,
    SECRET_IN_PLAIN_TEXT,
    SECRET_OUT_OF_TEXT,
    SETTING_CHANGED,
    WRITTEN_DIFFERENTLY,
    Impact,
    Place,
    Risk,
    ServicePair,
    State,
    UpEffect,
    impact,
    listed,
)
from composerefactor.compose.files import SECTION_NOUNS
from composerefactor.compose.interpolation import expand
from composerefactor.compose.masking import GENERAL
from composerefactor.compose.secrets import is_credential, secret_spans, secret_words
from composerefactor.proof.comparison import Difference

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
        yield impact(WRITTEN_DIFFERENTLY, path, message, effect=UpEffect.NOTHING)


def _setting(before: State, after: State, place: Place, group: list[Difference]) -> Impact:
    old = before.services.get(place[1], {}).get(place[2])
    new = after.services.get(place[1], {}).get(place[2])
    key = place[2]
    path = group[0].path if len(group) == 1 and isinstance(new, dict) else place
    was = all(not d.now for d in group) and (new is None or isinstance(new, dict))
    is_read = any(part.startswith(_READ_BY_PROXIES) for d in group for part in d.path[3:4])
    risk = Risk.NONE if (key in _QUIET and not is_read) or key.startswith("x-") else None
    message = _setting_message(key, old, new, group)
    return impact(SETTING_CHANGED, path, message, risk=risk, was=was, covers=(place,))


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
        return impact(DEFINITION_CHANGED, place, f"{section}: {was} -> {now}")
    message = f"{noun} {name}: {_mapping_message(group, 2)}"
    return impact(DEFINITION_CHANGED, place, message, effect=UpEffect.NOTHING, covers=(place,))


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
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 3]}..."


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
        yield impact(SECRET_IN_PLAIN_TEXT, pair.at(*place), message, marks=_marks(place))
    for place in old:
        if place not in new and pair.new:
            message = f"{_name(place)} is no longer in the files as plain text"
            yield impact(
                SECRET_OUT_OF_TEXT,
                pair.at(*place),
                message,
                was=_value(raw_new, place) is None,
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
        pairs = _value(service, place)
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


def _value(service: Mapping[str, Any], place: Place) -> Any:
    value: Any = service
    for part in place:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _name(place: Place) -> str:
    if place[0] == "environment":
        return place[-1]
    if place[0] in {"command", "entrypoint"}:
        return f"a credential in the {place[0]}"
    return ".".join(place)


def _marks(place: Place) -> tuple[str, ...]:
    return (place[-1],) if place[0] not in {"command", "entrypoint"} else ()
