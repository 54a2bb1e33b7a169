"""Whatever no other rule explains: settings of services in general, and definitions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
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
from composerefactor.compose.interpolation import MASK, expand, masked
from composerefactor.compose.secrets import is_credential, is_known_token, mask_value, passwords
from composerefactor.proof.comparison import Difference

_QUIET = frozenset({"labels", "annotations"})
_READ_BY_PROXIES = ("traefik.", "caddy", "sablier.")
"""Labels that decide where requests go."""

_MOST_SHOWN = 3
_LONGEST = 60
_NOUNS = {"services": "service", "networks": "network", "volumes": "volume"}


def other_settings(
    before: State, after: State, unexplained: Iterable[Difference]
) -> Iterator[Impact]:
    """Yield one change for each attribute of a service in *unexplained*, or for a definition."""
    grouped: dict[Place, list[Difference]] = {}
    for difference in unexplained:
        path = difference.path
        size = 3 if path[0] == "services" else 2
        grouped.setdefault(path[:size], []).append(difference)
    for place, found in grouped.items():
        if place[0] == "services" and len(place) > 2:  # noqa: PLR2004
            yield _setting(before, after, place, found)
        elif place[0] != "services" and not place[0].startswith("x-") and not _is_whole(found):
            yield _definition(place, found)


def written_differently(
    old: Mapping[str, Any], new: Mapping[str, Any], raw: Iterable[Difference], told: set[Place]
) -> Iterator[Impact]:
    """Yield texts with variables that changed in *raw*, and whose value is the same here.

    *told* are the attributes that differ in the resolved models.
    """
    grouped: dict[Place, list[Difference]] = {}
    for difference in raw:
        path = difference.path
        if len(path) <= 2 or path[:3] in told or any(p.startswith("x-") for p in path[2:]):  # noqa: PLR2004
            continue
        is_text = any("$" in str(v) for v in (difference.before, difference.after))
        if is_text and all(path[1] in (side.get("services") or {}) for side in (old, new)):
            grouped.setdefault(path[:3], []).append(difference)
    for place, found in grouped.items():
        names = [".".join(d.path[2:]) for d in found]
        words = f"{listed(names)} {'is' if len(names) == 1 else 'are'} written differently"
        if len(found) == 1 and found[0].was and found[0].now:
            old_text, new_text = (
                _shown(v, found[0].path) for v in (found[0].before, found[0].after)
            )
            words = f"{names[0]} is written {new_text}, was {old_text}"
        words += "; the value is the same here"
        path = found[0].path if len(found) == 1 else place
        yield impact(WRITTEN_DIFFERENTLY, path, words, effect=UpEffect.NOTHING)


def _setting(before: State, after: State, place: Place, found: list[Difference]) -> Impact:
    old = before.services.get(place[1], {}).get(place[2])
    new = after.services.get(place[1], {}).get(place[2])
    key = place[2]
    path = found[0].path if len(found) == 1 and isinstance(new, dict) else place
    was = all(not d.now for d in found) and (new is None or isinstance(new, dict))
    is_read = any(part.startswith(_READ_BY_PROXIES) for d in found for part in d.path[3:4])
    risk = Risk.NONE if (key in _QUIET and not is_read) or key.startswith("x-") else None
    words = _words(key, old, new, found)
    return impact(SETTING_CHANGED, path, words, risk=risk, was=was, covers=(place,))


def _words(key: str, old: Any, new: Any, found: list[Difference]) -> str:
    if isinstance(old, dict) or isinstance(new, dict):
        return f"{key}: {_pairs(list(_entries(found)), 3)}"
    if isinstance(old or [], list) and isinstance(new or [], list) and (old and new):
        return f"{key}: {_items(mask_value(old), mask_value(new))}"
    was, now = _shown(old, (key,)), _shown(new, (key,))
    if old is None:
        return f"{key} is {now}"
    if new is None:
        return f"{key} is gone, was {was}"
    return f"{key} {was} -> {now}" if was != now else f"{key} has another value"


def _entries(found: list[Difference]) -> Iterator[Difference]:
    """Yield *found* with the entries of a mapping that came or went as a whole."""
    for each in found:
        value = each.after if each.now else each.before
        if (each.was and each.now) or not isinstance(value, dict) or len(each.path) > 3:  # noqa: PLR2004
            yield each
            continue
        for name, part in value.items():
            old, new = (part if there else None for there in (each.was, each.now))
            yield Difference((*each.path, name), old, new, each.was, each.now)


def _pairs(found: list[Difference], depth: int) -> str:
    """Return what *found* says of a mapping's keys."""
    new, gone, changed = [], [], []
    for difference in found:
        name = ".".join(p for p in difference.path[depth:] if not p.isdecimal())
        if not difference.was:
            new.append(name)
        elif not difference.now:
            gone.append(name)
        else:
            changed.append((name, difference))
    parts = [f"{listed(dict.fromkeys(new))} new"] if any(new) else []
    parts += [f"{listed(dict.fromkeys(gone))} gone"] if any(gone) else []
    if 0 < len(changed) <= _MOST_SHOWN:
        for name, difference in changed:
            was, now = (_shown(v, difference.path) for v in (difference.before, difference.after))
            parts.append(f"{name} {was} -> {now}" if was != now else f"{name} has another value")
    elif changed:
        parts.append(f"{listed(dict.fromkeys(name for name, _ in changed))} changed")
    if not parts:
        parts = ["new" if found[0].before is None else "gone"]
    return "; ".join(parts)


def _items(old: Any, new: Any) -> str:
    was, now = [_item(i) for i in _list(old)], [_item(i) for i in _list(new)]
    come = [item for item in now if item not in was]
    gone = [item for item in was if item not in now]
    parts = [f"{listed(come)} new"] if come else []
    parts += [f"{listed(gone)} gone"] if gone else []
    if not parts:
        parts = ["in another order"] if sorted(was) == sorted(now) and was != now else ["changed"]
    return "; ".join(parts)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _item(item: Any) -> str:
    if isinstance(item, dict):
        named = [
            item.get(key) for key in ("source", "target", "path", "published") if item.get(key)
        ]
        if named:
            return ":".join(map(str, named))
    return _shown(item, ())


def _is_whole(found: list[Difference]) -> bool:
    """Return whether a definition came or went: what uses it says more."""
    return len(found[0].path) == 2 and not (found[0].was and found[0].now)  # noqa: PLR2004


def _definition(place: Place, found: list[Difference]) -> Impact:
    section, name = place[0], place[1] if len(place) > 1 else ""
    noun = _NOUNS.get(section, section.removesuffix("s"))
    if not name:
        was, now = (_shown(v, place) for v in (found[0].before, found[0].after))
        return impact(DEFINITION_CHANGED, place, f"{section} {was} -> {now}")
    words = f"{noun} {name}: {_pairs(found, 2)}"
    return impact(DEFINITION_CHANGED, place, words, effect=UpEffect.NOTHING, covers=(place,))


def _shown(value: Any, path: Place) -> str:
    name = path[-1] if path else ""
    masked = mask_value(value, name)
    if isinstance(masked, list) and all(isinstance(item, str) for item in masked):
        text = " ".join(masked)
    elif isinstance(masked, str):
        text = masked or '""'
    else:
        text = json.dumps(masked, ensure_ascii=False, default=str)
    text = " ".join(text.split()) or "empty"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


_REDIS = frozenset({"requirepass", "masterauth"})
"""Options of redis-server that are credentials, though words in them do not end there."""

_OPTION = re.compile(r"--?(?P<name>[A-Za-z][\w-]*)(?:=(?P<value>.*))?$", re.DOTALL)


def plain_secrets(pair: ServicePair) -> Iterator[Impact]:
    """Yield credentials that are new as text, and those that a variable or a file replaced.

    Only what is written is looked at, so a value that a variable brings is none.
    """
    raw_old, raw_new = pair.raw
    if raw_new is None:
        return
    old, new = dict(_literals(raw_old or {}, pair.old)), dict(_literals(raw_new, pair.new))
    for place, value in new.items():
        if old.get(place) == value:
            continue
        words = f"{_name(place)} stands in the files as plain text"
        if place in old:
            words = f"{_name(place)} has another value, again as plain text"
        yield impact(SECRET_IN_PLAIN_TEXT, pair.at(*place), words, marks=_marks(place))
    for place in old:
        if place not in new and pair.new:
            words = f"{_name(place)} no longer stands in the files as plain text"
            gone = _value(raw_new, place) is None
            yield impact(SECRET_OUT_OF_TEXT, pair.at(*place), words, was=gone, marks=_marks(place))


def _literals(
    service: Mapping[str, Any], resolved: Mapping[str, Any]
) -> Iterator[tuple[Place, str]]:
    """Yield the credentials in *service*, as it is written, with their places.

    What is in the environment of *resolved* alone comes from an env file, where text is text.
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
        for n, value in _secret_words(service.get(key)):
            yield (key, str(n)), value


def _is_literal_secret(name: str, value: str) -> bool:
    """Return whether *value*, as written, holds a credential, or a variable's default does."""
    written = expand(value, {})
    if is_credential(name, written) and written:
        return True
    text = masked(value).replace("$$", "$")
    found = [text[start:end] for start, end in passwords(text)]
    return any(MASK not in word for word in found) or is_known_token(text)


def _secret_words(value: Any) -> Iterator[tuple[int, str]]:
    words = value.split() if isinstance(value, str) else list(map(str, value or ()))
    for n, (before, word) in enumerate(pairwise(["", *words])):
        option, own = _OPTION.match(before), _OPTION.match(word)
        written = expand(word, {})
        if own and own["value"] and _takes_secret(own["name"], expand(own["value"], {})):
            yield n, word
        elif option and option["value"] is None and not own and written:
            if _takes_secret(option["name"], written):
                yield n, word
        elif is_known_token(masked(word)):
            yield n, word


def _takes_secret(option: str, value: str) -> bool:
    return bool(value) and (option in _REDIS or is_credential(option, value))


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
