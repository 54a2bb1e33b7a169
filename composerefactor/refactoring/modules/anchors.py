"""Anchors of one file: who defines them, who uses them, and which lines a copy takes.

Anchors are known only in their own file (YAML), so each module needs what its aliases stand for:
the ``x-`` block that defines it, moved where one module needs it and copied where several do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from copy import copy

from msgspec import Struct

from composerefactor.compose.files import ComposeFile, Section
from composerefactor.yaml.comments import Region, regions
from composerefactor.yaml.nodes import AliasNode, Entry, MappingNode, Node, children

Element = tuple[str, str]
"""A part of a file that moves as a whole: (section, entry), or (section, "") for all of it."""


class Block(Struct, frozen=True):
    """Lines ``start:end`` that define anchors; *wrapper* names a key to put them below, if any."""

    start: int
    end: int
    wrapper: str = ""


class AnchorIndex:
    """Where the anchors of *file* are written and used.

    *marked_of* has the aliases and the anchored nodes of each part, *aliases_of* the aliases alone.
    """

    def __init__(self, file: ComposeFile) -> None:
        self.file = file
        self.sections = file.sections or {}
        self.holder_of: dict[int, Element] = {}
        self.aliases_of: dict[Element, list[AliasNode]] = {}
        self.marked_of: dict[Element, list[Node]] = {}
        for element, entry in self._holders():
            marked = file.tree.marked_in(entry.start, entry.end)
            self.marked_of.setdefault(element, []).extend(marked)
            aliases = [node for node in marked if isinstance(node, AliasNode)]
            self.aliases_of.setdefault(element, []).extend(aliases)
            self.holder_of |= {id(node): element for node in marked if node.anchor is not None}

    def without(self, aliases: AbstractSet[int]) -> AnchorIndex:
        """Return the index of the file as if *aliases*, given by their ids, were not written."""
        found = copy(self)
        found.aliases_of = {
            element: [alias for alias in of if id(alias) not in aliases]
            for element, of in self.aliases_of.items()
        }
        found.marked_of = {
            element: [node for node in of if id(node) not in aliases]
            for element, of in self.marked_of.items()
        }
        return found

    def _holders(self) -> Iterator[tuple[Element, Entry]]:
        for name, section in self.sections.items():
            if name.startswith("x-") or section.entries is None:
                yield (name, ""), section.region.entry
            else:
                for key, region in section.entries.items():
                    yield (name, key), region.entry

    def shared_services(self) -> Iterator[tuple[str, str]]:
        """Yield (user, owner) for each alias in one service to an anchor written in another."""
        return ((user, owner) for user, owner, _ in self.shared_nodes())

    def shared_nodes(self) -> Iterator[tuple[str, str, Node]]:
        """Yield (user, owner, anchored node) for each such alias."""
        for (section, user), aliases in self.aliases_of.items():
            if section != "services":
                continue
            for alias in aliases:
                target = alias.target
                owner = self.holder_of.get(id(target))
                if target and owner and owner[0] == "services" and owner[1] != user:
                    yield user, owner[1], target

    def needs(self, own: Iterable[Element]) -> dict[Element, list[Node]]:
        """Return the anchored nodes, by holder, that *own* needs and does not hold itself."""
        held = set(own)
        aliases = [alias for element in held for alias in self.aliases_of.get(element, [])]
        return self._needed(aliases, lambda node: self.holder_of.get(id(node)) in held)

    def needs_of(self, roots: Iterable[Node]) -> dict[Element, list[Node]]:
        """Return the anchored nodes, by holder, that the texts of *roots* need from elsewhere."""
        marked_in = self.file.tree.marked_in
        inside = [node for root in roots for node in marked_in(root.outer_start, root.end)]
        held = {id(node) for node in inside if node.anchor is not None}
        aliases = [node for node in inside if isinstance(node, AliasNode)]
        return self._needed(aliases, lambda node: id(node) in held)

    def _needed(
        self, aliases: list[AliasNode], is_held: Callable[[Node], bool]
    ) -> dict[Element, list[Node]]:
        found: dict[Element, list[Node]] = {}
        known: set[int] = set()
        queue = list(aliases)
        while queue:
            target = queue.pop().target
            element = self.holder_of.get(id(target))
            if target is None or element is None or id(target) in known or is_held(target):
                continue
            known.add(id(target))
            found.setdefault(element, []).append(target)
            entry = self._smallest_entry(element, target)
            inside = self.file.tree.marked_in(entry.value.outer_start, entry.value.end)
            queue.extend(node for node in inside if isinstance(node, AliasNode))
        return found

    def _smallest_entry(self, element: Element, target: Node) -> Entry:
        """Return the innermost block entry on lines of its own that has *target* in it."""
        entry, _ = self._descend(self._region(element), target)
        return entry

    def _region(self, element: Element) -> Region:
        section = self.sections[element[0]]
        if element[1] and section.entries is not None:
            return section.entries[element[1]]
        return section.region

    def _descend(self, region: Region, target: Node) -> tuple[Entry, Region]:
        while region.entry.value is not target:
            value = region.entry.value
            parts = self._parts(region) if isinstance(value, MappingNode) else None
            inner = next((p for p in parts or [] if _holds(p.entry.value, target)), None)
            if inner is None:
                break
            region = inner
        return region.entry, region

    def _parts(self, region: Region) -> list[Region] | None:
        value = region.entry.value
        if not isinstance(value, MappingNode):
            return None
        start = self.file.source.next_line(region.key)
        return regions(self.file.source, value, start=start, end=region.end)

    def blocks(self, element: Element, targets: list[Node], taken: set[str]) -> list[Block]:
        """Return the lines that define *targets* of *element*, for a copy in another file.

        An ``x-`` block keeps its own key and only those of its entries that are needed. Anything
        else stands below a new ``x-`` key, at its own indentation; *taken* has the top-level keys
        that are used already, and gets the new ones.
        """
        if element[0].startswith("x-"):
            taken.add(element[0])
            return self._pruned(self.sections[element[0]].region, targets)
        found = []
        places: dict[int, tuple[Region, Node]] = {}
        for target in targets:
            _, region = self._descend(self._region(element), target)
            places.setdefault(region.lead, (region, target))
        end = -1
        for lead in sorted(places):
            region, target = places[lead]
            if region.end <= end:  # stands inside a block that is copied already
                continue
            end = region.end
            wrapper = _wrapper(target.anchor or "", taken)
            found.append(Block(self._own_comment(region), region.end, wrapper))
        return found

    def _pruned(self, region: Region, targets: list[Node]) -> list[Block]:
        """Return the parts of an ``x-`` block that define *targets*, its own key first."""
        parts = None if any(region.entry.value is t for t in targets) else self._parts(region)
        kept = [p for p in parts or [] if any(_holds(p.entry.value, t) for t in targets)]
        lead = self._own_comment(region)
        if not kept:
            return [Block(lead, region.end)]
        found = [Block(lead, self.file.source.next_line(region.key))]
        for part in kept:
            found += self._pruned(part, [t for t in targets if _holds(part.entry.value, t)])
        return found

    def _own_comment(self, region: Region) -> int:
        """Return where the comment right above the key begins; titles further up are not copied."""
        source, lead = self.file.source, region.key
        while lead > region.lead and source.line(lead - 1).strip():
            lead = source.line_start(lead - 1)
        return lead

    def carries_only_anchors(self, section: Section) -> bool:
        """Return whether an ``x-`` section is there for its anchors alone.

        Then some alias uses one, and no part of it is outside of an anchored node.
        """
        value = section.region.entry.value
        used = {id(a.target) for aliases in self.aliases_of.values() for a in aliases}
        inside = self.file.tree.marked_in(value.outer_start, value.end)
        is_used = any(n.anchor is not None and id(n) in used for n in inside)
        return is_used and _is_covered(value)


def _is_covered(node: Node) -> bool:
    if node.anchor is not None:
        return True
    if isinstance(node, MappingNode):
        return bool(node.entries) and all(_is_covered(e.value) for e in node.entries)
    parts = list(children(node))
    return bool(parts) and all(_is_covered(p) for p in parts)


def _holds(root: Node, target: Node) -> bool:
    return root.outer_start <= target.outer_start and target.end <= root.end


def _wrapper(anchor: str, taken: set[str]) -> str:
    base = "x-" + (re.sub(r"[^A-Za-z0-9._-]+", "-", anchor) or "anchor")
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return name
