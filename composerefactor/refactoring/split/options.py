"""What users can choose in a split, the groups that are planned together, notes on the result."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from composerefactor.compose.dependencies import connected
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.references import extends_target
from composerefactor.compose.remarks import notes_against_edits
from composerefactor.compose.services import services_in
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.refactoring.contract import FileElement
from composerefactor.refactoring.deduplicate.variants import (
    ENOUGH_OF_ENVIRONMENTS,
    ENOUGH_OF_VARIANTS,
    factor,
    may_repeat,
)
from composerefactor.refactoring.modules.grouping import LONG_SERVICE, MOST_SERVICES
from composerefactor.refactoring.modules.naming import MAX_NAME, LayoutOptions, are_environments
from composerefactor.refactoring.modules.root_file import RootFile

if TYPE_CHECKING:
    from composerefactor.refactoring.deduplicate.variants import SharedServices


ENOUGH_SHARED = 0.2
"""The part of a root file that it has to share with others, unless that is long."""

ENOUGH_OF_SMALL = 0.8
"""The part of a root file with a few services that it has to share, unless that is long."""


_UNSAFE = r"[^\w./@+-]"


_FOUND_BY_NAME = r"(docker-)?compose(\.override)?\.ya?ml"


class SplitOptions(LayoutOptions, frozen=True):
    """The options of a split.

    Attributes:
        keep: elements that do not move, each with the reason.
        move: elements that move although the plan would leave them where they are.
    """

    keep: Mapping[FileElement, str] = {}
    move: frozenset[FileElement] = frozenset()


def check_options(options: SplitOptions, project: Project) -> None:
    """Check *options* against *project*.

    Raises UsageError for options that name unknown services or exclude each other, and RefusedError
    for paths that lead out of the project.
    """
    if options.strategy == "extends" and options.anchors == "extends":
        raise UsageError(
            "--anchors extends does not work with --strategy extends",
            remedy="give --anchors extends with --strategy include",
        )
    known = {name for file in project.files.values() for name in file.services}
    named = [*options.modules, *(s for members in options.groups.values() for s in members)]
    for name in named:
        if name not in known:
            raise UsageError(
                f"unknown service {name!r}",
                remedy="the services are " + ", ".join(sorted(known)),
            )
    for path in options.modules.values():
        if not path.endswith((".yml", ".yaml")) or re.fullmatch(
            _FOUND_BY_NAME, posixpath.basename(path)
        ):
            raise UsageError(
                f"{path!r} is not a path for a module",
                remedy="give a path like docker-compose/services/docker-compose.NAME.yml",
            )
    for path in (options.into, *options.modules.values()):
        if path and (re.search(_UNSAFE, path) or max(map(len, path.split("/"))) > MAX_NAME):
            raise UsageError(
                f"{path!r} cannot be written to an include list",
                remedy="use letters, digits and . _ - / in shorter names",
            )
        if path and (posixpath.isabs(path) or posixpath.normpath(path).startswith("..")):
            raise RefusedError(
                f"{path!r} is outside of the project",
                remedy="give a path relative to the project directory",
            )


def layout_options(root: RootFile, options: SplitOptions) -> LayoutOptions:
    """Return the part of *options* that the layout needs, with paths from the project directory.

    Raises RefusedError for the path of a module that exists.
    """
    modules = {s: posixpath.join(root.directory, p) for s, p in options.modules.items()}
    for service, path in modules.items():
        if service in root.movable() and root.project.exists(path):
            raise RefusedError(
                "already exists; a split does not overwrite files",
                location=Location(path),
                remedy=f"give another path for {service}: --module {service}=PATH",
            )
    into = posixpath.join(root.directory, posixpath.normpath(root.into))
    return replace(options, into=into, modules=modules)


def root_file_of(project: Project, path: str, options: SplitOptions) -> RootFile:
    """Return the file at *path* as one that a split with *options* may change."""
    extends = options.strategy == "extends"
    file = project.files[path]
    return RootFile(
        project,
        file,
        options.keep,
        options.move,
        options.into,
        leaves_stubs=extends,
        force=options.force or bool(options.groups or options.modules),
    )


def included_monoliths(project: Project) -> list[str]:
    """Return the files of an existing ``include`` that have too many services for a module.

    Services that extend one of another file, as stubs do, do not count.
    """
    return [
        path
        for path in sorted(project.own_includes - set(project.root_files))
        if path in project.files and _own_services(project.files[path]) > MOST_SERVICES
    ]


def _own_services(file: ComposeFile) -> int:
    """Return how many services of *file* extend none of another file."""
    targets = map(extends_target, file.services.values())
    return sum(target is None or target[0] is None for target in targets)


def sharing_groups(roots: list[RootFile]) -> list[list[RootFile]]:
    """Return the groups of *roots* that are planned together, since sharing saves text."""
    groups = _groups_with_common_services(roots)
    return [saving for group in groups for saving in _groups_that_save(group)]


def _groups_that_save(group: list[RootFile]) -> list[list[RootFile]]:
    """Return the parts of *group* in which sharing saves text.

    Files that share nothing with a larger file may share something among themselves; without this,
    only the next run would find it.
    """
    kept = _without_files_that_save_nothing(group)
    rest = [root for root in group if root not in kept and (kept or root.is_small)]
    others = _groups_that_save(rest) if 1 < len(rest) < len(group) else []
    return [kept, *others] if kept else others


def _groups_with_common_services(roots: list[RootFile]) -> list[list[RootFile]]:
    """Return the groups of files of one directory that define the same services."""
    candidates = [root for root in roots if root.is_small or not root.why_whole]
    groups = connected(candidates, lambda root: {(root.directory, n) for n in root.file.services})
    return [group for group in groups if len(group) > 1]


def _without_files_that_save_nothing(group: list[RootFile]) -> list[RootFile]:
    """Return *group* without the files that would save nothing; empty where one file is left.

    A file that is merged over others has to repeat something of them. A root file has to share
    enough: an environment file with nearly all of its text would be the same file with another
    name. One with a few services, which is easy to read as it is, has to share most of them, unless
    all have few.
    """
    factored = shared_services(tuple(group))
    are_small = all(root.is_small for root in group)
    kept = []
    for i, root in enumerate(group):
        shared = sum(service.shared_lines(i) for service in factored.of_file(i).values())
        is_root = root.file.path in root.project.root_files
        if shared and (root.is_forced or are_small or not is_root or _is_enough(shared, root)):
            kept.append(root)
    if len(kept) == len(group):
        return group
    return _without_files_that_save_nothing(kept) if len(kept) > 1 else []


def _is_enough(shared: int, root: RootFile) -> bool:
    """Return whether *root* with so many *shared* lines is planned together with other files."""
    regions = root.file.regions_in("services").values()
    lines = sum(root.file.source.text.count("\n", each.lead, each.end) for each in regions)
    part = ENOUGH_OF_SMALL if root.is_small else ENOUGH_SHARED
    return shared >= min(part * lines, LONG_SERVICE)


@lru_cache(maxsize=8)
def shared_services(group: tuple[RootFile, ...]) -> SharedServices:
    """Return what the services of the files in *group* share, and what each file adds.

    It is asked for where a group is chosen, and for each plan of it.
    """
    bases = group[0].project.root_files
    copies = frozenset(i for i, root in enumerate(group) if root.file.path not in bases)
    movable = {
        i: [n for n in root.movable() if i not in copies or may_repeat(root.file, n)]
        for i, root in enumerate(group)
    }
    files, anchors = [root.file for root in group], [root.anchors for root in group]
    paths = [file.path for file in files if file.path in bases]
    are_variants = len(paths) > 1 and not are_environments(group[0].project, paths)
    least = ENOUGH_OF_VARIANTS if are_variants else ENOUGH_OF_ENVIRONMENTS
    return factor(files, anchors, movable, copies, least=least)


def split_notes(
    project: Project,
    roots: list[RootFile],
    planned_files: tuple[PlannedFile, ...],
    moved: dict[FileElement, str],
    modules: Collection[str],
) -> Iterator[str]:
    """Yield notes on a whole split: generated files, build contexts, and ``x-`` blocks."""
    files = [file for d in planned_files if (file := project.files.get(d.path))]
    yield from notes_against_edits(files)
    for directory in dict.fromkeys(root.directory for root in roots):
        near = [root for root in roots if root.directory == directory]
        into = posixpath.normpath(near[0].into)
        ignore = posixpath.join(directory, ".dockerignore")
        sending = {s: None for root in near for s in services_sending(root.file, into)}
        is_new = into != "."  # otherwise the files are beside others of their kind
        if sending and is_new and into not in project.ignored_in_builds(ignore):
            yield (
                f"the build context of {', '.join(sending)} contains {into}/ now; to keep it out "
                f"of `COPY . .`, add the line `{into}/` to {ignore}"
            )
    for name, path in dict.fromkeys((name, path) for (_, name, _), path in moved.items()):
        if name.startswith("x-") and path in modules:
            yield f"{name} only carries anchors and moves to {path}"


def services_sending(file: ComposeFile, directory: str) -> Iterator[str]:
    """Yield the services of *file* whose build context contains *directory*.

    *directory* is relative to the project directory. A missing context is the project directory
    (Compose specification). Remote contexts, and those that begin with a variable, do not count.
    """
    here = posixpath.dirname(file.path)
    for name, service in services_in(file).items():
        context = service.build.value.directory if service.build else None
        if context is not None:
            context = posixpath.relpath(context, here or ".")
            if context in {".", directory} or directory.startswith(f"{context}/"):
                yield name
