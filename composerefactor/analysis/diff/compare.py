"""The comparison of two states of a project, start command by start command.

:func:`review` pairs the start commands of both states (:func:`paired`), compares each pair
(:func:`compare_entry`), and finds the line of each impact (:func:`located`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from posixpath import normpath
from typing import Any

from msgspec.structs import replace

from composerefactor.analysis.diff import kinds
from composerefactor.analysis.diff.assess import assess, recreated
from composerefactor.analysis.diff.impact import Impact, State, UpEffect, impact
from composerefactor.analysis.diff.kinds import Risk
from composerefactor.analysis.diff.states import (
    ComparedStart,
    LocatedImpact,
    Pair,
    Review,
    content_of,
    entries_of,
    is_ignored,
    masked,
    masking_of,
    resolve,
)
from composerefactor.compose.invocation import Invocation
from composerefactor.errors import Location
from composerefactor.images.catalog import catalog_of, load_catalog
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.settle import error_location, locate
from composerefactor.planning.verify import differing_contents
from composerefactor.proof.comparison import config_differences
from composerefactor.proof.engine import Engine
from composerefactor.proof.side_by_side import ResolvedConfig, SideBySide
from composerefactor.proof.staging import Progress

_PLACEHOLDERS = frozenset({".gitkeep", ".keep", ".gitignore"})
"""Files that keep an otherwise ignored directory in git."""


def source_checker(opened: OpenProject | None) -> Callable[[str], bool]:
    """Return a function that says whether a path contains sources of the project, and not data."""

    def is_source(path: str) -> bool:
        if opened is None or not path.startswith("./"):
            return False
        below = normpath(path)
        if opened.exported is not None:
            place = opened.root / below
            return place.is_file() or any(
                file.is_file() and file.name not in _PLACEHOLDERS for file in place.rglob("*")
            )
        tracked = opened.project.is_tracked
        return tracked(below) and not any(tracked(f"{below}/{name}") for name in _PLACEHOLDERS)

    return is_source


def paired(
    old: Sequence[Invocation], new: Sequence[Invocation]
) -> list[tuple[Invocation | None, Invocation | None]]:
    """Return which start command of *new* corresponds to which of *old*.

    The same command is the same start command; without ``-f`` the files may have other names. The
    remaining ones are paired if their files have the same names in another directory, or if most
    of their files are the same. If each state has only one, these two are a pair.
    """
    if len(old) == len(new) == 1:
        return [(old[0], new[0])]
    unpaired = list(new)
    pairs: dict[Invocation, Invocation | None] = dict.fromkeys(old)
    for is_same in (_same_command, _same_names, _most_files):
        for entry in [one for one in old if pairs[one] is None]:
            match = next((one for one in unpaired if is_same(entry, one)), None)
            if match is not None:
                unpaired.remove(match)
                pairs[entry] = match
    return [*pairs.items(), *((None, entry) for entry in unpaired)]


def _key(entry: Invocation) -> tuple[object, ...]:
    files = () if entry.implicit else entry.files
    directory = entry.directory if entry.implicit else ""
    return (files, directory, entry.project_directory, entry.env_files, entry.profiles)


def _same_command(one: Invocation, other: Invocation) -> bool:
    return _key(one) == _key(other)


def _same_names(one: Invocation, other: Invocation) -> bool:
    names = [tuple(file.rpartition("/")[2] for file in each.files) for each in (one, other)]
    return names[0] == names[1] and one.env_files == other.env_files


def _most_files(one: Invocation, other: Invocation) -> bool:
    shared = len(set(one.files) & set(other.files))
    return (
        one.root_file == other.root_file
        and shared > 1
        and shared * 2 > len({*one.files, *other.files})
    )


def nearest_state(entry: Invocation, states: Mapping[Invocation, ResolvedConfig]) -> ResolvedConfig:
    """Return the state of the start command that shares the most files with *entry*.

    It is an empty configuration if none shares any.
    """
    candidates = [
        (len(set(entry.files) & set(one.files)), -len(one.files), n, state)
        for n, (one, state) in enumerate(states.items())
        if not state.error and set(entry.files) & set(one.files)
    ]
    if not candidates:
        return ResolvedConfig()
    return max(candidates, key=lambda candidate: candidate[:3])[3]


def compare_entry(
    pair: Pair, old: OpenProject | None, new: OpenProject | None, both: SideBySide
) -> ComparedStart:
    """Return the comparison of the start command *pair*; *both* has the resolved states."""
    before, after = pair
    was = both.old.get(before) if before else None
    now = both.new.get(after) if after else None
    errors = [
        (resolved.error if resolved else "") or _read_error(opened, entry)
        for resolved, opened, entry in ((was, old, before), (now, new, after))
    ]
    services = len((now or was or ResolvedConfig()).model.get("services") or {})
    if before is not None and after is not None:
        if was is None and now is None and not any(errors):
            return ComparedStart(before, after)  # none of its files changed
        if all(errors):
            return _both_rejected(before, after, errors)
        if errors[1]:
            message = f"Docker Compose rejects the new state: {errors[1]}"
            risk = None if _is_used(after) else Risk.MEDIUM
            rejection = impact(kinds.REJECTED, (), message, effect=UpEffect.REJECTED, risk=risk)
            return ComparedStart(before, after, (rejection,), None, reason=message)
    if before is None or (errors[0] and after is not None):
        nearest = nearest_state(after, both.old) if after and not before else ResolvedConfig()
        return _only_new(
            before, after, now, errors, _state(nearest, old), _state(now, new, after), services
        )
    if after is None:
        message = f"the start command {before.title} no longer exists"
        risk = None if _is_used(before) else Risk.LOW
        removal = impact(
            kinds.ENTRY_REMOVED, (), message, effect=UpEffect.REMOVED, risk=risk, was=True
        )
        return ComparedStart(before, None, () if before.assumed else (removal,), None)
    states = _state(was, old, before), _state(now, new, after)
    return ComparedStart(
        before,
        after,
        tuple(assess(*states)),
        recreated(*states),
        tuple(config_differences(states[0].model, states[1].model)),
        services,
        excluded=tuple(sorted(states[0].excluded | states[1].excluded)),
    )


def _both_rejected(before: Invocation, after: Invocation, errors: Sequence[str]) -> ComparedStart:
    message = f"not compared: Docker Compose rejects both states: {errors[1]}"
    risk = Risk.LOW if errors[0] == errors[1] else None
    change = impact(kinds.NOT_COMPARED, (), message, effect=UpEffect.UNKNOWN, risk=risk)
    return ComparedStart(before, after, (change,) if _is_used(after) else (), None, reason=message)


def _is_used(entry: Invocation) -> bool:
    """Return whether a command names the files, or Docker Compose uses them by default.

    A file that only has the name of a Compose file may be a module, which does not load alone.
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
    """Return the impacts of a start command that is new, or was rejected in the old state.

    *nearest* is the old state of the start command that shares the most files with it.
    """
    assert after is not None  # noqa: S101 - one of the two exists
    if now is None or errors[1]:
        message = f"not compared: Docker Compose rejects it: {errors[1]}"
        rejection = impact(kinds.REJECTED, (), message, effect=UpEffect.REJECTED)
        if not _is_used(after):
            rejection = impact(
                kinds.NOT_COMPARED, (), message, effect=UpEffect.UNKNOWN, risk=Risk.LOW
            )
        return ComparedStart(before, after, (rejection,), None, reason=message)
    if before is None:
        message = f"{after.title} is a new start command"
        impacts = [impact(kinds.ENTRY_ADDED, (), message, effect=UpEffect.CREATED)]
        reason = ""
    else:
        message = f"Docker Compose accepts the new state; it rejected the old one: {errors[0]}"
        impacts = [impact(kinds.ACCEPTED, (), message, effect=UpEffect.CREATED)]
        reason = message
    base = State(_renamed_project(nearest.model, state.model.get("name")), nearest.raw or {}, {})
    impacts += [
        replace(each, effect=UpEffect.CREATED)
        for each in assess(base, state)
        if each.risk >= Risk.MEDIUM and not each.was
    ]
    return ComparedStart(before, after, tuple(impacts), None, (), services, reason)


def _renamed_project(model: Mapping[str, Any], name: Any) -> dict[str, Any]:
    """Return the resolved configuration *model* as it is in a project called *name*."""
    old = f"{model.get('name')}_"
    renamed = {**model, "name": name}
    for section in ("networks", "volumes", "secrets", "configs"):
        renamed[section] = {
            key: {**value, "name": f"{name}_{key}"} if value.get("name") == f"{old}{key}" else value
            for key, value in (model.get(section) or {}).items()
            if isinstance(value, dict)
        }
    return renamed


def _state(
    resolved: ResolvedConfig | None, opened: OpenProject | None, entry: Invocation | None = None
) -> State:
    config = resolved or ResolvedConfig()
    excluded = _excluded_services(config, opened, entry) if config.is_partial else frozenset()
    catalog = catalog_of(opened.project) if opened else load_catalog()
    return State(config.model, config.raw, config.hashes, source_checker(opened), excluded, catalog)


def _excluded_services(
    resolved: ResolvedConfig, opened: OpenProject | None, entry: Invocation | None
) -> frozenset[str]:
    """Return the services that the files define, but Docker Compose resolves with no profile."""
    if opened is None or entry is None:
        return frozenset()
    project = opened.project
    read = project.files_of[entry] & project.directories.keys()  # not files of `extends`
    defined = {
        name for path in read if path in project.files for name in project.files[path].services
    }
    return frozenset(defined - (resolved.model.get("services") or {}).keys())


def _read_error(opened: OpenProject | None, entry: Invocation | None) -> str:
    error = opened.project.errors.get(entry) if opened and entry else None
    return str(error) if error else ""


def located(
    compared: Sequence[ComparedStart], old: OpenProject | None, new: OpenProject | None
) -> list[LocatedImpact]:
    """Return each impact once, with its location, its start commands and its services."""
    seen: dict[tuple[Any, ...], LocatedImpact] = {}
    for each in compared:
        for original in each.changes:
            change, location = original, _location(original, each, old, new)
            is_secret = change.rule is kinds.SECRET_IN_PLAIN_TEXT
            if is_secret and location and not _is_new(location, old, new):
                change = _known_secret(change, location)
            # The message may contain the project name, which differs between start commands.
            message = "" if location and location.line else change.message
            key = (change.rule.id, change.path, change.was, change.marks, location, message)
            known = seen.get(key)
            if known is None:
                services = (change.service,) if change.service else ()
                nearby = _nearby(change, each, new) if change.was else location
                seen[key] = LocatedImpact(change, location, (each.entry,), services, nearby)
                continue
            worst = max(known.change, change, key=_severity)
            seen[key] = replace(known, change=worst, entries=(*known.entries, each.entry))
    return sorted(_grouped(_merged(seen.values())), key=lambda one: -one.change.risk)


def _is_new(place: Location, old: OpenProject | None, new: OpenProject | None) -> bool:
    """Return whether the change adds the line at *place* to git.

    A file that git ignores is not added, and neither is a line that the old files contain.
    """
    if is_ignored(new, place.path):
        return False
    lines = (content_of(new, place.path) or b"").splitlines()
    line = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else b""
    if old is None or not line:
        return True
    texts = [content_of(old, path) or b"" for path in sorted(old.project.inputs)]
    return not any(line in map(bytes.strip, text.splitlines()) for text in texts)


def _known_secret(change: Impact, place: Location) -> Impact:
    """Return *change*, a credential that is not added to git, as the change of a setting."""
    message = f"{'.'.join(change.path[2:])} has the value in {place.path}"
    return replace(
        change, rule=kinds.SETTING_CHANGED, risk=kinds.SETTING_CHANGED.risk, message=message
    )


def _severity(change: Impact) -> tuple[int, bool]:
    return change.risk, change.effect is not UpEffect.NOTHING


def _merged(changes: Iterable[LocatedImpact]) -> list[LocatedImpact]:
    """Return *changes*, but one for all services that the same line affects in the same way."""
    seen: dict[tuple[Any, ...], LocatedImpact] = {}
    for n, each in enumerate(changes):
        change = each.change
        alone = not change.service or each.location is None or not each.location.line
        kind = (change.rule.id, change.message, change.path[2:], change.risk, change.effect)
        key = (*kind, each.entries, each.location, n if alone else -1)
        known = seen.setdefault(key, each)
        if known is not each:
            seen[key] = replace(known, services=(*known.services, *each.services))
    return list(seen.values())


def _grouped(changes: Iterable[LocatedImpact]) -> list[LocatedImpact]:
    """Return *changes*, but one for all services that change in the same way in several places."""
    seen: dict[tuple[Any, ...], LocatedImpact] = {}
    for n, each in enumerate(changes):
        change = each.change
        kind = (change.rule.id, change.message, change.path[2:], change.risk, change.effect)
        key = (*kind, each.entries, -1 if change.service else n)
        known = seen.setdefault(key, each)
        if known is not each:
            services = tuple(dict.fromkeys((*known.services, *each.services)))
            seen[key] = replace(known, services=services, parts=(*known.single, each))
    return list(seen.values())


def _location(
    change: Impact, compared: ComparedStart, old: OpenProject | None, new: OpenProject | None
) -> Location | None:
    """Return the file and line of *change*, in the new state or, if it was removed, the old."""
    opened, entry = (old, compared.old) if change.was else (new, compared.new)
    if opened is None or entry is None:
        opened, entry = (new, compared.new) if change.was else (old, compared.old)
    if opened is None or entry is None:
        return None
    if change.rule is kinds.REJECTED and entry in opened.project.errors:
        return opened.project.errors[entry].location
    if not change.path:
        message = change.message if change.rule in (kinds.REJECTED, kinds.NOT_COMPARED) else ""
        if message and entry in opened.project.readable:
            return error_location(opened.project, entry, message)
        return Location(entry.root_file)
    place = locate(opened.project, entry, change.path, change.marks)
    if change.path[2:3] == ("environment",) and len(change.path) > 3:  # noqa: PLR2004
        return _in_env_file(opened, change.path[3], place)
    return place


def _nearby(change: Impact, compared: ComparedStart, new: OpenProject | None) -> Location | None:
    if new is None or compared.new is None:
        return None
    return locate(new.project, compared.new, change.path) or Location(compared.new.root_file)


def _in_env_file(opened: OpenProject, name: str, place: Location | None) -> Location | None:
    """Return where *name* is set: at *place* if that line contains it, else in an env file."""
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
    progress: Progress | None = None,
) -> Review:
    """Return the comparison of all start commands of two states.

    Args:
        old: The old state, None if the project does not exist there.
        new: The new state, None if the project does not exist there.
        names: The names of both states as given by the user.
        engine: Docker Compose.
        progress: Shows how far the comparison is.
    """
    some = old or new
    assert some is not None  # noqa: S101 - opened_pair raises before
    pairs = paired(entries_of(old), entries_of(new))
    both, shared = resolve(old, new, pairs, engine, progress)
    masking = masking_of(old, new, both)
    compared = [
        masked(compare_entry(pair, old, new, both), masking)
        for pair in pairs
        if _is_reported(pair, old, new)
    ]
    notes = [*both.assumptions, *_shared_notes(shared)]
    resolved = [one for side in (both.old, both.new) for one in side.values()]
    blank = sorted({name for one in resolved for name in one.blank})
    unknown = sorted({name for one in resolved for name in one.unknown} - set(blank))
    if unknown:
        notes.append(f"variables without a value here, compared by name only: {', '.join(unknown)}")
    if blank:
        notes.append(f"variables without a value here, read as empty: {', '.join(blank)}")
    return Review(
        names[0],
        names[1],
        engine,
        tuple(compared),
        tuple(located(compared, old, new)),
        tuple(notes),
        (new or some).prefix,
        differing_contents(old, new) if old and new else (),
    )


def _is_reported(pair: Pair, old: OpenProject | None, new: OpenProject | None) -> bool:
    """Return whether to report on *pair*: not if it is only assumed and cannot be read."""
    return not all(
        entry is None or (entry.assumed and (opened is None or entry in opened.project.errors))
        for entry, opened in zip(pair, (old, new), strict=True)
    )


def _shared_notes(shared: Mapping[str, bytes]) -> Iterator[str]:
    if shared:
        yield f"ignored by git, the same content used for both states: {', '.join(sorted(shared))}"
