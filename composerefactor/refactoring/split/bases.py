"""Blocks that services can extend: which they are, and where the result is exactly the same.

A merge key copies what a service does not write itself; ``extends`` merges. The two give the same
result where all of this is true (Compose specification; observed on v2.24.1 to v5.6.1):

* What the service writes itself has none of the block's attributes, or only attributes that are
  replaced as a whole, that are merged key by key, or that name everything which the block has.
* The paths in the block can be rewritten, since those of an extended file are relative to its own
  directory.
* The block has no numbers in key/value attributes: a merge turns them into text.
* The service extends nothing else. A service that uses two blocks extends one that has both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import KEY_VALUE, REPLACED
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.short_forms import canonical_value, non_text_values
from composerefactor.refactoring.deduplicate.definitions import same
from composerefactor.refactoring.modules.anchors import AnchorIndex, Element
from composerefactor.yaml.comments import Region, regions
from composerefactor.yaml.nodes import (
    AliasNode,
    Entry,
    MappingNode,
    Node,
    SequenceNode,
    own_entries,
    walk,
)
from composerefactor.yaml.values import merged_entries, to_python

_SERVICE_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MAY_BE_NULL = {"command", "entrypoint"}
_FEWEST_LINES = 3
"""A shorter block does not become a base: ``extends`` itself takes three lines."""

_MERGED_BY_KEY = {"environment", "healthcheck"}
"""Mappings that may have keys of their own beside ``<<``: each of their keys is replaced."""

_PLAIN_FOR_EACH_OVERRIDE = 4
"""How many services extend a base as they are, for each that needs ``!override``."""


class Use(Struct, frozen=True):
    """The alias to a block in a service, or in an ``x-`` block of services.

    It may also be the block itself in the service that has it.

    Attributes:
        owner: the element whose text the alias is in.
        alias: the alias, or the block.
        region: the lines of the attribute, or of the merge key, that it is in.
        first: the lines of the first entry beside it.
        merge: the lines of the merge key in an attribute that has other keys, too; else None.
    """

    owner: Element
    alias: AliasNode | MappingNode
    region: Region
    first: Region
    merge: Region | None = None

    @property
    def entry(self) -> Entry:
        """The entry of the attribute, or of the merge key."""
        return self.region.entry


class Extension(Struct, frozen=True):
    """A service, or a block of services, that extends a base.

    Attributes:
        uses: the aliases that this replaces, all in the same element.
        overridden: the entries that need ``!override``, since merging would add to them.
    """

    uses: tuple[Use, ...]
    overridden: tuple[Entry, ...] = ()

    @property
    def owner(self) -> Element:
        """The service or block."""
        return self.uses[0].owner


class Base(Struct, frozen=True):
    """A service of the common file: a block, or a block in addition to another base.

    Attributes:
        section: the ``x-`` section that is the block, or the anchor of a block in a service.
        region: its lines.
        attribute: the attribute that it is the value of; ``""`` for the body of a service.
        extensions: the services, and blocks of services, that extend it.
        parent: the name of the base that it extends, ``""`` for none.
        name: the name of the service: that of the section or anchor, which people know.
        is_inline: True where its lines are written as those of the service; otherwise they stay
            as they are, and the service refers to them.
    """

    section: str
    region: Region
    attribute: str
    extensions: tuple[Extension, ...]
    parent: str
    name: str
    is_inline: bool = False

    @property
    def owners(self) -> set[Element]:
        """The services, and blocks of services, that extend the base."""
        return {each.owner for each in self.extensions}

    @property
    def aliases(self) -> set[int]:
        """The ids of the aliases that ``extends`` replaces."""
        return {id(use.alias) for each in self.extensions for use in each.uses}

    def without(self, owners: Collection[Element]) -> Base:
        """Return the base that *owners* do not extend."""
        kept = (each for each in self.extensions if each.owner not in owners)
        return replace(self, extensions=tuple(kept))


class BaseFinder:
    """Finds the blocks of *file* that services can extend; *fixed* are offsets of fixed paths.

    A service extends one base only: the first one that is taken, or one that is derived from it.

    Attributes:
        regions: the lines of each block: of an ``x-`` section, by its name, or of an attribute of a
            service to which others refer, by its anchor.
        homes: the service with each block that is an attribute.
        taken: the bases that are taken, by name.
        mergers: the services that merge each ``x-`` section at the level of their attributes.
    """

    def __init__(self, file: ComposeFile, anchors: AnchorIndex, fixed: Sequence[int]) -> None:
        self.file, self.anchors, self.fixed = file, anchors, fixed
        self.source = file.source
        self.services = file.regions_in("services")
        self._values: dict[int, Any] = {}
        self.regions = {name: each.region for name, each in (file.sections or {}).items()}
        self.homes: dict[str, Element] = {}
        for home, child in self._shared_attributes():
            name = child.entry.value.anchor or ""
            if name not in self.regions:
                self.regions[name], self.homes[name] = child, home
        self.taken: dict[str, Base] = {}
        self._extended: dict[Element, str] = {}
        self._merged = {name: [*self._merged_by(name)] for name in self.services}
        self.mergers: dict[str, list[str]] = {}
        for name, sections in self._merged.items():
            for section in sections:
                self.mergers.setdefault(section, []).append(name)

    def bases(self, section: str, owners: Collection[Element]) -> list[Base]:
        """Return the bases that *section* can be for *owners*: alone, or beside a base taken."""
        block = self.regions[section].entry.value
        if not isinstance(block, MappingNode) or not self._may_be_extended(section, block):
            return []
        home = self.homes.get(section)
        found: dict[tuple[str, str], list[Extension]] = {}
        for use in self._uses(section, block):
            parent = self._parent(use.owner) if use.owner in owners else None
            if parent is not None:
                attribute = "" if use.entry.is_merge else use.entry.name or ""
                uses = (*self._uses_of(use.owner, parent), use)
                extension = self._extension(uses, parent, attribute, block)
                if extension is not None:
                    found.setdefault((parent, attribute), []).append(extension)
        bases: dict[str, Base] = {}
        for (parent, attribute), every in found.items():
            name = f"{parent}-{section.removeprefix('x-')}" if parent else section
            if parent and name in self.regions:
                continue  # that block may become a service, too
            region = self.regions[section]
            base = Base(section, region, attribute, _mostly_plain(every), parent, name)
            count = len(base.extensions)
            fewest = len(bases[parent].extensions) if parent in bases else 1 if parent else 0
            if count > fewest:  # a block is the value of one attribute
                bases[parent] = base
        is_inline = len(bases) == 1 and self._is_plain(section, block)
        if home and not (is_inline and self._replaces_all(bases.values(), home, block)):
            return []
        return [replace(base, is_inline=is_inline) for base in bases.values()]

    def _replaces_all(self, bases: Iterable[Base], home: Element, block: MappingNode) -> bool:
        """Return whether nothing refers to *block* in the service *home* where *bases* are taken.

        Its text is in the common file alone, then.
        """
        every = {
            id(alias)
            for aliases in self.anchors.aliases_of.values()
            for alias in aliases
            if alias.target is block
        }
        replaced = {alias for base in bases for alias in base.aliases}
        return every <= replaced and any(home in base.owners for base in bases)

    def take(self, bases: Iterable[Base]) -> None:
        """Let services extend *bases*."""
        for base in bases:
            if base.parent:
                self.taken[base.parent] = self.taken[base.parent].without(base.owners)
            self.taken[base.name] = base
            self._extended |= dict.fromkeys(base.owners, base.name)

    def users(self, bases: Iterable[Base]) -> set[str]:
        """Return the services that extend *bases*, also by a block that they merge."""
        owners = {owner for base in bases for owner in base.owners}
        return {name for owner in owners for name in self._services_with(owner)}

    def uses(self, section: str) -> int:
        """Return how many aliases refer to the section as a whole."""
        block = self.regions[section].entry.value
        every = self.anchors.aliases_of.values()
        return sum(alias.target is block for aliases in every for alias in aliases)

    def lines(self, section: str) -> int:
        """Return how many lines the section has."""
        region = self.regions[section]
        return self.source.text.count("\n", region.key, region.end)

    # --- where a block is used -----------------------------------------------------------------

    def block_of(self, element: Element, node: Node) -> str:
        """Return the name of the block that *node* in *element* is, ``""`` for no block.

        Of a node in an ``x-`` section it is that section.
        """
        name = node.anchor or ""
        if element[0].startswith("x-"):
            return element[0]
        is_block = self.homes.get(name) == element and self.regions[name].entry.value is node
        return name if is_block else ""

    def _shared_attributes(self) -> Iterator[tuple[Element, Region]]:
        """Yield the attributes of services to which other services refer, each with its service."""
        shared = {(home, id(node)) for _, home, node in self.anchors.shared_nodes()}
        for home in dict.fromkeys(home for home, _ in shared):
            for child in self._children(self.services[home]) or ():
                if (home, id(child.entry.value)) in shared:
                    yield ("services", home), child

    def _merged_by(self, service: str) -> Iterator[str]:
        """Yield the sections that *service* merges."""
        body = self.services[service].entry.value
        for entry in own_entries(body):
            target = entry.value.target if isinstance(entry.value, AliasNode) else None
            section, name = self.anchors.element_of.get(id(target), ("services", ""))
            is_whole = section != "services" and target is self.regions[section].entry.value
            if entry.is_merge and not name and is_whole:
                yield section

    def _services_with(self, owner: Element) -> list[str]:
        """Return the services that have the text of *owner*: itself, or those that merge it."""
        return [owner[1]] if owner[1] else self.mergers[owner[0]]

    def _may_be_extended(self, section: str, block: MappingNode) -> bool:
        """Return whether a service may be called *section*, and have the text of *block*."""
        region = self.regions[section]
        return (
            block.anchor is not None
            and self.lines(section) >= _FEWEST_LINES
            and _SERVICE_NAME.fullmatch(section) is not None
            and not any(region.lead <= offset < region.end for offset in self.fixed)
            and not any(node.tag for node in walk(block))
        )

    def _is_plain(self, section: str, block: MappingNode) -> bool:
        """Return whether the text of *block*, the value of *section*, can be that of a service.

        It is as deep as one then, below the sections to which it refers, and nothing refers to it.
        """
        inner = {id(node) for node in walk(block) if node is not block}
        used = {
            id(alias.target)
            for element, aliases in self.anchors.aliases_of.items()
            for alias in aliases
            if element != (section, "")
        }
        return not block.flow and inner.isdisjoint(used) and bool(block.entries)

    def _uses(self, section: str, block: MappingNode) -> Iterator[Use]:
        """Yield the uses of *block*, the one of *section*, that ``extends`` can replace."""
        home = self.homes.get(section)
        for owner, aliases in self.anchors.aliases_of.items():
            if owner[0] not in {"services", *self.mergers}:
                continue
            uses = [self._use(owner, alias) for alias in aliases if alias.target is block]
            if owner == home:
                uses.append(self._use_at_home(owner, section, block))
            yield from (use for use in uses if use is not None)

    def _use(self, owner: Element, alias: AliasNode) -> Use | None:
        """Return the use of *alias* in *owner*, None where ``extends`` cannot replace it."""
        region = region_of(self.file, owner)
        children = self._children(region) or []
        for child in children:
            value = child.entry.value
            if value is alias:
                return Use(owner, alias, child, children[0])
            if not isinstance(value, MappingNode) or value.anchor or child.entry.is_merge:
                continue
            merge = next((e for e in value.entries if e.is_merge and e.value is alias), None)
            if merge is None:
                continue
            if len(value.entries) == 1:
                use = Use(owner, alias, child, children[0])
                return use if self._is_bare(child) else None
            lines = next((r for r in self._children(child) or () if r.entry is merge), None)
            if child.entry.name not in _MERGED_BY_KEY or lines is None:
                return None
            return Use(owner, alias, child, children[0], lines) if self._is_bare(lines) else None
        return None

    def _use_at_home(self, home: Element, section: str, block: MappingNode) -> Use | None:
        """Return the use of *block* in the service *home*, which has it as an attribute.

        None where a comment is beside its lines, which move to the common file.
        """
        region = self.regions[section]
        has_comment = self.source.text[region.entry.end : region.end].strip()
        if has_comment or region.lead != region.key:
            return None
        children = self._children(region_of(self.file, home)) or [region]
        return Use(home, block, region, children[0])

    def _children(self, region: Region) -> list[Region] | None:
        """Return the lines of each entry in the block mapping of *region*, None without one."""
        value = region.entry.value
        if not isinstance(value, MappingNode) or value.flow:
            return None
        start = self.source.next_line(region.key)
        return regions(self.source, value, start=start, end=region.end)

    def _is_bare(self, region: Region) -> bool:
        """Return whether *region* has no comment, so that it can be deleted."""
        return "#" not in self.source.text[region.lead : region.end]

    def _parent(self, owner: Element) -> str | None:
        """Return the base that *owner* extends, ``""`` for none; None if it may extend no other."""
        names = self._services_with(owner)
        if any("extends" in merged_entries(self.file.services[name]) for name in names):
            return None
        blocks = {(block, "") for name in names for block in self._merged[name]}
        related = {owner, *(("services", name) for name in names), *blocks}
        extended = related & self._extended.keys()
        if not extended:
            return ""
        base = self.taken[self._extended[owner]] if extended == {owner} else None
        return base.name if base and not base.parent and owner[1] else None

    def _uses_of(self, owner: Element, base: str) -> tuple[Use, ...]:
        """Return the uses that *owner* extends *base* for."""
        every = self.taken[base].extensions if base else ()
        return next((each.uses for each in every if each.owner == owner), ())

    # --- whether the result is the same --------------------------------------------------------

    def _extension(
        self, uses: tuple[Use, ...], parent: str, attribute: str, block: MappingNode
    ) -> Extension | None:
        """Return how services extend *parent* with *block* as well; None if they are not the same.

        *uses* are what this replaces.
        """
        deleted = (u for u in uses[1:] if not u.merge and isinstance(u.alias, AliasNode))
        if not all(self._is_bare(use.region) for use in deleted):
            return None
        inherited = self._inherited(parent)
        own = self._value(block)
        own = {attribute: own} if attribute else own
        if not inherited.keys().isdisjoint(own):
            return None
        inherited = inherited | own
        owner = uses[0].owner
        added = [self._added_to(name, uses, inherited) for name in self._services_with(owner)]
        if owner[1] and added[0]:
            entries = [self._entry_to_override(owner, key) for key in added[0]]
            overridden = tuple(entry for entry in entries if entry is not None)
            return Extension(uses, overridden) if len(overridden) == len(entries) else None
        return None if any(each is None or each for each in added) else Extension(uses)

    def _entry_to_override(self, owner: Element, key: str) -> Entry | None:
        """Return the entry *key* of the service *owner* if it can have the tag ``!override``."""
        body = region_of(self.file, owner).entry.value
        entry = body.entry(key) if isinstance(body, MappingNode) else None
        value = entry.value if entry else None
        is_plain = isinstance(value, MappingNode | SequenceNode)
        return entry if is_plain and value and not value.tag and not value.anchor else None

    def _inherited(self, base: str) -> dict[str, Any]:
        """Return what a service that extends *base*, one without a parent, inherits."""
        if not base:
            return {}
        taken = self.taken[base]
        value = self._value(taken.region.entry.value)
        return {taken.attribute: value} if taken.attribute else dict(value)

    def _added_to(
        self, name: str, uses: Sequence[Use], inherited: Mapping[str, Any]
    ) -> set[str] | None:
        """Return the attributes of the service *name* to which *inherited* would add something.

        None if it would not be the same for another reason. *uses* are what it inherits instead.
        """
        body = self.services[name].entry.value
        if not isinstance(body, MappingNode) or "extends" in inherited:
            return None
        entries = list(body.entries)
        block = uses[0].owner[0]
        if block != "services":
            entries += own_entries(self.regions[block].entry.value)
        before, own = self._written(entries, block, ()), self._written(entries, block, uses)
        in_both = own.keys() & inherited.keys()
        merged = {key: _merged(key, inherited[key], own[key]) for key in in_both}
        after = {**inherited, **own, **merged}
        if (
            any(value is None for value in inherited.values())
            or non_text_values(dict(inherited), ())
            or any(own[key] is None and key not in _MAY_BE_NULL for key in in_both)
            or before.keys() != after.keys()
        ):
            return None
        changed = (key for key in before if before[key] is not after[key])
        different = {key for key in changed if not _is_same(key, before[key], after[key])}
        return different if different <= in_both else None

    def _written(self, entries: Iterable[Entry], block: str, uses: Iterable[Use]) -> dict[str, Any]:
        """Return the values of *entries*, the first of each key, without what *uses* refer to.

        A merge key that refers to *block* has no effect, since its entries are in *entries*.
        """
        written: dict[str, Any] = {}
        merges: list[Entry] = []
        replaced = {id(use.entry): use for use in uses}
        for entry in entries:
            use = replaced.get(id(entry))
            if use is not None:
                if use.merge is not None and isinstance(entry.value, MappingNode):
                    kept = [e for e in entry.value.entries if e is not use.merge.entry]
                    values = {e.name or "": self._value(e.value) for e in kept}
                    written.setdefault(entry.name or "", values)
            elif entry.is_merge:
                merges.append(entry)
            else:
                written.setdefault(entry.name or "", self._value(entry.value))
        for entry in merges:
            target = entry.value.target if isinstance(entry.value, AliasNode) else None
            if self.anchors.element_of.get(id(target)) != (block, ""):
                value = entry.value
                for part in value.items if isinstance(value, SequenceNode) else [value]:
                    for key, merged in merged_entries(part).items():
                        written.setdefault(key, self._value(merged.value))
        return written

    def _value(self, node: Node) -> Any:
        """Return the value of *node*, always the same object."""
        if id(node) not in self._values:
            self._values[id(node)] = to_python(node, self.source)
        return self._values[id(node)]


def _mostly_plain(extensions: Sequence[Extension]) -> tuple[Extension, ...]:
    """Return *extensions*, without those that override something if these are not a few."""
    plain = tuple(each for each in extensions if not each.overridden)
    is_few = _PLAIN_FOR_EACH_OVERRIDE * (len(extensions) - len(plain)) <= len(plain)
    return tuple(extensions) if is_few else plain


def _is_same(key: str, one: Any, other: Any) -> bool:
    return same(canonical_value(one, (key,)), canonical_value(other, (key,)))


def _merged(key: str, below: Any, above: Any) -> Any:
    """Return *above* merged over *below* in the attribute *key*; None where that is not known.

    v2.24.1 merges a list of pairs over a mapping only in ``environment``.
    """
    if key in REPLACED:
        return above
    one, other = canonical_value(below, (key,)), canonical_value(above, (key,))
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return None
    if (key,) in KEY_VALUE:
        same_form = isinstance(below, Mapping) == isinstance(above, Mapping)
        is_mergeable = (key == "environment" or same_form) and not non_text_values(above, (key,))
        return {**one, **other} if is_mergeable else None
    if key in _MERGED_BY_KEY:
        return {**one, **other} if None not in other.values() else None
    is_superset = key == "networks" and one.keys() <= other.keys()
    is_known = is_superset and all(not one[name] or same(one[name], other[name]) for name in one)
    return above if is_known else None


def region_of(file: ComposeFile, element: Element) -> Region:
    """Return the lines of *element* in *file*."""
    section = (file.sections or {})[element[0]]
    return (section.entries or {})[element[1]] if element[1] else section.region
