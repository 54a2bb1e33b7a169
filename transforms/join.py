"""Put a divided project back together: one file per entry point.

Each file of an entry point takes in the text of what it includes, and of what its services extend
in files that exist for that alone. Comments come along, anchors that were copied become one again,
relative paths are rewritten where the text comes from another project directory. Where several
files define one service, what they say is merged line by line. Files that nothing else needs are
deleted. An override stays an override.

A project that `split` has divided here, and that nobody has edited since, gets its former bytes
back. Elsewhere an earlier revision in git tells the order of the services; without one they stand
in the order of the include list.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from composerefactor.edit.planned_files import PlannedFile, Slice
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.errors import InputError, Location
from composerefactor.refactoring.contract import Part, Plan, Unmoved, refactoring
from composerefactor.refactoring.join.merge import Earlier, former, restored
from composerefactor.refactoring.join.root import JoinedFile, JoinRoot, Parents
from composerefactor.yaml.source import Source


@dataclass(frozen=True, slots=True)
class Options:
    """What is known of the time before the project was divided.

    *before* gives the files as they were before the runs that *runs* names, None for one that was
    not there; it is empty where those runs are not known, or files were edited since. *earlier*
    gives earlier texts of a file, the latest first. *keep* has parts that stay where they are,
    with the reason of each; *move* is there for other transforms.
    """

    before: Mapping[str, bytes | None] = field(default_factory=dict)
    runs: str = ""
    earlier: Callable[[str], Sequence[Earlier]] = field(default=lambda _: ())
    keep: dict[Part, str] = field(default_factory=dict)
    move: frozenset[Part] = frozenset()


@refactoring(Options)
def join(project: Project, options: Options) -> Plan:
    """Plan the join of every file of an entry point of *project*."""
    if options.before and not options.keep and _is_reading_all(project, options.before):
        return _as_before(project, options)
    parents = Parents.of(project)
    found = [_joined(project, path, parents, options) for path in _roots(project)]
    gone = _gone(project, found)
    inner = [path for path in _including(project) if path not in gone]
    found += [_joined(project, path, parents, options) for path in inner]
    gone = _gone(project, found)
    if not any(joined.planned_file for joined in found):
        return Plan(unmoved=tuple(_stays(found)))
    planned_files, how = _in_former_order(project, found, parents, options)
    taken = {part for joined in found for part in joined.taken}
    target = {part: joined.file.path for joined in reversed(found) for part in joined.taken}
    kept = sorted({path for joined in found for path in joined.files} - gone)
    notes = [how] if how else []
    notes += [f"{path} is kept: {_needed(project, path, target.values())}" for path in kept]
    return Plan(
        (*planned_files, *(PlannedFile(path, deleted=True) for path in sorted(gone))),
        {part: target[part] for part in sorted(taken)},
        tuple(_stays(found)),
        tuple(notes),
    )


def _roots(project: Project) -> list[str]:
    """Return the files that commands name, each once."""
    return list(dict.fromkeys(path for entry in project.readable for path in entry.files))


def _including(project: Project) -> list[str]:
    """Return the included files that include others themselves."""
    roots = _roots(project)
    return [
        path
        for path, file in project.files.items()
        if path in project.included_by and path not in roots and "include" in file.root_keys
    ]


def _joined(
    project: Project,
    path: str,
    parents: Parents,
    options: Options,
    pattern: ComposeFile | None = None,
) -> JoinedFile:
    file = project.files[path]
    directories = project.directories.get(path, set())
    words = ""
    if path.startswith("../"):
        words = "the file is outside of the project"
    elif project.is_ignored(path):
        words = f"git ignores {path}: what it took in would reach nobody"
    elif len(directories) != 1:
        words = f"{path} is used under several project directories"
    if words:
        return JoinedFile(file, unmoved=_whole(project, path, words))
    root = JoinRoot(project, file, next(iter(directories)), parents, options.keep)
    return root.join(pattern)


def _whole(project: Project, path: str, words: str) -> dict[Part, tuple[str, Location]]:
    """Return everything that *path* includes, for the reason *words*."""
    location = project.files[path].location_of("include")
    return {
        (included, "services", name): (words, location)
        for included, by in project.included_by.items()
        if path in by and included in project.files
        for name in project.files[included].services
    }


def _gone(project: Project, found: Iterable[JoinedFile]) -> set[str]:
    """Return the files of which the text is elsewhere, and that nothing needs any more."""
    roots = {path for entry in project.entries for path in entry.files}
    takers: dict[str, set[str]] = {}
    for joined in found:
        for path in joined.files:
            takers.setdefault(path, set()).add(joined.file.path)
    stay = {part[0] for joined in found for part in joined.unmoved}
    gone = takers.keys() - roots - stay
    while True:
        kept = {path for path in gone if _users(project, path) - gone - takers[path]}
        if not kept:
            return set(gone)
        gone = gone - kept


def _users(project: Project, path: str) -> set[str]:
    """Return the files that name *path* in ``include`` or ``extends``."""
    found = {extension.location.path for extension in project.extensions.get(path, ())}
    return {*found, *project.included_by.get(path, ()), *project.referenced_by(path)} - {path}


def _needed(project: Project, path: str, roots: Iterable[str]) -> str:
    """Return why *path* is kept although *roots* have taken in what it says."""
    starts = [entry.title for entry in project.entries if path in entry.files]
    if starts:
        return f"it is started by itself ({starts[0]})"
    users = sorted(_users(project, path) - set(roots))
    verb = "names" if len(users) == 1 else "name"
    return f"{', '.join(users)} {verb} it too" if users else "not all of it is taken in"


def _stays(found: Iterable[JoinedFile]) -> Iterator[Unmoved]:
    seen: set[Part] = set()
    for joined in found:
        for part, (words, location) in joined.unmoved.items():
            if part not in seen:
                seen.add(part)
                yield Unmoved(part, words, location)


def _in_former_order(
    project: Project, found: list[JoinedFile], parents: Parents, options: Options
) -> tuple[list[PlannedFile], str]:
    """Return the drafts as earlier revisions suggest, and how they came about in words."""
    planned_files = {j.file.path: j.planned_file for j in found if j.planned_file is not None}
    known = {
        path: former(path, planned_file, options.earlier(path))
        for path, planned_file in planned_files.items()
    }
    usable = {path: one for path, one in known.items() if one is not None}
    names = ", ".join(sorted({earlier.name for earlier, _ in usable.values()}))
    as_it_was = restored(planned_files, {path: file for path, (_, file) in usable.items()})
    if as_it_was is not None:
        return as_it_was, f"the text is that of {names} in git, which says the same"
    if not usable:
        order = "the order of services is that of the include list: no record tells the former one"
        return list(planned_files.values()), order
    for path, (_, file) in usable.items():
        again = _joined(project, path, parents, options, file)
        planned_files[path] = again.planned_file or planned_files[path]
    return list(planned_files.values()), f"the order of services is that of {names} in git"


def _is_reading_all(project: Project, before: Mapping[str, bytes | None]) -> bool:
    """Return whether the project is the one that the record is about, not just a part of it."""
    created = {path for path, content in before.items() if content is None}
    if created and not created & project.files.keys():
        return False
    return created.isdisjoint(set(_roots(project)) - _relocated(project, before).keys())


def _relocated(project: Project, before: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return where the roots that were moved stood before, by their present path."""
    gone = {
        posixpath.basename(path): path
        for path, content in before.items()
        if content is not None and not project.exists(path)
    }
    return {
        path: gone[name]
        for path in _roots(project)
        if path in before and before[path] is None and (name := posixpath.basename(path)) in gone
    }


def _former_entries(project: Project, relocated: Mapping[str, str]) -> dict[Invocation, Invocation]:
    """Return the command of each entry point whose files go back to where they were."""
    found = {}
    for entry in project.entries:
        files = tuple(relocated.get(path, path) for path in entry.files)
        own = posixpath.dirname(files[0]) or "."
        pinned = None if entry.project_directory == own else entry.project_directory
        if files != entry.files:
            found[entry] = replace(entry, files=files, project_directory=pinned)
    return found


def _as_before(project: Project, options: Options) -> Plan:
    planned_files, moved = [], {}
    changed = [path for path, content in options.before.items() if content is not None]
    for path, content in options.before.items():
        if content is None:
            planned_files.append(PlannedFile(path, deleted=True))
            file = project.files.get(path)
            home = next((p for p in changed if p in project.included_by.get(path, ())), None)
            for name in file.services if file else ():
                moved[path, "services", name] = home or (changed[0] if changed else path)
        else:
            source = Source.decode(path, content)
            whole = Slice(source, 0, len(source.text))
            planned_files.append(PlannedFile(path, (whole,), source.has_bom))
    left = any("include" in _root_keys(path, options.before[path] or b"") for path in changed)
    more = "; what they included before is included still, another join takes it in" if left else ""
    note = f"the former bytes come back: nothing was edited since {options.runs}{more}"
    relocated = _relocated(project, options.before)
    entries = _former_entries(project, relocated)
    return Plan(tuple(planned_files), moved, notes=(note,), relocated=relocated, entries=entries)


def _root_keys(path: str, content: bytes) -> set[str]:
    try:
        return ComposeFile.parse(Source.decode(path, content)).root_keys
    except InputError:
        return set()
