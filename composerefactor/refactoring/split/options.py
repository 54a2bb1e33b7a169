"""What the user can choose of a split."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import merged_entries, merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.images.catalog import Catalog, load
from composerefactor.refactoring.contract import Part
from composerefactor.refactoring.deduplicate.variants import factor, may_repeat
from composerefactor.refactoring.modules.base_file import BaseFile
from composerefactor.refactoring.modules.grouping import MAX_SERVICES, LayoutOptions
from composerefactor.refactoring.modules.naming import MAX_NAME
from composerefactor.yaml.nodes import MappingNode, resolve

if TYPE_CHECKING:
    from composerefactor.refactoring.deduplicate.variants import SharedServices


_UNSAFE = re.compile(r"[^\w./@+-]")
_FOUND_BY_NAME = re.compile(r"(docker-)?compose(\.override)?\.ya?ml")


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """What the user can choose.

    *into* is the directory of the modules, next to the root; ``""`` for the family's own name.
    *strategy* is ``include`` or ``extends``.
    *keep* has parts that stay, with the reason of each; *move* parts that move although the plan
    would leave them. *anchors* says what becomes of an ``x-`` block that several modules take by
    ``<<``: ``copy``, or ``extends`` where that is exactly the same. *variants* has what roots are
    called in new names, by path, where their own name does not tell.
    """

    into: str = ""
    granularity: str = "auto"
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    keep: dict[Part, str] = field(default_factory=dict)
    move: frozenset[Part] = frozenset()
    anchors: str = "copy"
    strategy: str = "include"
    catalog: Catalog = field(default_factory=load)
    variants: Mapping[str, str] = field(default_factory=dict)


def check_options(options: SplitOptions, project: Project) -> None:
    """Raise UsageError for options that name what is not there or do not go together.

    RefusedError for paths that lead out of *project*.
    """
    if options.strategy == "extends" and options.anchors == "extends":
        raise UsageError(
            "--strategy extends leaves anchors to be copied",
            remedy="give --anchors extends with --strategy include",
        )
    known = {name for file in project.files.values() for name in file.services}
    named = [*options.modules, *(s for members in options.groups.values() for s in members)]
    for name in named:
        if name not in known:
            raise UsageError(
                f"no service is called {name!r}",
                remedy="the services are " + ", ".join(sorted(known)),
            )
    for path in options.modules.values():
        if not path.endswith((".yml", ".yaml")) or _FOUND_BY_NAME.fullmatch(
            posixpath.basename(path)
        ):
            raise UsageError(
                f"{path!r} is no name for a module",
                remedy="give a path like docker-compose/services/docker-compose.NAME.yml",
            )
    for path in (options.into, *options.modules.values()):
        if path and (_UNSAFE.search(path) or max(map(len, path.split("/"))) > MAX_NAME):
            raise UsageError(
                f"{path!r} cannot stand in an include list as it is",
                remedy="use letters, digits and . _ - / in shorter names",
            )
        if path and (posixpath.isabs(path) or posixpath.normpath(path).startswith("..")):
            raise RefusedError(
                f"{path!r} is outside of the project",
                remedy="give a path relative to the project directory",
            )


def layout_options(root: BaseFile, options: SplitOptions) -> LayoutOptions:
    """Return the user's *options* with paths relative to the project root.

    Raises RefusedError for the path of a module that is taken.
    """
    modules = {s: posixpath.join(root.directory, p) for s, p in options.modules.items()}
    for service, path in modules.items():
        if service in root.movable() and root.project.exists(path):
            raise RefusedError(
                "exists already, and is not overwritten",
                location=Location(path),
                remedy=f"give another path for {service}: --module {service}=PATH",
            )
    into = posixpath.join(root.directory, posixpath.normpath(options.into or root.family.prefix))
    return LayoutOptions(into, options.granularity, options.groups, modules, options.variants)


def root_of(project: Project, path: str, options: SplitOptions) -> BaseFile:
    """Return the base file at *path*."""
    extends = options.strategy == "extends"
    file = project.files[path]
    return BaseFile(project, file, options.keep, options.move, options.into, leaves_stubs=extends)


def included_monoliths(project: Project) -> list[str]:
    """Return the files of an existing ``include`` that are too large for a module."""
    return [
        path
        for path in sorted(project.own_includes - set(project.bases))
        if path in project.files and len(project.files[path].services) > MAX_SERVICES
    ]


def sharing_groups(roots: list[BaseFile]) -> list[list[BaseFile]]:
    """Return the groups of *roots* that are planned together, since sharing saves something."""
    return [gaining for group in _sharing(roots) for gaining in _gaining(group)]


def _gaining(group: list[BaseFile]) -> list[list[BaseFile]]:
    """Return the parts of *group* that gain something together.

    What gains nothing with a larger file may gain among itself, which the next run would find.
    """
    kept = _without_small(group)
    rest = [root for root in group if root not in kept and (kept or root.is_small)]
    others = _gaining(rest) if 1 < len(rest) < len(group) else []
    return [kept, *others] if kept else others


def _sharing(roots: list[BaseFile]) -> list[list[BaseFile]]:
    """Return the groups of roots of one directory that define the same services."""
    groups: list[list[BaseFile]] = []
    for root in roots:
        if root.whole and not root.is_small:
            continue
        near = [
            group
            for group in groups
            if any(
                other.directory == root.directory
                and other.file.services.keys() & root.file.services.keys()
                for other in group
            )
        ]
        groups = [g for g in groups if g not in near]
        groups.append([*(r for g in near for r in g), root])
    return [group for group in groups if len(group) > 1]


def _without_small(group: list[BaseFile]) -> list[BaseFile]:
    """Return *group* without the roots that would gain nothing, [] where one root is left.

    Those are small roots, and files that are merged over others without repeating them.
    """
    bases = group[0].project.bases
    wanted = [not root.is_small and root.file.path in bases for root in group]
    if all(wanted):
        return group
    found = factored(group)
    gaining = {owner for v in found.variants if v.shared is not None for owner in v.owners}
    kept = [root for i, root in enumerate(group) if wanted[i] or i in gaining]
    if len(kept) == len(group):
        return group
    return _without_small(kept) if len(kept) > 1 else []


def factored(group: list[BaseFile]) -> SharedServices:
    """Divide the services of *group* into what they share and what each adds."""
    bases = group[0].project.bases
    copies = frozenset(i for i, root in enumerate(group) if root.file.path not in bases)
    movable = {
        i: [n for n in root.movable() if i not in copies or may_repeat(root.file, n)]
        for i, root in enumerate(group)
    }
    files, anchors = [root.file for root in group], [root.anchors for root in group]
    return factor(files, anchors, movable, copies)


_ELSEWHERE = ("git@", "github.com/", "$", "/", "~", "service:")


def services_that_send(file: ComposeFile, directory: str) -> Iterator[str]:
    """Yield the services whose build context holds *directory*, relative to the project directory.

    A missing context is the project directory (Compose specification). Remote contexts, and those
    that begin with a variable, are left out.
    """
    for name, body in file.services.items():
        entry = merged_entries(body).get("build")
        if entry is None:
            continue
        build = resolve(entry.value)
        written = merged_get(build, "context") if isinstance(build, MappingNode) else build
        context = scalar_text(written) or "."
        if "://" in context or context.startswith(_ELSEWHERE):
            continue
        context = posixpath.normpath(context)
        if context in {".", directory} or directory.startswith(f"{context}/"):
            yield name


_GENERATED = re.compile(
    r"#.*\bgenerated\b.*\bdo not (?:edit|modify|change)\b"
    r"|#.*\bdo not (?:edit|modify|change)\b.*\bgenerated\b",
    re.IGNORECASE,
)
_HEAD = 20
"""So many lines of a file are looked at for what it says of itself."""


def notes(
    project: Project,
    options: SplitOptions,
    roots: list[BaseFile],
    planned_files: tuple[PlannedFile, ...],
    moved: dict[Part, str],
) -> Iterator[str]:
    """Yield what is worth saying of the whole: generated files, anchors, and build contexts."""
    generated = [str(place) for d in planned_files if (place := _generated(project, d.path))]
    if generated:
        yield (
            f"said to be generated: {', '.join(generated)}; what generates them would undo this, "
            "so change that as well"
        )
    for (_, name, _), to in moved.items():
        if name.startswith("x-"):
            yield f"{name} only carries anchors and moves to {to}"
    copied = sum(d.lines_from(copied=True) for d in planned_files)
    if copied:
        yield f"{copied} lines of anchors are copied, since several modules use them"
    for directory in dict.fromkeys(root.directory for root in roots):
        near = [root for root in roots if root.directory == directory]
        into = posixpath.normpath(options.into or near[0].family.prefix)
        ignore = posixpath.join(directory, ".dockerignore")
        senders = {s: None for root in near for s in services_that_send(root.file, into)}
        if senders and into not in project.ignored_in_builds(ignore):
            yield (
                f"the build context of {', '.join(senders)} holds {into}/ from now on: a line "
                f"`{into}/` in {ignore} keeps it out of `COPY . .`"
            )


def _generated(project: Project, path: str) -> Location | None:
    """Return the line of the file *path* that says that people do not write it."""
    file = project.files.get(path)
    lines = file.source.text.splitlines()[:_HEAD] if file else []
    found = (n for n, line in enumerate(lines, start=1) if _GENERATED.search(line))
    number = next(found, None)
    return Location(path, number) if number else None
