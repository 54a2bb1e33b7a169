"""What a change to a project means for everything that is started from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from posixpath import normpath
from typing import Any

from msgspec.structs import replace

from composerefactor.analysis.diff.assess import assess, recreated
from composerefactor.analysis.diff.change import (
    ACCEPTED,
    ENTRY_ADDED,
    ENTRY_REMOVED,
    NOT_COMPARED,
    REJECTED,
    SECRET_IN_PLAIN_TEXT,
    SETTING_CHANGED,
    Impact,
    Risk,
    State,
    UpEffect,
    impact,
)
from composerefactor.analysis.diff.states import (
    ComparedStart,
    LocatedImpact,
    Pair,
    Review,
    content_of,
    credentials,
    entries_of,
    is_ignored,
    resolve,
    scrubbed,
)
from composerefactor.compose.invocation import Invocation
from composerefactor.errors import Location
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.settle import blamed_place, locate
from composerefactor.proof.comparison import differences
from composerefactor.proof.engine import Engine
from composerefactor.proof.side_by_side import ResolvedConfig, SideBySide

_KEEPERS = frozenset({".gitkeep", ".keep", ".gitignore"})
"""Files that keep a directory in git whose content is not."""


def keeper(opened: OpenProject | None) -> Callable[[str], bool]:
    """Return whether a path holds sources of the project, so that it is no place for data."""

    def keeps(path: str) -> bool:
        if opened is None or not path.startswith("./"):
            return False
        below = normpath(path)
        if opened.exported is not None:
            place = opened.root / below
            return place.is_file() or any(
                one.is_file() and one.name not in _KEEPERS for one in place.rglob("*")
            )
        tracked = opened.project.is_tracked
        return tracked(below) and not any(tracked(f"{below}/{name}") for name in _KEEPERS)

    return keeps


def paired(
    old: Sequence[Invocation], new: Sequence[Invocation]
) -> list[tuple[Invocation | None, Invocation | None]]:
    """Return which entry point of *new* is which of *old*.

    The same command is the same entry point; without ``-f`` the files may have other names. What
    is left over is taken together where the files have the same names in another directory, where
    most of the files are the same, or where each state has one entry point alone.
    """
    if len(old) == len(new) == 1:
        return [(old[0], new[0])]
    left = list(new)
    found: dict[Invocation, Invocation | None] = dict.fromkeys(old)
    for alike in (_same_command, _same_names, _most_files):
        for entry in [one for one in old if found[one] is None]:
            like = next((one for one in left if alike(entry, one)), None)
            if like is not None:
                left.remove(like)
                found[entry] = like
    return [*found.items(), *((None, entry) for entry in left)]


def _key(entry: Invocation) -> tuple[object, ...]:
    files = () if entry.implicit else entry.files
    place = entry.directory if entry.implicit else ""
    return (files, place, entry.project_directory, entry.env_files, entry.profiles)


def _same_command(one: Invocation, other: Invocation) -> bool:
    return _key(one) == _key(other)


def _same_names(one: Invocation, other: Invocation) -> bool:
    names = [tuple(file.rpartition("/")[2] for file in each.files) for each in (one, other)]
    return names[0] == names[1] and one.env_files == other.env_files


def _most_files(one: Invocation, other: Invocation) -> bool:
    shared = len(set(one.files) & set(other.files))
    return one.base == other.base and shared > 1 and shared * 2 > len({*one.files, *other.files})


def nearest_state(entry: Invocation, states: Mapping[Invocation, ResolvedConfig]) -> ResolvedConfig:
    """Return the state of the entry point that shares the most files with *entry*; none if none."""
    known = [
        (len(set(entry.files) & set(one.files)), -len(one.files), n, state)
        for n, (one, state) in enumerate(states.items())
        if not state.error and set(entry.files) & set(one.files)
    ]
    return max(known, key=lambda each: each[:3])[3] if known else ResolvedConfig()


def compare_entry(
    pair: Pair, old: OpenProject | None, new: OpenProject | None, found: SideBySide
) -> ComparedStart:
    """Return what *found* says of the entry point *pair*, and what that means."""
    before, after = pair
    was = found.old.get(before) if before else None
    now = found.new.get(after) if after else None
    errors = [
        (resolved.error if resolved else "") or _read_error(opened, entry)
        for resolved, opened, entry in ((was, old, before), (now, new, after))
    ]
    services = len((now or was or ResolvedConfig()).model.get("services") or {})
    if before is not None and after is not None:
        if was is None and now is None and not any(errors):
            return ComparedStart(before, after)  # no file of it changed
        if all(errors):
            return _both_rejected(before, after, errors)
        if errors[1]:
            words = f"the engine rejects the new state: {errors[1]}"
            risk = None if _is_used(after) else Risk.MEDIUM
            told = impact(REJECTED, (), words, effect=UpEffect.REJECTED, risk=risk)
            return ComparedStart(before, after, (told,), None, reason=words)
    if before is None or (errors[0] and after is not None):
        nearest = nearest_state(after, found.old) if after and not before else ResolvedConfig()
        return _only_new(
            before, after, now, errors, _state(nearest, old), _state(now, new, after), services
        )
    if after is None:
        words = f"there is no {before.title} to start the project with any more"
        risk = None if _is_used(before) else Risk.LOW
        told = impact(ENTRY_REMOVED, (), words, effect=UpEffect.REMOVED, risk=risk, was=True)
        return ComparedStart(before, None, () if before.assumed else (told,), None)
    states = _state(was, old, before), _state(now, new, after)
    return ComparedStart(
        before,
        after,
        tuple(assess(*states)),
        _names(recreated(*states)),
        tuple(differences(states[0].model, states[1].model)),
        services,
        left_out=tuple(sorted(states[0].left_out | states[1].left_out)),
    )


def _both_rejected(before: Invocation, after: Invocation, errors: Sequence[str]) -> ComparedStart:
    words = f"not compared: the engine rejects both states: {errors[1]}"
    risk = Risk.LOW if errors[0] == errors[1] else None
    told = impact(NOT_COMPARED, (), words, effect=UpEffect.UNKNOWN, risk=risk)
    return ComparedStart(before, after, (told,) if _is_used(after) else (), None, reason=words)


def _is_used(entry: Invocation) -> bool:
    """Return whether a command names the entry point, or the engine takes it without one.

    A file that only looks like one may be a part of others, which does not load alone.
    """
    return entry.implicit or any(why.path for why in entry.evidence)


def _only_new(
    before: Invocation | None,
    after: Invocation | None,
    now: ResolvedConfig | None,
    errors: Sequence[str],
    nearest: State,
    state: State,
    services: int,
) -> ComparedStart:
    """Return what an entry point brings that is new, or that the engine accepts only now.

    *nearest* is the old state of the one that shares the most files with it.
    """
    assert after is not None  # noqa: S101 - one of the two is there
    if now is None or errors[1]:
        words = f"not compared: the engine rejects it: {errors[1]}"
        told = impact(REJECTED, (), words, effect=UpEffect.REJECTED)
        if not _is_used(after):
            told = impact(NOT_COMPARED, (), words, effect=UpEffect.UNKNOWN, risk=Risk.LOW)
        return ComparedStart(before, after, (told,), None, reason=words)
    if before is None:
        words = f"{after.title} is a new way to start the project"
        found = [impact(ENTRY_ADDED, (), words, effect=UpEffect.CREATED)]
        reason = ""
    else:
        words = f"the engine accepts it now; it rejected the old state: {errors[0]}"
        found = [impact(ACCEPTED, (), words, effect=UpEffect.CREATED)]
        reason = words
    base = State(_under_name(nearest.model, state.model.get("name")), nearest.raw or {}, {})
    found += [
        replace(each, effect=UpEffect.CREATED)
        for each in assess(base, state)
        if each.risk >= Risk.MEDIUM and not each.was
    ]
    return ComparedStart(before, after, tuple(found), None, (), services, reason)


def _under_name(model: Mapping[str, Any], name: Any) -> dict[str, Any]:
    """Return *model* as it is in a project called *name*."""
    old = f"{model.get('name')}_"
    found = {**model, "name": name}
    for section in ("networks", "volumes", "secrets", "configs"):
        found[section] = {
            key: {**value, "name": f"{name}_{key}"} if value.get("name") == f"{old}{key}" else value
            for key, value in (model.get(section) or {}).items()
            if isinstance(value, dict)
        }
    return found


def _state(
    resolved: ResolvedConfig | None, opened: OpenProject | None, entry: Invocation | None = None
) -> State:
    found = resolved or ResolvedConfig()
    left_out = _left_out(found, opened, entry) if found.is_partial else frozenset()
    return State(found.model, found.raw, found.hashes, keeper(opened), left_out)


def _left_out(
    resolved: ResolvedConfig, opened: OpenProject | None, entry: Invocation | None
) -> frozenset[str]:
    """Return the services that are written, and that the engine resolves with no profile."""
    if opened is None or entry is None:
        return frozenset()
    project = opened.project
    read = project.files_of[entry] & project.directories.keys()  # not what `extends` alone reads
    written = {
        name for path in read if path in project.files for name in project.files[path].services
    }
    return frozenset(written - (resolved.model.get("services") or {}).keys())


def _names(found: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)


def _read_error(opened: OpenProject | None, entry: Invocation | None) -> str:
    error = opened.project.errors.get(entry) if opened and entry else None
    return str(error) if error else ""


def located(
    compared: Sequence[ComparedStart], old: OpenProject | None, new: OpenProject | None
) -> list[LocatedImpact]:
    """Return each change once, with its place, and all entry points and services that show it."""
    seen: dict[tuple[Any, ...], LocatedImpact] = {}
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
                seen[key] = LocatedImpact(found, place, (each.entry,), services, nearby)
                continue
            worst = max(known.change, found, key=_severity)
            seen[key] = replace(known, change=worst, entries=(*known.entries, each.entry))
    return sorted(_merged(seen.values()), key=lambda one: -one.change.risk)


def _is_new(place: Location, old: OpenProject | None, new: OpenProject | None) -> bool:
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


def _known_secret(found: Impact, place: Location) -> Impact:
    """Return *found*, a credential that does not come into git, as the setting that it is."""
    words = f"{'.'.join(found.path[2:])} has the value in {place.path}"
    return replace(found, rule=SETTING_CHANGED, risk=SETTING_CHANGED.risk, words=words)


def _severity(found: Impact) -> tuple[int, bool]:
    return found.risk, found.effect is not UpEffect.NOTHING


def _merged(changes: Iterable[LocatedImpact]) -> list[LocatedImpact]:
    """Return *changes* with those that one line makes in several services as one."""
    seen: dict[tuple[Any, ...], LocatedImpact] = {}
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
    found: Impact, compared: ComparedStart, old: OpenProject | None, new: OpenProject | None
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


def _nearby(found: Impact, compared: ComparedStart, new: OpenProject | None) -> Location | None:
    if new is None or compared.new is None:
        return None
    return locate(new.project, compared.new, found.path) or Location(compared.new.base)


def _in_env_file(opened: OpenProject, name: str, place: Location | None) -> Location | None:
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


def review(
    old: OpenProject | None,
    new: OpenProject | None,
    names: tuple[str, str],
    engine: Engine,
    progress: Callable[[int, int], None] | None = None,
) -> Review:
    """Return what changed from *old* to *new*, for every entry point of either."""
    some = old or new
    assert some is not None  # noqa: S101 - opened_pair raises before
    pairs = paired(entries_of(old), entries_of(new))
    found, shared = resolve(old, new, pairs, engine, progress)
    secrets = credentials(old, new, found)
    compared = [
        scrubbed(compare_entry(pair, old, new, found), secrets)
        for pair in pairs
        if _is_told(pair, old, new)
    ]
    notes = [*found.assumptions, *_shared_words(shared)]
    resolved = [one for side in (found.old, found.new) for one in side.values()]
    blank = sorted({name for one in resolved for name in one.blank})
    unknown = sorted({name for one in resolved for name in one.unknown} - set(blank))
    if unknown:
        notes.append(
            f"without a value here, so that only their names are compared: {', '.join(unknown)}"
        )
    if blank:
        notes.append(f"without a value here, taken for blank: {', '.join(blank)}")
    return Review(
        names[0],
        names[1],
        engine,
        tuple(compared),
        tuple(located(compared, old, new)),
        tuple(notes),
        found.runs,
        (new or some).prefix,
    )


def _is_told(pair: Pair, old: OpenProject | None, new: OpenProject | None) -> bool:
    """Return whether there is something to say: one that names suggest and never loads has not."""
    return not all(
        entry is None or (entry.assumed and (opened is None or entry in opened.project.errors))
        for entry, opened in zip(pair, (old, new), strict=True)
    )


def _shared_words(shared: Mapping[str, bytes]) -> Iterator[str]:
    if shared:
        yield f"git ignores {', '.join(sorted(shared))}: the same content counts for both"
