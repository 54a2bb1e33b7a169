"""Anchors of several files in one: copies become one again, others get a name of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from composerefactor.edit.splices import TextEdit
from composerefactor.refactoring.join.contents import Block
from composerefactor.refactoring.join.relocate import Text
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.yaml.comments import Region, comments
from composerefactor.yaml.nodes import AliasNode, Node, walk
from composerefactor.yaml.values import to_python

Meaning = tuple[str, tuple[str, ...]]
"""What an anchored node stands for: its value, and what is rewritten in it."""


def renamed(texts: Sequence[Text]) -> list[Text]:
    """Return *texts* with a name of its own for each anchor that means something else in another.

    The first text keeps its names.
    """
    names: dict[str, list[Meaning]] = {}
    taken = {node.anchor for text in texts for node in walk(text.file.root) if node.anchor}
    found: list[Text] = []
    for text in texts:
        new: dict[int, str] = {}
        for node in walk(text.file.root):
            if node.anchor is None:
                continue
            meanings = names.setdefault(node.anchor, [])
            meaning = _meaning(text, node)
            if meaning not in meanings:
                meanings.append(meaning)
            number = meanings.index(meaning) + 1
            if number > 1 and found:
                name = f"{node.anchor}-{number}"
                while name in taken:
                    name += "-"
                new[id(node)] = name
        found.append(text.with_splices(_names(text, new)) if new else text)
    return found


def _meaning(text: Text, node: Node) -> Meaning:
    value = repr(to_python(node, text.source))
    return value, text.splices_in(node.outer_start, node.end)


def _names(text: Text, new: dict[int, str]) -> Iterator[TextEdit]:
    for node in walk(text.file.root):
        if id(node) in new:
            mark = f"&{node.anchor}"
            at = text.source.text.index(mark, node.outer_start)
            yield TextEdit(at, at + len(mark), f"&{new[id(node)]}")
        elif isinstance(node, AliasNode) and id(node.target) in new:
            yield TextEdit(node.start, node.end, f"*{new[id(node.target)]}")


class Anchors(Struct):
    """Which ``x-`` blocks of *texts* are needed, when all of them become one text.

    The first text is the file that takes the others in. *kept* are blocks that go there, *dropped*
    those whose anchors stand elsewhere too; *after* says which services have to stand behind
    another one, whose anchors they use. *strays* are comments on what is dropped.
    """

    texts: Sequence[Text]
    blocks: Sequence[Block]
    kept: list[Block] = []
    dropped: list[Block] = []
    after: dict[str, set[str]] = {}
    strays: list[str] = []

    def __post_init__(self) -> None:
        """Decide on every block, those with most anchors and comments first."""
        owners = dict(self._owners())
        known = {name for block in self._own_blocks() for name in _anchors(block)}
        order = sorted(self.blocks, key=lambda block: (-len(_anchors(block)), -len(block.comments)))
        for block in [*order, *self._copies_of_root(owners)]:
            wanted = _anchors(block)
            by_service = wanted & owners.keys()
            if wanted and wanted <= known | by_service and not self._used_by_block(by_service):
                self.dropped.append(block)
                self._order(block.text, {name: owners[name] for name in by_service})
            elif block.text is not self.texts[0]:
                self.kept.append(block)
                known |= wanted
        for text in self.texts:
            self._order(text, owners)
        self.kept = _in_order([b for b in self.blocks if b in self.kept])
        self.strays = list(self._lost_comments())

    def _own_blocks(self) -> Iterator[Block]:
        root = self.texts[0]
        for name, section in (root.file.sections or {}).items():
            if name == "include":
                return  # what stands below comes too late for the text that is put here
            if name.startswith("x-"):
                yield Block(root, section.region, section.region.lead)

    def _owners(self) -> Iterator[tuple[str, str]]:
        """Yield each anchor that stands in a service, with that service."""
        for text in self.texts:
            for name, body in _services(text):
                for node in walk(body):
                    if node.anchor is not None:
                        yield _name(text, node), name

    def _copies_of_root(self, owners: dict[str, str]) -> Iterator[Block]:
        """Yield the blocks of the root that only carry anchors which a service has."""
        index = AnchorIndex(self.texts[0].file)
        for block in self._own_blocks():
            section = index.sections[block.name]
            names = _anchors(block)
            if names and names <= owners.keys() and index.carries_only_anchors(section):
                yield block

    def _used_by_block(self, names: set[str]) -> bool:
        return any(_aliases(block) & names for block in self.blocks)

    def _order(self, text: Text, owners: dict[str, str]) -> None:
        """Note that the services of *text* which use anchors stand behind the *owners* of these."""
        for name, body in _services(text):
            used = {_alias_name(text, n) for n in walk(body) if isinstance(n, AliasNode)}
            for anchor in used & owners.keys():
                if owners[anchor] != name:
                    self.after.setdefault(name, set()).add(owners[anchor])

    def _lost_comments(self) -> Iterator[str]:
        """Yield the comments in dropped blocks that stand nowhere else."""
        gone = {id(block.region) for block in self.dropped}
        known = {comment for block in self.kept for comment in block.comments}
        for text in self.texts:
            for section in (text.file.sections or {}).values():
                region = section.region
                if id(region) not in gone:
                    known.update(comments(text.source, region.entry, region.lead, region.end))
        for block in self.dropped:
            yield from (c for c in block.comments if c not in known)
            known.update(block.comments)


def _services(text: Text) -> Iterator[tuple[str, Node]]:
    for name, region in text.file.regions_in("services").items():
        yield name, region.entry.value


def _name(text: Text, node: Node) -> str:
    """Return the name of the anchor of *node* as the splices of *text* have it."""
    at = text.source.text.index(f"&{node.anchor}", node.outer_start)
    written = text.splices_in(at, at + len(node.anchor or "") + 1)
    return written[0][1:] if written else node.anchor or ""


def _alias_name(text: Text, alias: AliasNode) -> str:
    written = text.splices_in(alias.start, alias.end)
    return written[0][1:] if written else alias.name


def _nodes(region: Region) -> Iterator[Node]:
    for root in (region.entry.key, region.entry.value):
        yield from walk(root)


def _anchors(block: Block) -> set[str]:
    return {_name(block.text, node) for node in _nodes(block.region) if node.anchor is not None}


def _aliases(block: Block) -> set[str]:
    found = (node for node in _nodes(block.region) if isinstance(node, AliasNode))
    return {_alias_name(block.text, node) for node in found}


def _in_order(blocks: Iterable[Block]) -> list[Block]:
    """Return *blocks* with each behind those whose anchors it uses."""
    left, placed = list(blocks), []
    while left:
        free = [
            block
            for block in left
            if not any(_aliases(block) & _anchors(other) for other in left if other is not block)
        ]
        chosen = free[0] if free else left[0]
        placed.append(chosen)
        left.remove(chosen)
    return placed


def ordered(names: Sequence[str], after: dict[str, set[str]]) -> list[str]:
    """Return *names* with each behind those that *after* names for it; cycles stay as they are."""
    placed: list[str] = []

    def place(name: str, trail: tuple[str, ...]) -> None:
        if name in placed or name in trail:
            return
        for owner in names:
            if owner in after.get(name, ()):
                place(owner, (*trail, name))
        placed.append(name)

    for name in names:
        place(name, ())
    return placed
