"""Making the other readers of the files follow a plan: finding them, and adding their edits.

A function in a file of ``refactoring/readers/`` is enough to add a reader. A plug-in names its own
in the Python entry point group ``composerefactor.readers``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TypeGuard

from msgspec.structs import replace

import composerefactor.refactoring.readers as package
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.paths import is_outside, path_from
from composerefactor.compose.project import Project
from composerefactor.compose.references import extends_target, includes
from composerefactor.edit.planned_files import Piece, PlannedFile, Replacement, Slice
from composerefactor.errors import InputError
from composerefactor.planning.opening import OpenProject
from composerefactor.plugins import discover
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    Reader,
    SplitFile,
    Surroundings,
)
from composerefactor.workspace.files import ProjectFiles
from composerefactor.yaml.source import Source

GROUP = "composerefactor.readers"

_IMAGE = rb"\bimage[\"']?\s*:"
_REFERENCE = rb"\b(?:include|extends)\b"
_ABOVE = (".github", ".gitlab", ".gitea", ".forgejo", ".woodpecker", ".renovate", "docs")
"""Directories at the top level of a repository that have settings of readers."""

_SETTINGS = re.compile(
    r"(?:[^/]*|(?:\.github|\.gitlab|\.gitea|\.forgejo|\.woodpecker|\.renovate)/.*|docs/CODEOWNERS)"
)
_MAX_ABOVE = 200
_SUPPOSED = "docker-compose/services/docker-compose.services.yml"


@cache
def readers() -> dict[str, Reader]:
    """Return all readers by name, sorted by name.

    Raises:
        ComposerefactorError: Two readers have the same name.
    """
    return discover(package, GROUP, _is_reader, lambda each: each.name, "reader")


def _is_reader(value: object) -> TypeGuard[Reader]:
    return isinstance(value, Reader)


def with_readers(opened: OpenProject, project: Project, plan: Plan) -> Plan:
    """Return *plan* with what becomes of the other readers of the files, and with their edits.

    Args:
        opened: The project that is open.
        project: The project with the start commands that the plan is about.
        plan: The plan; nothing of it is changed but files that readers have.
    """
    around = surroundings(opened)
    split = planned_split(project, plan, around)
    if not split.splits and not split.removed and not around.others:
        return plan
    outcomes = [one for each in readers().values() for one in each.outcomes(around, split)]
    edits: dict[str, list[Replacement]] = {}
    checked = []
    for outcome in outcomes:
        path = outcome.location.path
        if outcome.state == "followed" and opened.project.foreign_reason(path):
            outcome = replace(outcome, state="named", edits=())  # noqa: PLW2901
        edits.setdefault(path, []).extend(outcome.edits)
        checked.append(outcome)
    planned_files = {planned_file.path: planned_file for planned_file in plan.planned_files}
    reader_files = []
    for path, replacements in edits.items():
        if not replacements:
            continue
        source = Source.decode(path, opened.files.read_bytes(path))
        planned_file = planned_files.get(path)
        if planned_file is None:
            reader_files.append(_edited((), source, replacements))
        elif all(isinstance(piece, Slice) for piece in planned_file.pieces):
            # The commands in it change, too. Any other plan for it restores its former content.
            planned_files[path] = _edited(planned_file.pieces, source, replacements)
    return replace(
        plan,
        planned_files=tuple(planned_files.values()),
        readers=tuple(checked),
        reader_files=tuple(reader_files),
    )


def inventory(opened: OpenProject) -> tuple[Outcome, ...]:
    """Return the other readers of the files of the project that is open.

    What they would be after a split of each root file that has no modules yet: each gets one in the
    directory that a split creates by default.
    """
    around = surroundings(opened)
    split = planned_split(opened.project, Plan(), around)
    known = {each.path for each in split.splits}
    whole = [around.place(p) for p in opened.project.root_files if around.place(p) not in known]
    supposed = {path: posixpath.join(posixpath.dirname(path), _SUPPOSED) for path in whole}
    split = replace(
        split,
        splits=(
            *split.splits,
            *(SplitFile(path, (m,), frozenset({m})) for path, m in supposed.items()),
        ),
        with_images=split.with_images | frozenset(supposed.values()),
    )
    return tuple(one for each in readers().values() for one in each.outcomes(around, split))


def _edited(
    pieces: Iterable[Piece], source: Source, replacements: Iterable[Replacement]
) -> PlannedFile:
    """Return the file of *source* with *replacements*, and those in its planned *pieces*."""
    changes = [*replacements]
    for piece in pieces:
        changes += piece.replacements if isinstance(piece, Slice) else ()
    return PlannedFile.of(source).rewritten(source, changes)


def surroundings(opened: OpenProject) -> Surroundings:
    """Return the files around the project that is open."""
    repository = opened.repository
    remotes = repository.remotes if repository is not None else frozenset
    return Surroundings(
        opened.listing, opened.prefix, _texts_above(opened), remotes, opened.readers
    )


def _texts_above(opened: OpenProject) -> Mapping[str, str]:
    """Return the well-known files of the repository above the project directory."""
    if opened.repository is None or not opened.prefix:
        return {}
    files = ProjectFiles(opened.repository.top)
    paths = filter(_SETTINGS.fullmatch, files.paths_in("", *_ABOVE)[:_MAX_ABOVE])
    return {path: text for path in paths if (text := files.text_of(path)) is not None}


def planned_split(project: Project, plan: Plan, around: Surroundings) -> PlannedSplit:
    """Return which Compose files of *project* read modules after *plan*."""
    contents = plan.contents()
    deleted = {path for path, content in contents.items() if content is None}
    gone = deleted - plan.relocated.keys()
    named = {path for entry in project.entries for path in entry.files}
    named |= set(plan.relocated.values())
    read: dict[str, list[str]] = {}
    for path in (*project.files, *contents):
        if path.endswith((".yml", ".yaml")) and path not in deleted:
            read[path] = list(_read_files(project, contents, path))
    splits = []
    for path in project.files:
        new_path = plan.relocated.get(path, path)
        modules = sorted(_closure(read, new_path) - named)
        if new_path != path:  # whoever names the file has to name the new one, too
            modules.append(new_path)
        if modules and path not in gone:
            created = frozenset(
                around.place(m) for m in modules if m in contents and not project.exists(m)
            )
            places = tuple(map(around.place, modules))
            splits.append(SplitFile(around.place(path), places, created))
    files = {*around.listing.paths, *map(around.place, contents)} - {*map(around.place, deleted)}
    with_images = {
        path
        for each in splits
        for place in each.modules
        if (path := around.path(place)) and re.search(_IMAGE, _content(project, contents, path))
    }
    return PlannedSplit(
        tuple(splits),
        frozenset(files),
        frozenset(map(around.place, gone)),
        frozenset(map(around.place, with_images)),
    )


def _content(project: Project, contents: Mapping[str, bytes | None], path: str) -> bytes:
    """Return the text of the Compose file *path* after the plan."""
    planned = contents.get(path)
    if planned is not None:
        return planned
    return project.files[path].source.text.encode() if path in project.files else b""


def _read_files(project: Project, contents: Mapping[str, bytes | None], path: str) -> Iterator[str]:
    """Yield the files of the project that *path* includes and extends from after the plan."""
    content = _content(project, contents, path)
    if not re.search(_REFERENCE, content):
        return
    file = project.files.get(path)
    if file is None or contents.get(path) is not None:
        try:
            file = ComposeFile.parse(Source.decode(path, content))
        except InputError:
            return  # a file of another kind
    names: list[str | None] = [path for item in includes(file.root) for path in item.paths]
    for body in file.services.values():
        parent = extends_target(body)
        names.append(parent[0] if parent else None)
    directories = [posixpath.dirname(path), *project.directories.get(path, ())]
    for name in filter(None, names):
        for directory in directories:
            target = path_from(directory, name)
            if not is_outside(target) and (target in contents or project.exists(target)):
                yield target
                break


def _closure(read: Mapping[str, list[str]], path: str) -> set[str]:
    """Return the files that *path* reads, at any depth."""
    found: set[str] = set()
    queue = [path]
    while queue:
        for target in read.get(queue.pop(), ()):
            if target not in found:
                found.add(target)
                queue.append(target)
    return found
