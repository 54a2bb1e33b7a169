"""Anchors of one file: which element defines them, which uses them, and which lines a copy takes.

An anchor is known only in its own file (YAML 1.2). So each module needs a definition of every
anchor that its aliases refer to: the ``x-`` block with the anchor moves where one module needs it,
and is copied where several do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from copy import copy
from itertools import chain, count

from msgspec import Struct

from composerefactor.compose.files import ComposeFile, FileSection
from composerefactor.yaml.comments import Region, regions
from composerefactor.yaml.nodes import AliasNode, Entry, MappingNode, Node, SequenceNode, children

Element = tuple[str, str]
"""What moves as a whole: an entry (section, name), or a whole section (section, "")."""


class Block(Struct, frozen=True):
    """Lines ``start:end`` that define anchors.

    *wrapper* is a new top-level key to write them below, ``""`` where they have a key of their own.
    """

    start: int
    end: int
    wrapper: str = ""


class AnchorIndex:
    """Where the anchors of *file* are written and used.

    Attributes:
        file: the file.
        sections: its sections, by name.
        element_of: the element in which an anchored node is, by the id of the node.
        aliases_of: the aliases in each element.
        marked_of: the aliases and the anchored nodes in each element.
    """

    def __init__(self, file: ComposeFile) -> None:
        self.file = file
        self.sections = file.sections or {}
        self.element_of: dict[int, Element] = {}
        self.aliases_of: dict[Element, list[AliasNode]] = {}
        self.marked_of: dict[Element, list[Node]] = {}
        for element, entry in self._elements():
            marked = file.tree.marked_in(entry.start, entry.end)
            self.marked_of.setdefault(element, []).extend(marked)
            aliases = [node for node in marked if isinstance(node, AliasNode)]
            self.aliases_of.setdefault(element, []).extend(aliases)
            self.element_of |= {id(node): element for node in marked if node.anchor is not None}

    def without(self, aliases: AbstractSet[int]) -> AnchorIndex:
        """Return the index of the file as if *aliases*, given by their ids, were not written."""
        index = copy(self)
        index.aliases_of = {
            element: [alias for alias in of if id(alias) not in aliases]
            for element, of in self.aliases_of.items()
        }
        index.marked_of = {
            element: [node for node in of if id(node) not in aliases]
            for element, of in self.marked_of.items()
        }
        return index

    def _elements(self) -> Iterator[tuple[Element, Entry]]:
        """Yield the elements of the file, each with its entry."""
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
        """Yield (user, owner, anchored node) for each alias to an anchor in another service."""
        for (section, user), aliases in self.aliases_of.items():
            if section != "services":
                continue
            for alias in aliases:
                target = alias.target
                owner = self.element_of.get(id(target))
                if target and owner and owner[0] == "services" and owner[1] != user:
                    yield user, owner[1], target

    def merged_blocks(self, name: str) -> Iterator[str]:
        """Yield the blocks that the service *name* merges, or that it carries for others.

        Those of its environment count too: services with the same one run the same program.
        """
        body = self.file.regions_in("services")[name].entry.value
        if not isinstance(body, MappingNode):
            return
        if body.anchor and any(owner == name for _, owner in self.shared_services()):
            yield name
        values = list(_merged_values(body))
        environment = body.get("environment")
        if isinstance(environment, AliasNode):
            values.append(environment)
        elif isinstance(environment, MappingNode):
            values += _merged_values(environment)
        for value in values:
            target = value.target if isinstance(value, AliasNode) else None
            element = self.element_of.get(id(target))
            if element and element[0].startswith("x-"):
                yield element[0]
            elif element and target is self.file.services.get(element[1]):
                yield element[1]

    def needs(self, elements: Iterable[Element]) -> dict[Element, list[Node]]:
        """Return the anchored nodes that *elements* need from other elements, by these."""
        own = set(elements)
        aliases = [alias for element in own for alias in self.aliases_of.get(element, [])]
        return self._needed(aliases, lambda node: self.element_of.get(id(node)) in own)

    def needs_of(self, nodes: Iterable[Node]) -> dict[Element, list[Node]]:
        """Return the anchored nodes, by element, that the text of *nodes* needs from elsewhere."""
        marked_in = self.file.tree.marked_in
        inside = [marked for node in nodes for marked in marked_in(node.outer_start, node.end)]
        own = {id(node) for node in inside if node.anchor is not None}
        aliases = [node for node in inside if isinstance(node, AliasNode)]
        return self._needed(aliases, lambda node: id(node) in own)

    def _needed(
        self, aliases: list[AliasNode], is_own: Callable[[Node], bool]
    ) -> dict[Element, list[Node]]:
        """Return the nodes that *aliases* refer to, and those that these need, by element.

        Copies stand above the services of a file, so they need copies of what they find there.
        """
        needed: dict[Element, list[Node]] = {}
        seen: set[int] = set()
        queue = [(alias, False) for alias in aliases]
        while queue:
            alias, is_copied = queue.pop()
            target = alias.target
            element = self.element_of.get(id(target))
            if target is None or element is None or id(target) in seen:
                continue
            if is_own(target) and not (is_copied and element[0] == "services"):
                continue
            seen.add(id(target))
            needed.setdefault(element, []).append(target)
            entry = self._smallest_entry(element, target)
            inside = self.file.tree.marked_in(entry.value.outer_start, entry.value.end)
            queue += ((node, True) for node in inside if isinstance(node, AliasNode))
        return needed

    def _smallest_entry(self, element: Element, target: Node) -> Entry:
        """Return the innermost entry on lines of its own that contains *target*."""
        return self._smallest_region(self._region(element), target).entry

    def _region(self, element: Element) -> Region:
        section = self.sections[element[0]]
        if element[1] and section.entries is not None:
            return section.entries[element[1]]
        return section.region

    def _smallest_region(self, region: Region, target: Node) -> Region:
        """Return the innermost region, at or below *region*, that contains *target*."""
        while region.entry.value is not target:
            value = region.entry.value
            children = self._children(region) if isinstance(value, MappingNode) else None
            inner = next((c for c in children or [] if _contains(c.entry.value, target)), None)
            if inner is None:
                break
            region = inner
        return region

    def _children(self, region: Region) -> list[Region] | None:
        """Return the regions of the keys below *region*, None where it is no block mapping."""
        value = region.entry.value
        if not isinstance(value, MappingNode):
            return None
        start = self.file.source.next_line(region.key)
        return regions(self.file.source, value, start=start, end=region.end)

    def blocks_of(self, needs: Mapping[Element, list[Node]], used_keys: set[str]) -> list[Block]:
        """Return the lines that define the nodes that *needs* lists, in the order of the text."""
        found = [
            block
            for element, targets in needs.items()
            for block in self.blocks(element, targets, used_keys)
        ]
        return sorted(found, key=lambda block: (block.start, -block.end))

    def blocks(self, element: Element, targets: list[Node], used_keys: set[str]) -> list[Block]:
        """Return the lines that define *targets* of *element*, for a copy in another file.

        An ``x-`` block keeps its key, and only those of its entries that are needed. Everything
        else is written below a new ``x-`` key, with its own indentation. *used_keys* are the
        top-level keys of the other file; the keys of the blocks are added to it.
        """
        if element[0].startswith("x-"):
            used_keys.add(element[0])
            return self._pruned(self.sections[element[0]].region, targets)
        blocks = []
        places: dict[int, tuple[Region, Node]] = {}
        for target in targets:
            region = self._smallest_region(self._region(element), target)
            places.setdefault(region.lead, (region, target))
        end = -1
        for lead in sorted(places):
            region, target = places[lead]
            if region.end <= end:  # inside a block that is copied already
                continue
            end = region.end
            wrapper = _wrapper(target.anchor or "", used_keys)
            blocks.append(Block(self._own_comment(region), region.end, wrapper))
        return blocks

    def _pruned(self, region: Region, targets: list[Node]) -> list[Block]:
        """Return the lines of an ``x-`` block that define *targets*: its key, then entries."""
        is_target = any(region.entry.value is t for t in targets)
        children = None if is_target else self._children(region)
        needed = [c for c in children or [] if any(_contains(c.entry.value, t) for t in targets)]
        lead = self._own_comment(region)
        if not needed:
            return [Block(lead, region.end)]
        blocks = [Block(lead, self.file.source.next_line(region.key))]
        for child in needed:
            inner = [t for t in targets if _contains(child.entry.value, t)]
            blocks += self._pruned(child, inner)
        return blocks

    def _own_comment(self, region: Region) -> int:
        """Return where the comment directly above the key begins; titles above are not copied."""
        source, lead = self.file.source, region.key
        while lead > region.lead and source.line(lead - 1).strip():
            lead = source.line_start(lead - 1)
        return lead

    def carries_only_anchors(self, section: FileSection) -> bool:
        """Return whether an ``x-`` section is there only for its anchors.

        That is where an alias refers to one of them, and the whole value is in anchored nodes.
        """
        value = section.region.entry.value
        used = {id(a.target) for aliases in self.aliases_of.values() for a in aliases}
        inside = self.file.tree.marked_in(value.outer_start, value.end)
        is_used = any(n.anchor is not None and id(n) in used for n in inside)
        return is_used and _is_covered(value)


def _is_covered(node: Node) -> bool:
    """Return whether all of *node* is in anchored nodes."""
    if node.anchor is not None:
        return True
    if isinstance(node, MappingNode):
        return bool(node.entries) and all(_is_covered(e.value) for e in node.entries)
    parts = list(children(node))
    return bool(parts) and all(_is_covered(p) for p in parts)


def _contains(root: Node, target: Node) -> bool:
    return root.outer_start <= target.outer_start and target.end <= root.end


def _merged_values(mapping: MappingNode) -> Iterator[Node]:
    """Yield what the merge keys of *mapping* merge."""
    for entry in mapping.entries:
        if entry.is_merge:
            value = entry.value
            yield from value.items if isinstance(value, SequenceNode) else [value]


def _wrapper(anchor: str, used_keys: set[str]) -> str:
    """Return a free ``x-`` key for *anchor*, and add it to *used_keys*."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", anchor) or "anchor"
    name = numbered(f"x-{plain}", used_keys)
    used_keys.add(name)
    return name


def numbered(name: str, used: Collection[str]) -> str:
    """Return *name*, with the first number behind it that makes it free if it is in *used*."""
    candidates = chain([name], (f"{name}-{n}" for n in count(2)))
    return next(each for each in candidates if each not in used)
