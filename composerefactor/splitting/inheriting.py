"""Blocks that services of several modules extend, instead of a copy in each module."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from composerefactor.compose.paths import path_attributes
from composerefactor.edits.drafts import Draft
from composerefactor.factoring.inheritance import Parent, extended_file, extending, parents
from composerefactor.modules.assemble import Division
from composerefactor.modules.naming import Names, kebab
from composerefactor.modules.root import Root
from composerefactor.stubs.portable import fixed_attributes, replacements
from composerefactor.yamltree.nodes import Node

Parents = Mapping[str, Parent]
"""Blocks to extend, by the path of their new file."""


def parent_files(root: Root, division: Division, directory: str, names: Names) -> Parents:
    """Return the blocks of *root* that services can extend, in new files in *directory*."""

    def can_move(block: Node) -> bool:
        missing = any(path.resolved and path.is_missing for path in path_attributes(block))
        return not missing and not fixed_attributes(block, root.file.source)

    return {
        names.take(directory, root.family, kebab(parent.anchor)): parent
        for parent in parents(root.file, root.anchors, division.homes, can_move)
    }


def without_copies(division: Division, root: Root, files: Parents) -> Division:
    """Return *division* with the blocks in *files*, and no use for them elsewhere."""
    taken = {alias for parent in files.values() for alias in parent.aliases}
    homes = {**division.homes, **{(p.section, ""): path for path, p in files.items()}}
    anchors = root.anchors.without(taken)
    return replace(division, homes=homes, anchors=anchors, order=(*division.order, *files))


def inherited(root: Root, drafts: Iterable[Draft], files: Parents) -> list[Draft]:
    """Return *drafts* with services that extend what *files* hold."""
    drafts = list(drafts)
    for path, parent in files.items():
        named = posixpath.relpath(path, root.directory or ".")
        drafts = [
            _parent_file(draft, root, parent)
            if draft.path == path
            else extending(draft, root.file, parent, named)
            for draft in drafts
        ]
    return drafts


def _parent_file(draft: Draft, root: Root, parent: Parent) -> Draft:
    """Return *draft* with the service that others extend, its paths relative to where it is now."""
    source = root.file.source
    block = (root.file.sections or {})[parent.section].region.entry.value
    up = posixpath.relpath(root.directory or ".", posixpath.dirname(draft.path))
    moved = draft.rewritten(source, replacements(block, source, up))
    return extended_file(moved, root.file, parent)


def notes_on(files: Parents) -> tuple[str, ...]:
    """Return a sentence for each file that services extend."""
    return tuple(
        f"{', '.join(parent.heirs)} extend {parent.anchor} in {path}, instead of a copy each"
        for path, parent in files.items()
    )
