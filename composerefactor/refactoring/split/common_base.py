"""A common file: blocks that services of several modules use, as services that they extend.

An anchor is known only in its own file (YAML 1.2). Instead of a copy of the block in each module,
the block becomes a service in one common file:

* ``<<: *app`` in a service becomes ``extends`` of the service ``app``.
* ``logging: *log`` becomes ``extends`` of a service that has nothing but this ``logging``.
* A service with both extends a service that extends ``app`` and has this ``logging``.
* ``environment: &env`` in a service becomes such a service, too, if all that refer to it extend it.

Where that gives the same result, ``bases.py`` says.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.paths import directory_of
from composerefactor.edit.planned_files import (
    NewText,
    Piece,
    PlannedFile,
    Replacement,
    Slice,
    indent_by,
)
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.directories import (
    SINCE_EXTENDS,
    SINCE_EXTENDS_IN_ROOT,
    IncludedFiles,
)
from composerefactor.refactoring.modules.include import IncludeEdit, indentation_unit
from composerefactor.refactoring.modules.naming import LayoutOptions, Names, name_in_path
from composerefactor.refactoring.modules.root_file import RootFile, file_layout
from composerefactor.refactoring.modules.writer import Assembler, FileLayout, Output
from composerefactor.refactoring.split.bases import Base, BaseFinder, Extension, Use, region_of
from composerefactor.refactoring.split.budget import copy_budget
from composerefactor.yaml.nodes import MappingNode
from composerefactor.yaml.source import Source


def extending(
    source: Source, bases: Iterable[Base], common: str, directory: str, unit: str
) -> list[Replacement]:
    """Return the changes that make services extend *bases* in the file *common*.

    *directory* is the one that paths in the changed file are relative to, *unit* one step of the
    file's indentation. ``extends`` is the first entry, as people write it.
    """
    path = posixpath.relpath(common, directory or ".")
    return [
        change
        for base in bases
        for extension in base.extensions
        for change in _changes(source, extension, path, base.name, unit)
    ]


def _changes(
    source: Source, extension: Extension, path: str, service: str, unit: str
) -> Iterator[Replacement]:
    """Yield the changes of one service, or of one block of services."""
    uses = extension.uses
    indent = " " * source.column(uses[0].entry.start)
    lines = ("extends:", f"{indent}{unit}file: {path}", f"{indent}{unit}service: {service}")
    text = source.newline.join(lines)
    whole = [use for use in uses if use.merge is None]
    place = next((use for use in whole if _has_comment(source, use)), None)
    place = place or next((use for use in whole if use.region.key == use.first.key), None)
    if place is None:
        at = uses[0].first.lead
        yield Replacement(at, at, f"{indent}{text}{source.newline}")
    for use in uses:
        if use is place:
            yield Replacement(use.entry.start, use.entry.end, text)
        else:
            lines_of = use.merge or use.region
            yield Replacement(lines_of.key, lines_of.tail, "")
    for entry in extension.overridden:
        at = source.text.index(":", entry.key.end) + 1
        yield Replacement(at, at, " !override")


def _has_comment(source: Source, use: Use) -> bool:
    """Return whether there is a comment above, beside or below what *use* replaces."""
    region = use.region
    rest = source.text[use.entry.end : region.tail].strip()
    return bool(rest) or region.lead != region.key or region.end != region.tail


def common_file(
    file: ComposeFile,
    path: str,
    bases: Sequence[Base],
    blocks: PlannedFile,
    copied: Collection[Element],
) -> PlannedFile:
    """Return the common file at *path*: *blocks* as they are, and the services of *bases*.

    The sections *copied* stay where they are, too, with the comments above them.
    """
    source, unit = file.source, indentation_unit(file)
    out = Output(source)
    for piece in blocks.pieces:
        out.add(piece)
    out.separate()
    out.add(NewText(f"services:{source.newline}"))
    services = _services(bases)
    for n, parts in enumerate(services):
        if n:
            out.separate()
        for piece in _service(file, parts, unit, copied):
            out.add(piece)
        out.end_line()
    return PlannedFile(path, tuple(out.pieces))


def _services(bases: Sequence[Base]) -> list[list[Base]]:
    """Return *bases*, one for each service; a base that only another one extends is part of it."""
    children: dict[str, list[Base]] = {}
    for base in bases:
        children.setdefault(base.parent, []).append(base)
    alone = {b.name: b for b in bases if not b.extensions and len(children[b.name]) == 1}
    return [
        [replace(alone[base.parent], name=base.name), replace(base, parent="")]
        if base.parent in alone
        else [base]
        for base in bases
        if base.name not in alone
    ]


def _service(
    file: ComposeFile, parts: Sequence[Base], unit: str, copied: Collection[Element]
) -> Iterator[Piece]:
    """Yield the lines of the service that *parts* become."""
    newline = file.source.newline
    key = [f"{unit}{parts[0].name}:"]
    if parts[0].parent:
        key += [f"{unit}{unit}extends:", f"{unit}{unit}{unit}service: {parts[0].parent}"]
    for part in parts:
        anchor = part.region.entry.value.anchor
        if part.is_inline:
            yield from _block(file, part, key, unit, is_copy=(part.section, "") in copied)
        else:
            value = f"{part.attribute or '<<'}: *{anchor}"
            yield NewText("".join(f"{line}{newline}" for line in (*key, f"{unit}{unit}{value}")))
        key = []


def _block(
    file: ComposeFile, base: Base, key: Sequence[str], unit: str, *, is_copy: bool
) -> Iterator[Piece]:
    """Yield the lines of the block of *base* below the lines *key*, which may be none."""
    source = file.source
    region = base.region
    block, anchor = region.entry.value, region.entry.value.anchor or ""
    line_end = source.next_line(region.key)
    head = source.text[region.entry.key.end : line_end].replace(f"&{anchor}", "", 1)
    remark = head.strip().removeprefix(":").strip()
    lines = [*key, f"{unit}{unit}{base.attribute}:"] if base.attribute else [*key]
    own = block.entries[0].start if isinstance(block, MappingNode) else block.start
    levels = (2 if not base.attribute else 3) * len(unit)
    at = region.key if is_copy else region.lead
    while at < region.key:  # the comments above, which may be in the first column
        end = source.next_line(at)
        yield NewText((unit if key else unit * 2) if source.text[at:end].strip() else "")
        yield Slice(source, at, end)
        at = end
    if lines:
        yield NewText(
            f"{source.newline.join(lines)}{'  ' + remark if remark else ''}{source.newline}"
        )
    body = Slice(source, line_end, region.end, copy=is_copy)
    yield from indent_by([body], levels - source.column(own))


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
            count = len(base.extensions) + sum(each.parent == base.name for each in self.bases)
            times = "1 place extends" if count == 1 else f"{count} places extend"
            sections = f"{base.parent} and {base.section}" if base.parent else base.section
            become = "become" if base.parent else "becomes"
            yield f"{sections} {become} the service {base.name} in {name}, which {times}"

    def since(self, result: IncludedFiles) -> str:
        """Return the oldest Docker Compose that reads the files."""
        owners = {owner for base in self.bases for owner in base.owners}
        paths = {self.layout.destinations[owner] for owner in owners}
        if not paths.isdisjoint(result.reasons):
            return SINCE_EXTENDS_IN_ROOT
        return SINCE_EXTENDS


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
    bases = _as_blocks(root, _chosen_bases(root, layout, order, switches, options))
    if not bases:
        return None
    named = name_in_path(root.file.path)
    others = [f"{named}-common"] if named else []
    path = names.take(options.into, root.family, "common", *others, "shared")
    replaced = {alias for base in bases for alias in base.aliases}
    anchors = root.anchors.without(replaced)
    sections = {(base.section, "") for base in bases if base.section in (root.file.sections or {})}
    placed = dict.fromkeys(sections, path)
    placed |= {other: path for element in placed for other in switches.get(element, ())}
    placed = {element: "" if element in kept else path for element, path in placed.items()}
    everywhere = (*order, path)
    remaining = file_layout(root.project, root.file, anchors, module_of, everywhere, kept, placed)
    blocks = {element for element, place in remaining.destinations.items() if place == path}
    blocks |= sections  # also if they are pinned
    inline = {(base.section, "") for base in bases if base.is_inline}
    verbatim = FileLayout(root.file, anchors, dict.fromkeys(sorted(blocks), path), (path,))
    (written,) = Assembler(verbatim, IncludeEdit(root.file, ())).modules(without=inline)
    planned_file = common_file(root.file, path, bases, written, kept)
    up = posixpath.relpath(root.directory or ".", directory_of(path))
    planned_file = root.paths.rewritten(planned_file, up)
    return CommonBase(path, root.file, bases, replace(remaining, order=order), planned_file)


def _chosen_bases(
    root: RootFile,
    layout: FileLayout,
    order: Sequence[str],
    switches: Collection[Element],
    options: LayoutOptions,
) -> tuple[Base, ...]:
    """Return the bases that services extend instead of having copies of blocks.

    Those are the blocks that more than half of the services use, and further ones as long as copies
    would exceed the budget, where that leaves fewer copies; all of them if the user wants
    ``extends`` everywhere. A block of *switches* is never copied. Modules that keep the paths of
    the root file need a newer Docker Compose to extend a service: they do it only with what is
    usual, of which one copy would be forgotten.
    """
    fixed = root.paths.fixed()
    finder = BaseFinder(root.file, root.anchors, fixed)
    everywhere = options.anchors == "extends"
    budget = copy_budget([root])
    owners: set[Element] = set()
    every_owner: set[Element] = set()
    for path in order:
        own = layout.elements(path)
        needed = {*root.anchors.needs(own), *own}
        every_owner |= set(own)
        if everywhere or not any(_contains(root.file, element, fixed) for element in needed):
            owners |= set(own)
    copied = _copied_lines(root, layout, order, finder, ())
    wanted = [section for section in copied if copied[section]]
    for section in sorted(wanted, key=partial(_rank, finder, copied, switches)):
        is_switch = (section, "") in switches
        bases = finder.bases(section, every_owner)
        is_usual = 2 * len(finder.users(bases)) > len(root.file.services)
        if not is_switch and not is_usual:
            bases = finder.bases(section, owners)
        after = _copied_lines(root, layout, order, finder, bases)
        left, saved = copied.total(), copied.total() - after.total()
        is_worth = saved > 0 and (everywhere or is_usual or left > budget)
        if bases and (is_switch or is_worth):
            finder.take(bases)
            copied = after
    return tuple(finder.taken.values())


def _rank(
    finder: BaseFinder, copied: Counter[str], switches: Collection[Element], section: str
) -> tuple[bool, bool, int, int]:
    """Return a sort key: a block is extended first that says more of a service, or of more."""
    is_body = section in finder.mergers
    return (section, "") not in switches, not is_body, -finder.uses(section), -copied[section]


def _copied_lines(
    root: RootFile,
    layout: FileLayout,
    order: Sequence[str],
    finder: BaseFinder,
    more: Iterable[Base],
) -> Counter[str]:
    """Return how many lines of each ``x-`` section are copied.

    Services extend the bases that *finder* has taken, and *more*; their blocks are in the common
    file.
    """
    bases = [*finder.taken.values(), *more]
    placed = {(base.section, "") for base in bases}
    anchors = root.anchors.without({alias for base in bases for alias in base.aliases})
    files = Counter[str]()
    for elements in (placed, *(set(layout.elements(path)) - placed for path in order)):
        needed = anchors.needs(elements)
        blocks = {finder.block_of(element, node) for element in needed for node in needed[element]}
        blocks |= {name for name, _ in elements if name.startswith("x-")}
        files.update(blocks - {""})
    homes = {name for name in finder.homes if name in files}  # their own files need no copy
    files.update(homes)
    return Counter({name: finder.lines(name) * (count - 1) for name, count in files.items()})


def _as_blocks(root: RootFile, bases: tuple[Base, ...]) -> tuple[Base, ...]:
    """Return *bases*, those as blocks that others of the common file need."""
    needed = {e for base in bases for e in root.anchors.needs([(base.section, "")])}
    return tuple(
        replace(base, is_inline=base.is_inline and (base.section, "") not in needed)
        for base in bases
    )


def _contains(file: ComposeFile, element: Element, offsets: Sequence[int]) -> bool:
    """Return whether any of *offsets*, which are in order, is in the lines of *element*."""
    region = region_of(file, element)
    return bisect_left(offsets, region.lead) < bisect_left(offsets, region.end)
