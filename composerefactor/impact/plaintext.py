"""Credentials that came to stand in the files as text, or stand there no more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from composerefactor.compose.expand import expand
from composerefactor.compose.masking import MASK, masked
from composerefactor.credentials.names import is_credential, passwords
from composerefactor.impact.change import Change, Place, ServicePair, change
from composerefactor.impact.rules import SECRET_IN_PLAIN_TEXT, SECRET_OUT_OF_TEXT
from composerefactor.patterns import regex
from composerefactor.verify.masking import is_known_token

_REDIS = frozenset({"requirepass", "masterauth"})
"""Options of redis-server that are credentials, though words in them do not end there."""

_OPTION = regex(r"--?(?P<name>[A-Za-z][\w-]*)(?:=(?P<value>.*))?$", re.DOTALL)


def plain_secrets(pair: ServicePair) -> Iterator[Change]:
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
        yield change(SECRET_IN_PLAIN_TEXT, pair.at(*place), words, marks=_marks(place))
    for place in old:
        if place not in new and pair.new:
            words = f"{_name(place)} no longer stands in the files as plain text"
            gone = _value(raw_new, place) is None
            yield change(SECRET_OUT_OF_TEXT, pair.at(*place), words, was=gone, marks=_marks(place))


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
