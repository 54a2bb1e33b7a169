"""A common file: blocks that services of several modules use, as services that they extend.

An anchor is known only in its own file (YAML 1.2). Instead of a copy of the block in each module,
the block becomes a service in one common file:

* ``<<: *app`` in a service becomes ``extends`` of the service ``app``.
* ``logging: *log`` becomes ``extends`` of a service that has nothing but this ``logging``.

A merge key copies what a service does not write itself; ``extends`` merges. The two give the same
result where all of this is true (Compose specification; observed on v2.24.1 to v5.6.1):

* The service writes none of the block's attributes, or only attributes that are replaced as a
  whole, or that name everything which the block has in them.
* The paths in the block can be rewritten, since those of an extended file are relative to its own
  directory.
* The block has no numbers in key/value attributes: a merge turns them into text.
* The service extends nothing else.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import KEY_VALUE, REPLACED
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.forms import canonical_value, non_text_values
from composerefactor.compose.merge_keys import merged_entries
from composerefactor.edit.planned_files import (
    NewText,
    Piece,
    PlannedFile,
    Replacement,
    Slice,
    indent_by,
)
from composerefactor.refactoring.deduplicate.definitions import same
from composerefactor.refactoring.modules.anchors import AnchorIndex, Element
from composerefactor.refactoring.modules.directories import (
    SINCE_EXTENDS,
    SINCE_EXTENDS_IN_ROOT,
    SINCE_EXTENDS_PORTS,
    IncludedFiles,
)
from composerefactor.refactoring.modules.grouping import LayoutOptions, Names
from composerefactor.refactoring.modules.include import IncludeEdit, indentation_unit
from composerefactor.refactoring.modules.root_file import RootFile, file_layout
from composerefactor.refactoring.modules.writer import Assembler, FileLayout, Output
from composerefactor.refactoring.split.budget import copy_budget
from composerefactor.yaml.comments import Region, regions
from composerefactor.yaml.nodes import AliasNode, Entry, MappingNode, Node, walk
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

_SERVICE_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MAY_BE_NULL = {"command", "entrypoint"}
_FEWEST_LINES = 3
"""A shorter block is no base: ``extends`` itself takes three lines."""

_OF_A_LATER_RELEASE = {"ports", "depends_on"}


class Use(Struct, frozen=True):
    """The entry with the alias to a block, in a service or in an ``x-`` block of services.

    Attributes:
        owner: the element whose text the entry is in.
        region: the lines of the entry.
        first: the lines of the first entry beside it.
    """

    owner: Element
    region: Region
    first: Region

    @property
    def entry(self) -> Entry:
        """The entry."""
        return self.region.entry


class Base(Struct, frozen=True):
    """A block that becomes a service of the common file.

    Attributes:
        section: the ``x-`` section that is the block. The service has its name, which people know.
        attribute: the attribute that it is the value of; ``""`` for the body of a service.
        uses: where it is used and can be extended instead.
        is_inline: True where its lines are written as those of the service; otherwise they stay
            as they are, and the service refers to them.
    """

    section: str
    attribute: str
    uses: tuple[Use, ...]
    is_inline: bool

    def needs_later_release(self, file: ComposeFile) -> bool:
        """Return whether the block has attributes that v2.24 does not read in an extended file."""
        block = (file.sections or {})[self.section].region.entry.value
        names = {self.attribute} if self.attribute else merged_entries(block).keys()
        return not _OF_A_LATER_RELEASE.isdisjoint(names)

    @property
    def aliases(self) -> set[int]:
        """The ids of the aliases that ``extends`` replaces."""
        return {id(use.entry.value) for use in self.uses}


class BaseFinder:
    """Finds the blocks of *file* that services can extend; *fixed* are offsets of fixed paths."""

    def __init__(self, file: ComposeFile, anchors: AnchorIndex, fixed: Sequence[int]) -> None:
        self.file, self.anchors, self.fixed = file, anchors, fixed
        self.source = file.source
        self.services = file.regions_in("services")
        self.mergers = self._mergers()
        self._extending: set[Element] = set()

    def _mergers(self) -> dict[str, list[str]]:
        """Return the services that merge each ``x-`` section at the level of their attributes."""
        mergers: dict[str, list[str]] = {}
        for name, region in self.services.items():
            body = region.entry.value
            for entry in body.entries if isinstance(body, MappingNode) else ():
                target = entry.value.target if isinstance(entry.value, AliasNode) else None
                element = self.anchors.element_of.get(id(target))
                is_block = element is not None and target is self._value(element)
                if entry.is_merge and element and is_block:
                    mergers.setdefault(element[0], []).append(name)
        return mergers

    def _value(self, element: Element) -> Node | None:
        section = (self.file.sections or {}).get(element[0])
        return section.region.entry.value if section is not None and not element[1] else None

    def bases(self, sections: Iterable[str], owners: Collection[Element]) -> Iterator[Base]:
        """Yield those of *sections* that *owners* can extend, in the order given.

        A service extends one block only, the first one.
        """
        for name in sections:
            base = self._base(name, owners)
            if base is not None:
                self._extending |= {use.owner for use in base.uses}
                yield base

    def _services_with(self, owner: Element) -> list[str]:
        """Return the services that have the text of *owner*: itself, or those that merge it."""
        return [owner[1]] if owner[1] else self.mergers[owner[0]]

    def users(self, base: Base) -> set[str]:
        """Return the services that extend *base*, also by a block that they merge."""
        return {name for use in base.uses for name in self._services_with(use.owner)}

    def lines(self, section: str) -> int:
        """Return how many lines the section has."""
        region = (self.file.sections or {})[section].region
        return self.source.text.count("\n", region.key, region.end)

    def _base(self, name: str, owners: Collection[Element]) -> Base | None:
        section = (self.file.sections or {})[name]
        block = section.region.entry.value
        if block.anchor is None or not isinstance(block, MappingNode):
            return None
        if self.lines(name) < _FEWEST_LINES or not _SERVICE_NAME.fullmatch(name):
            return None
        if any(section.region.lead <= offset < section.region.end for offset in self.fixed):
            return None
        by_attribute: dict[str, list[Use]] = {}
        for owner, aliases in self.anchors.aliases_of.items():
            if owner not in owners or owner[0] not in {"services", *self.mergers}:
                continue
            for alias in aliases:
                use = self._use(owner, alias) if alias.target is block else None
                if use is not None and not self._extends(owner):
                    attribute = "" if use.entry.is_merge else use.entry.name or ""
                    by_attribute.setdefault(attribute, []).append(use)
        if not by_attribute:
            return None
        attribute = max(by_attribute, key=lambda key: len(by_attribute[key]))
        uses = [use for use in by_attribute[attribute] if self._is_exact(use, attribute, block)]
        if not uses or any(node.tag for node in walk(block)):
            return None
        used = {id(a.target) for of in self.anchors.aliases_of.values() for a in of}
        inner = [node for node in walk(block) if node is not block]
        is_inline = not block.flow and not any(
            isinstance(node, AliasNode) or id(node) in used for node in inner
        )
        return Base(name, attribute, tuple(uses), is_inline and bool(block.entries))

    def _use(self, owner: Element, alias: AliasNode) -> Use | None:
        """Return the use of *alias* as the value of an attribute, or of a merge key, of *owner*."""
        region = _region(self.file, owner)
        body = region.entry.value
        if not isinstance(body, MappingNode):
            return None
        start = self.source.next_line(region.key)
        children = regions(self.source, body, start=start, end=region.end) or []
        own = [child for child in children if child.entry.value is alias]
        return Use(owner, own[0], children[0]) if own else None

    def _extends(self, owner: Element) -> bool:
        """Return whether a service that has the text of *owner* extends something already."""
        names = self._services_with(owner)
        blocks = {block for block, users in self.mergers.items() if set(users) & set(names)}
        owners = {owner, *(("services", n) for n in names), *((b, "") for b in blocks)}
        written = any("extends" in merged_entries(self.file.services[n]) for n in names)
        return written or not owners.isdisjoint(self._extending)

    def _is_exact(self, use: Use, attribute: str, block: MappingNode) -> bool:
        """Return whether services are the same whether they extend *block* or refer to it."""
        names = self._services_with(use.owner)
        inherited = to_python(block, self.source)
        if attribute:
            inherited = {attribute: inherited}
        return all(self._is_exact_in(name, use, inherited) for name in names)

    def _is_exact_in(self, name: str, use: Use, inherited: Mapping[str, Any]) -> bool:
        """Return whether the service *name* can extend a service with the value *inherited*."""
        body = self.services[name].entry.value
        if not isinstance(body, MappingNode):
            return False
        entries = list(body.entries)
        if not use.owner[1]:
            block = self._value(use.owner)
            entries += block.entries if isinstance(block, MappingNode) else []
        own = {
            e.name or "": to_python(e.value, self.source)
            for e in reversed(entries)
            if e is not use.entry and not e.is_merge
        }
        in_both = own.keys() & inherited.keys()
        return (
            "extends" not in inherited
            and all(key in REPLACED or _has_all(key, own[key], inherited[key]) for key in in_both)
            and all(own[key] is not None or key in _MAY_BE_NULL for key in in_both)
            and all(value is not None for value in inherited.values())
            and not non_text_values(inherited, ())
        )


def _has_all(key: str, own: Any, inherited: Any) -> bool:
    """Return whether merging *own* over *inherited* gives *own*, in the attribute *key*.

    v2.24.1 merges a list of pairs over a mapping only in ``environment``.
    """
    below, above = canonical_value(inherited, (key,)), canonical_value(own, (key,))
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return False
    if (key,) in KEY_VALUE:
        same_form = isinstance(own, Mapping) == isinstance(inherited, Mapping)
        is_mergeable = key == "environment" or same_form
        return is_mergeable and below.keys() <= above.keys() and not non_text_values(own, (key,))
    is_superset = key == "networks" and below.keys() <= above.keys()
    return is_superset and all(not below[name] or same(below[name], above[name]) for name in below)


def extending(
    source: Source, bases: Iterable[Base], common: str, directory: str, unit: str
) -> list[Replacement]:
    """Return the changes that make services extend *bases* in the file *common*.

    *directory* is the one that paths in the changed file are relative to, *unit* one step of the
    file's indentation. ``extends`` is the first entry, as people write it.
    """
    path = posixpath.relpath(common, directory or ".")
    changes: list[Replacement] = []
    for base in bases:
        for use in base.uses:
            changes += _changes(source, use, path, base.section, unit)
    return changes


def _changes(source: Source, use: Use, path: str, service: str, unit: str) -> Iterator[Replacement]:
    """Yield the changes of one use."""
    region, entry = use.region, use.entry
    indent = " " * source.column(entry.start)
    lines = ("extends:", f"{indent}{unit}file: {path}", f"{indent}{unit}service: {service}")
    text = source.newline.join(lines)
    rest = source.text[entry.end : region.tail].strip()
    is_first = region.key == use.first.key
    if is_first or rest or region.lead != region.key or region.end != region.tail:
        yield Replacement(entry.start, entry.end, text)  # in place, for its comments
        return
    at = use.first.lead
    yield Replacement(at, at, f"{indent}{text}{source.newline}")
    yield Replacement(region.key, region.tail, "")


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
    for n, base in enumerate(bases):
        if n:
            out.separate()
        for piece in _service(file, base, unit, is_copy=(base.section, "") in copied):
            out.add(piece)
        out.end_line()
    return PlannedFile(path, tuple(out.pieces))


def _service(file: ComposeFile, base: Base, unit: str, *, is_copy: bool) -> Iterator[Piece]:
    """Yield the lines of the service that *base* becomes."""
    source = file.source
    region = (file.sections or {})[base.section].region
    block, anchor = region.entry.value, region.entry.value.anchor or ""
    if not base.is_inline:
        value = f"{base.attribute}: *{anchor}" if base.attribute else f"<<: *{anchor}"
        yield NewText(f"{unit}{base.section}:{source.newline}{unit}{unit}{value}{source.newline}")
        return
    line_end = source.next_line(region.key)
    head = source.text[region.entry.key.end : line_end].replace(f"&{anchor}", "", 1)
    remark = head.strip().removeprefix(":").strip()
    key = f"{unit}{base.section}:"
    if base.attribute:
        key += f"{source.newline}{unit}{unit}{base.attribute}:"
    own = block.entries[0].start if isinstance(block, MappingNode) else block.start
    levels = (2 if not base.attribute else 3) * len(unit)
    at = region.key if is_copy else region.lead
    while at < region.key:  # the comments above, which may be in the first column
        end = source.next_line(at)
        yield NewText(unit if source.text[at:end].strip() else "")
        yield Slice(source, at, end)
        at = end
    yield NewText(f"{key}{'  ' + remark if remark else ''}{source.newline}")
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
            count = len(base.uses)
            times = "1 place extends" if count == 1 else f"{count} places extend"
            yield f"{base.section} becomes the service {base.section} in {name}, which {times}"

    def since(self, result: IncludedFiles) -> str:
        """Return the oldest Docker Compose that reads the files."""
        owners = {use.owner for base in self.bases for use in base.uses}
        paths = {self.layout.destinations[owner] for owner in owners}
        if not paths.isdisjoint(result.reasons):
            return SINCE_EXTENDS_IN_ROOT
        is_later = any(base.needs_later_release(self.file) for base in self.bases)
        return SINCE_EXTENDS_PORTS if is_later else SINCE_EXTENDS


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
    budget = copy_budget([root])
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
    region = _region(file, element)
    return bisect_left(offsets, region.lead) < bisect_left(offsets, region.end)


def _region(file: ComposeFile, element: Element) -> Region:
    """Return the lines of *element* in *file*."""
    section = (file.sections or {})[element[0]]
    return (section.entries or {})[element[1]] if element[1] else section.region
