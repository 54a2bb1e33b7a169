"""Where each change stands, and which are one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from composerefactor.errors import Location
from composerefactor.impact.change import Change, Effect
from composerefactor.impact.rules import (
    NOT_COMPARED,
    REJECTED,
    SECRET_IN_PLAIN_TEXT,
    SETTING_CHANGED,
)
from composerefactor.proposal.locate import blamed_place, locate
from composerefactor.proposal.opening import Opened
from composerefactor.review.opening import content_of, is_ignored
from composerefactor.review.reviewed import Compared, Reviewed


def located(compared: Sequence[Compared], old: Opened | None, new: Opened | None) -> list[Reviewed]:
    """Return each change once, with its place, and all entry points and services that show it."""
    seen: dict[tuple[Any, ...], Reviewed] = {}
    for each in compared:
        for found in each.changes:
            place = _place(found, each, old, new)
            if found.rule is SECRET_IN_PLAIN_TEXT and place and not _is_new(place, old, new):
                found = _known_secret(found, place)  # noqa: PLW2901 - it stands for the other
            # The words may hold the project's name, which differs between entry points.
            words = "" if place and place.line else found.words
            key = (found.rule.id, found.path, found.was, found.marks, place, words)
            known = seen.get(key)
            if known is None:
                services = (found.service,) if found.service else ()
                nearby = _nearby(found, each, new) if found.was else place
                seen[key] = Reviewed(found, place, (each.entry,), services, nearby)
                continue
            worst = max(known.change, found, key=_severity)
            seen[key] = replace(known, change=worst, entries=(*known.entries, each.entry))
    return sorted(_merged(seen.values()), key=lambda one: -one.change.risk)


def _is_new(place: Location, old: Opened | None, new: Opened | None) -> bool:
    """Return whether the line at *place* comes into git with the change.

    A file that git ignores does not come into it, and a line that the old files have was there.
    """
    if is_ignored(new, place.path):
        return False
    lines = (content_of(new, place.path) or b"").splitlines()
    line = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else b""
    if old is None or not line:
        return True
    texts = [content_of(old, path) or b"" for path in sorted(old.project.inputs)]
    return not any(line in map(bytes.strip, text.splitlines()) for text in texts)


def _known_secret(found: Change, place: Location) -> Change:
    """Return *found*, a credential that does not come into git, as the setting that it is."""
    words = f"{'.'.join(found.path[2:])} has the value in {place.path}"
    return replace(found, rule=SETTING_CHANGED, risk=SETTING_CHANGED.risk, words=words)


def _severity(found: Change) -> tuple[int, bool]:
    return found.risk, found.effect is not Effect.NOTHING


def _merged(changes: Iterable[Reviewed]) -> list[Reviewed]:
    """Return *changes* with those that one line makes in several services as one."""
    seen: dict[tuple[Any, ...], Reviewed] = {}
    for n, each in enumerate(changes):
        found = each.change
        alone = not found.service or each.location is None or not each.location.line
        kind = (found.rule.id, found.words, found.path[2:], found.risk, found.effect)
        key = (*kind, each.entries, each.location, n if alone else -1)
        known = seen.setdefault(key, each)
        if known is not each:
            seen[key] = replace(known, services=(*known.services, *each.services))
    return list(seen.values())


def _place(
    found: Change, compared: Compared, old: Opened | None, new: Opened | None
) -> Location | None:
    opened, entry = (old, compared.old) if found.was else (new, compared.new)
    if opened is None or entry is None:
        opened, entry = (new, compared.new) if found.was else (old, compared.old)
    if opened is None or entry is None:
        return None
    if found.rule is REJECTED and entry in opened.project.errors:
        return opened.project.errors[entry].location
    if not found.path:
        words = found.words if found.rule in (REJECTED, NOT_COMPARED) else ""
        if words and entry in opened.project.readable:
            return blamed_place(opened.project, entry, words)
        return Location(entry.base)
    place = locate(opened.project, entry, found.path, found.marks)
    if found.path[2:3] == ("environment",) and len(found.path) > 3:  # noqa: PLR2004
        return _in_env_file(opened, found.path[3], place)
    return place


def _nearby(found: Change, compared: Compared, new: Opened | None) -> Location | None:
    if new is None or compared.new is None:
        return None
    return locate(new.project, compared.new, found.path) or Location(compared.new.base)


def _in_env_file(opened: Opened, name: str, place: Location | None) -> Location | None:
    """Return where *name* is set: at *place* if that line names it, else in an env file."""
    line = re.compile(rf"^[ \t]*(?:export[ \t]+)?{re.escape(name)}[ \t]*[=:]", re.MULTILINE)
    if place is not None and place.line:
        file = opened.project.files.get(place.path)
        text = file.source.text.splitlines() if file else []
        if name in "".join(text[place.line - 1 : place.line]):
            return place
    for path in sorted(opened.project.env_files):
        if not opened.files.exists(path):
            continue
        content = opened.files.read_bytes(path).decode("utf-8", "replace")
        if match := line.search(content):
            return Location(path, content.count("\n", 0, match.start()) + 1)
    return place
