"""Merge a split project back into one file per start command.

Each root file takes in the text of the files that it includes, and of the services that its
services extend if no other file needs them. Comments move along, copied anchors become one again,
and relative paths are rewritten if the text comes from another project directory. If several files
define one service, their definitions are merged line by line. Files that nothing else needs are
deleted. An override file stays an override file.

If `split` has split the project here, and nobody has edited it since, the files get back their
former bytes. Otherwise an earlier revision in git gives the order of the services; without one it
is the order of the include list.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.paths import directory_of, path_from
from composerefactor.compose.project import Project
from composerefactor.compose.references import includes
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import InputError
from composerefactor.refactoring.contract import FileElement, Plan, Unmoved, refactoring
from composerefactor.refactoring.join.merge import EarlierText, find_earlier_text, restored_files
from composerefactor.refactoring.join.root import ExtendedFiles, JoinedFile, JoinRoot
from composerefactor.refactoring.modules.include import EMPTY_ENV_FILE
from composerefactor.yaml.source import Source


@dataclass(frozen=True, slots=True)
class Options:
    """What is known of the project before it was split.

    Attributes:
        before: The contents of the files before the split, None for a file that did not exist;
            empty if they are not known, or if files were edited since.
        runs: The names of the runs that split the project.
        earlier: Returns the earlier texts of a file, the latest first.
        keep: Elements that do not move, with the reason for each.
    """

    before: Mapping[str, bytes | None] = field(default_factory=dict)
    runs: str = ""
    earlier: Callable[[str], Sequence[EarlierText]] = field(default=lambda _: ())
    keep: dict[FileElement, str] = field(default_factory=dict)


@refactoring(Options)
def join(project: Project, options: Options) -> Plan:
    """Plan the join of every root file of *project*."""
    if options.before and not options.keep and _is_recorded_project(project, options.before):
        return _restore(project, options)
    extended = ExtendedFiles.of(project)
    joined_files = [_join_file(project, path, extended, options) for path in _roots(project)]
    removable = _removable_files(project, joined_files)
    inner = [path for path in _including(project) if path not in removable]
    joined_files += [_join_file(project, path, extended, options) for path in inner]
    removable = _removable_files(project, joined_files)
    if not any(joined.planned_file for joined in joined_files):
        return Plan(unmoved=_unmoved(joined_files))
    planned_files, note = _in_former_order(project, joined_files, extended, options)
    taken = {element for joined in joined_files for element in joined.taken}
    target = {e: joined.file.path for joined in reversed(joined_files) for e in joined.taken}
    removable |= _unused_env_files(project, planned_files, removable)
    kept = sorted({path for joined in joined_files for path in joined.files} - removable)
    notes = [note] if note else []
    notes += [f"{path} is kept: {_reason_kept(project, path, target.values())}" for path in kept]
    return Plan(
        (*planned_files, *(PlannedFile(path, deleted=True) for path in sorted(removable))),
        {element: target[element] for element in sorted(taken)},
        _unmoved(joined_files),
        tuple(notes),
    )


def _roots(project: Project) -> list[str]:
    """Return the root files of the start commands, each once."""
    return list(dict.fromkeys(path for entry in project.readable for path in entry.files))


def _including(project: Project) -> list[str]:
    """Return the included files that include others themselves."""
    roots = _roots(project)
    return [
        path
        for path, file in project.files.items()
        if path in project.included_by and path not in roots and "include" in file.root_keys
    ]


def _join_file(
    project: Project,
    path: str,
    extended: ExtendedFiles,
    options: Options,
    pattern: ComposeFile | None = None,
) -> JoinedFile:
    """Return *path* with the text of the files that it includes or extends.

    *pattern* is an earlier version, which gives the order of the services.
    """
    file = project.files[path]
    directories = project.directories.get(path, set())
    reason = ""
    if foreign := project.foreign_reason(path):
        reason = foreign
    elif project.is_ignored(path):
        reason = f"{path} is ignored by git, so the joined text would not be committed"
    elif len(directories) != 1:
        reason = f"{path} is used under several project directories"
    if reason:
        return JoinedFile(file, unmoved=_all_unmoved(project, path, reason))
    root = JoinRoot(project, file, next(iter(directories)), extended, options.keep)
    return root.join(pattern)


def _all_unmoved(project: Project, path: str, reason: str) -> dict[FileElement, Unmoved]:
    """Return all services that *path* includes as unmoved, for *reason*."""
    location = project.files[path].location_of("include")
    elements = [
        (included, "services", name)
        for included, by in project.included_by.items()
        if path in by and included in project.files
        for name in project.files[included].services
    ]
    return {element: Unmoved(element, reason, location) for element in elements}


def _removable_files(project: Project, joined_files: Iterable[JoinedFile]) -> set[str]:
    """Return the files whose whole text has moved, and that nothing needs any more."""
    roots = {path for entry in project.entries for path in entry.files}
    joined_into: dict[str, set[str]] = {}
    for joined in joined_files:
        for path in joined.files:
            joined_into.setdefault(path, set()).add(joined.file.path)
    unmoved = {element[0] for joined in joined_files for element in joined.unmoved}
    removable = joined_into.keys() - roots - unmoved
    while True:
        kept = {p for p in removable if _users(project, p) - removable - joined_into[p]}
        if not kept:
            return set(removable)
        removable = removable - kept


def _unused_env_files(
    project: Project, planned_files: Iterable[PlannedFile], removed: set[str]
) -> set[str]:
    """Return the empty env files that a split wrote, and that no include entry names any more."""
    after = {path: file for path, file in project.files.items() if path not in removed}
    after |= {p.path: ComposeFile.parse(Source(p.path, p.text())) for p in planned_files}
    unused = _env_files(project, project.files) - _env_files(project, after)
    empty = EMPTY_ENV_FILE.encode()
    return {
        path
        for path in unused
        if project.read and project.exists(path) and project.read(path) == empty
    }


def _env_files(project: Project, files: Mapping[str, ComposeFile]) -> set[str]:
    """Return the env files that the include entries of *files* name."""
    return {
        path_from(directory, text)
        for path, file in files.items()
        for item in includes(file.root)
        for text in item.env_files
        for directory in project.directories.get(path, ())
    }


def _users(project: Project, path: str) -> set[str]:
    """Return the files that refer to *path* in ``include`` or ``extends``."""
    extending = {extension.location.path for extension in project.extensions.get(path, ())}
    return {*extending, *project.included_by.get(path, ()), *project.referenced_by(path)} - {path}


def _reason_kept(project: Project, path: str, roots: Iterable[str]) -> str:
    """Return why *path* is kept although its text has moved to *roots*."""
    starts = [entry.title for entry in project.entries if path in entry.files]
    if starts:
        return f"it is the root file of a start command ({starts[0]})"
    users = sorted(_users(project, path) - set(roots))
    verb = "refers" if len(users) == 1 else "refer"
    return f"{', '.join(users)} {verb} to it" if users else "not all of its text has moved"


def _unmoved(joined_files: Iterable[JoinedFile]) -> tuple[Unmoved, ...]:
    """Return the unmoved elements of *joined_files*, each once."""
    found: dict[FileElement, Unmoved] = {}
    for joined in joined_files:
        for element, unmoved in joined.unmoved.items():
            found.setdefault(element, unmoved)
    return tuple(found.values())


def _in_former_order(
    project: Project, joined_files: list[JoinedFile], extended: ExtendedFiles, options: Options
) -> tuple[list[PlannedFile], str]:
    """Return the planned files in the order of earlier revisions, and a note on their source."""
    planned_files = {
        j.file.path: j.planned_file for j in joined_files if j.planned_file is not None
    }
    earlier_texts = {
        path: find_earlier_text(path, planned_file, options.earlier(path))
        for path, planned_file in planned_files.items()
    }
    usable = {path: text for path, text in earlier_texts.items() if text is not None}
    names = ", ".join(sorted({earlier.name for earlier, _ in usable.values()}))
    as_it_was = restored_files(planned_files, {path: file for path, (_, file) in usable.items()})
    if as_it_was is not None:
        return (
            as_it_was,
            f"the text is that of {names} in git, with the same resolved configuration",
        )
    if not usable:
        note = "the services are in the order of the include list: no earlier order is known"
        return list(planned_files.values()), note
    for path, (_, file) in usable.items():
        again = _join_file(project, path, extended, options, file)
        planned_files[path] = again.planned_file or planned_files[path]
    return list(planned_files.values()), f"the services are in the order of {names} in git"


def _is_recorded_project(project: Project, before: Mapping[str, bytes | None]) -> bool:
    """Return whether *before* is about the whole project, not just a part of it."""
    created = {path for path, content in before.items() if content is None}
    if created and not created & project.files.keys():
        return False
    return created.isdisjoint(set(_roots(project)) - _relocated(project, before).keys())


def _relocated(project: Project, before: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return the former paths of moved root files, by their present path."""
    former = {
        posixpath.basename(path): path
        for path, content in before.items()
        if content is not None and not project.exists(path)
    }
    return {
        path: former[name]
        for path in _roots(project)
        if path in before and before[path] is None and (name := posixpath.basename(path)) in former
    }


def _former_entries(project: Project, relocated: Mapping[str, str]) -> dict[Invocation, Invocation]:
    """Return the start commands whose root files move back, with the former command of each."""
    entries = {}
    for entry in project.entries:
        files = tuple(relocated.get(path, path) for path in entry.files)
        own = directory_of(files[0])
        pinned = None if entry.project_directory == own else entry.project_directory
        if files != entry.files:
            entries[entry] = replace(entry, files=files, project_directory=pinned)
    return entries


def _restore(project: Project, options: Options) -> Plan:
    """Return the plan that restores the files to their contents before the split."""
    planned_files, moved = [], {}
    changed = [path for path, content in options.before.items() if content is not None]
    for path, content in options.before.items():
        if content is None:
            planned_files.append(PlannedFile(path, deleted=True))
            file = project.files.get(path)
            destination = next((p for p in changed if p in project.included_by.get(path, ())), None)
            for name in file.services if file else ():
                moved[path, "services", name] = destination or (changed[0] if changed else path)
        else:
            planned_files.append(PlannedFile.of(Source.decode(path, content)))
    still_includes = any(
        "include" in _root_keys(path, options.before[path] or b"") for path in changed
    )
    rest = "; they still include other files: run join again" if still_includes else ""
    note = f"the former bytes are restored: nothing was edited since {options.runs}{rest}"
    relocated = _relocated(project, options.before)
    entries = _former_entries(project, relocated)
    return Plan(tuple(planned_files), moved, notes=(note,), relocated=relocated, entries=entries)


def _root_keys(path: str, content: bytes) -> set[str]:
    """Return the top-level keys of a Compose file, none if *content* is invalid."""
    try:
        return ComposeFile.parse(Source.decode(path, content)).root_keys
    except InputError:
        return set()
