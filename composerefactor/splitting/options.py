"""What the user can choose of a split."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from composerefactor.catalog.catalog import Catalog, load
from composerefactor.compose.project import Project
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.modules.assignment import LayoutOptions
from composerefactor.modules.naming import MAX_NAME
from composerefactor.modules.root import Root
from composerefactor.patterns import regex
from composerefactor.transform import Part

_UNSAFE = regex(r"[^\w./@+-]")
_FOUND_BY_NAME = regex(r"(docker-)?compose(\.override)?\.ya?ml")


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


def layout_options(root: Root, options: SplitOptions) -> LayoutOptions:
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
