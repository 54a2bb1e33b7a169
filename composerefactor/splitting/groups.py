"""Which base files of a project there are, and which of them are planned together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from composerefactor.compose.project import Project
from composerefactor.factoring.repeating import may_repeat
from composerefactor.modules.assignment import MAX_SERVICES
from composerefactor.modules.root import Root
from composerefactor.splitting.options import SplitOptions

if TYPE_CHECKING:
    from composerefactor.factoring.variants import Factored


def root_of(project: Project, path: str, options: SplitOptions) -> Root:
    """Return the base file at *path*."""
    extends = options.strategy == "extends"
    file = project.files[path]
    return Root(project, file, options.keep, options.move, options.into, leaves_stubs=extends)


def included_monoliths(project: Project) -> list[str]:
    """Return the files of an existing ``include`` that are too large for a module."""
    return [
        path
        for path in sorted(project.own_includes - set(project.bases))
        if path in project.files and len(project.files[path].services) > MAX_SERVICES
    ]


def sharing_groups(roots: list[Root]) -> list[list[Root]]:
    """Return the groups of *roots* that are planned together, since sharing saves something."""
    return [gaining for group in _sharing(roots) for gaining in _gaining(group)]


def _gaining(group: list[Root]) -> list[list[Root]]:
    """Return the parts of *group* that gain something together.

    What gains nothing with a larger file may gain among itself, which the next run would find.
    """
    kept = _without_small(group)
    rest = [root for root in group if root not in kept and (kept or root.is_small)]
    others = _gaining(rest) if 1 < len(rest) < len(group) else []
    return [kept, *others] if kept else others


def _sharing(roots: list[Root]) -> list[list[Root]]:
    """Return the groups of roots of one directory that define the same services."""
    groups: list[list[Root]] = []
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


def _without_small(group: list[Root]) -> list[Root]:
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


def factored(group: list[Root]) -> Factored:
    """Divide the services of *group* into what they share and what each adds."""
    from composerefactor.factoring.variants import factor  # noqa: PLC0415 - see cli/__init__.py

    bases = group[0].project.bases
    copies = frozenset(i for i, root in enumerate(group) if root.file.path not in bases)
    movable = {
        i: [n for n in root.movable() if i not in copies or may_repeat(root.file, n)]
        for i, root in enumerate(group)
    }
    files, anchors = [root.file for root in group], [root.anchors for root in group]
    return factor(files, anchors, movable, copies)
