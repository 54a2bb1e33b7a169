"""The common file of a root file: which blocks become services in it, and the layout around it."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.edit.planned_files import PlannedFile, Replacement
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.common import (
    SINCE_BASE,
    SINCE_INCLUDED_BASE,
    Base,
    BaseFinder,
    common_file,
    extending,
)
from composerefactor.refactoring.modules.grouping import LayoutOptions, Names
from composerefactor.refactoring.modules.include import IncludeEdit, indentation_unit
from composerefactor.refactoring.modules.planner import MOST_COPIED
from composerefactor.refactoring.modules.relocation import SINCE_EXTENDS, Relocated
from composerefactor.refactoring.modules.root_file import RootFile, file_layout
from composerefactor.refactoring.modules.writer import Assembler, FileLayout


class CommonBase(Struct, frozen=True):
    """The common file of a root file, with the services that others extend.

    Attributes:
        path: the path of the common file.
        file: the root file.
        bases: the blocks that become services in it.
        layout: the layout of all other files.
        planned_file: the common file.
    """

    path: str
    file: ComposeFile
    bases: tuple[Base, ...]
    layout: FileLayout
    planned_file: PlannedFile

    def changes(self, directory: str) -> list[Replacement]:
        """Return the changes of a file that is read in *directory*."""
        unit = indentation_unit(self.file)
        return extending(self.file.source, self.bases, self.path, directory, unit)

    def notes(self) -> Iterator[str]:
        """Yield what becomes of each block."""
        name = posixpath.basename(self.path)
        for base in self.bases:
            count = len(base.uses)
            times = "1 place extends" if count == 1 else f"{count} places extend"
            yield f"{base.section} becomes the service {base.section} in {name}, which {times}"

    def since(self, result: Relocated) -> str:
        """Return the oldest Docker Compose that reads the files."""
        owners = {use.owner for base in self.bases for use in base.uses}
        paths = {self.layout.destinations[owner] for owner in owners}
        if not paths.isdisjoint(result.reasons):
            return SINCE_INCLUDED_BASE
        is_later = any(base.needs_later_release(self.file) for base in self.bases)
        return SINCE_BASE if is_later else SINCE_EXTENDS


def common_base(
    root: RootFile,
    layout: FileLayout,
    module_of: Mapping[str, str],
    order: tuple[str, ...],
    kept: Sequence[Element],
    switches: Mapping[Element, Sequence[Element]],
    options: LayoutOptions,
    names: Names,
) -> CommonBase | None:
    """Return the common file for blocks that modules would have to copy; None without any.

    A block of *switches* goes where the blocks go that it may choose.
    """
    if options.anchors == "copy" or options.verbatim:
        return None
    bases = _as_blocks(root, tuple(_chosen_bases(root, layout, order, switches, options)))
    if not bases:
        return None
    path = names.take(options.into, root.family, "common", "shared")
    replaced = {alias for base in bases for alias in base.aliases}
    anchors = root.anchors.without(replaced)
    placed = {(base.section, ""): path for base in bases}
    placed |= {other: path for element in placed for other in switches.get(element, ())}
    placed = {element: "" if element in kept else path for element, path in placed.items()}
    everywhere = (*order, path)
    remaining = file_layout(root.project, root.file, anchors, module_of, everywhere, kept, placed)
    blocks = {element for element, place in remaining.destinations.items() if place == path}
    blocks -= {(base.section, "") for base in bases if base.is_inline}
    blocks |= {(base.section, "") for base in bases if not base.is_inline}  # also if it is pinned
    verbatim = FileLayout(root.file, anchors, dict.fromkeys(sorted(blocks), path), (path,))
    (written,) = Assembler(verbatim, IncludeEdit(root.file, ())).modules()
    planned_file = common_file(root.file, path, bases, written, kept)
    up = posixpath.relpath(root.directory or ".", posixpath.dirname(path) or ".")
    planned_file = root.paths.rewritten(planned_file, up)
    return CommonBase(path, root.file, bases, replace(remaining, order=order), planned_file)


def _chosen_bases(
    root: RootFile,
    layout: FileLayout,
    order: Sequence[str],
    switches: Collection[Element],
    options: LayoutOptions,
) -> Iterator[Base]:
    """Yield the blocks that services extend instead of having copies.

    Those are the ones that more than half of the services use, and further ones as long as copies
    would exceed the budget, where that leaves fewer copies. A block of *switches* is never copied.
    No other one needs a later Docker Compose than the modules, unless the user wants ``extends``
    everywhere.
    """
    fixed = root.paths.fixed()
    finder = BaseFinder(root.file, root.anchors, fixed)
    everywhere = options.anchors == "extends"
    needing: dict[str, set[str]] = {}
    owners: set[Element] = set()
    every_owner: set[Element] = set()
    for path in order:
        own = layout.elements(path)
        needed = {*root.anchors.needs(own), *own}
        for section, name in needed:
            if section.startswith("x-") and not name:
                needing.setdefault(section, set()).add(path)
        every_owner |= set(own)
        if everywhere or not any(_contains(root.file, element, fixed) for element in needed):
            owners |= set(own)
    copied = {name: finder.lines(name) * (len(of) - 1) for name, of in needing.items()}
    left = sum(copied.values())
    budget = MOST_COPIED * root.file.source.text.count("\n")
    wanted = [name for name in copied if copied[name]]
    wanted.sort(key=lambda name: -copied[name])
    switched = [name for name in wanted if (name, "") in switches]
    yield from finder.bases(switched, every_owner)
    left -= sum(copied[name] for name in switched)
    for base in finder.bases([name for name in wanted if name not in switched], owners):
        is_usual = 2 * len(finder.users(base)) > len(root.file.services)
        is_known = everywhere or not base.needs_later_release(root.file)
        saved = copied[base.section] - finder.lines(base.section) * _copies(
            root, layout, order, base
        )
        if is_known and saved > 0 and (everywhere or is_usual or left > budget):
            left -= saved
            yield base


def _copies(root: RootFile, layout: FileLayout, order: Sequence[str], base: Base) -> int:
    """Return how many modules need a copy of the block of *base* although services extend it."""
    block = (base.section, "")
    anchors = root.anchors.without(base.aliases)
    return sum(
        block in anchors.needs(element for element in layout.elements(path) if element != block)
        for path in order
    )


def _as_blocks(root: RootFile, bases: tuple[Base, ...]) -> tuple[Base, ...]:
    """Return *bases*, those as blocks that other blocks of the common file need."""
    blocks = [(base.section, "") for base in bases if not base.is_inline]
    needed = root.anchors.needs(blocks)
    return tuple(
        replace(base, is_inline=base.is_inline and (base.section, "") not in needed)
        for base in bases
    )


def _contains(file: ComposeFile, element: Element, offsets: Sequence[int]) -> bool:
    """Return whether any of *offsets*, which are in order, is in the lines of *element*."""
    section = (file.sections or {})[element[0]]
    region = (section.entries or {})[element[1]] if element[1] else section.region
    return bisect_left(offsets, region.lead) < bisect_left(offsets, region.end)
