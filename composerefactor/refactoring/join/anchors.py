"""Anchors of several files in one file.

:func:`with_unique_anchors` renames anchors of one name that mean different things.
:class:`JoinedAnchors` decides which ``x-`` blocks the joined file needs: copies of one block become
one again. :func:`order_after_anchors` orders services, since an anchor comes before its aliases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from composerefactor.edit.text_edits import TextEdit
from composerefactor.refactoring.join.contents import ExtensionBlock
from composerefactor.refactoring.join.rewritten_paths import Text
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.yaml.comments import Region, comments_in
from composerefactor.yaml.nodes import AliasNode, Node, walk
from composerefactor.yaml.values import to_python

Meaning = tuple[str, tuple[str, ...]]
"""What an anchored node means: its value, and the new texts of edits in it."""


def with_unique_anchors(texts: Sequence[Text]) -> list[Text]:
    """Return *texts* with a new name for each anchor that means something else in another text.

    The first text keeps its names.
    """
    meanings_of: dict[str, list[Meaning]] = {}
    used = {node.anchor for text in texts for node in walk(text.file.root) if node.anchor}
    result: list[Text] = []
    for text in texts:
        new_names: dict[int, str] = {}
        for node in walk(text.file.root):
            if node.anchor is None:
                continue
            meanings = meanings_of.setdefault(node.anchor, [])
            meaning = _meaning(text, node)
            if meaning not in meanings:
                meanings.append(meaning)
            number = meanings.index(meaning) + 1
            if number > 1 and result:
                name = f"{node.anchor}-{number}"
                while name in used:
                    name += "-"
                new_names[id(node)] = name
        result.append(text.with_edits(_anchor_edits(text, new_names)) if new_names else text)
    return result


def _meaning(text: Text, node: Node) -> Meaning:
    value = repr(to_python(node, text.source))
    return value, text.edits_in(node.outer_start, node.end)


def _anchor_edits(text: Text, new_names: dict[int, str]) -> Iterator[TextEdit]:
    """Yield the edits that rename anchors and their aliases; *new_names* is by id of the node."""
    for node in walk(text.file.root):
        if id(node) in new_names:
            mark = f"&{node.anchor}"
            at = text.source.text.index(mark, node.outer_start)
            yield TextEdit(at, at + len(mark), f"&{new_names[id(node)]}")
        elif isinstance(node, AliasNode) and id(node.target) in new_names:
            yield TextEdit(node.start, node.end, f"*{new_names[id(node.target)]}")


class JoinedAnchors(Struct):
    """Which ``x-`` blocks are needed where several texts become one.

    Attributes:
        texts: the texts; the first one is the file that takes in the others.
        blocks: the ``x-`` blocks of the other texts.
        kept: the blocks that the joined file gets.
        dropped: the blocks whose anchors are elsewhere too.
        after: for each service, the services that have to come before it, since it uses their
            anchors.
        lost_comments: the comments in dropped blocks that are nowhere else.
    """

    texts: Sequence[Text]
    blocks: Sequence[ExtensionBlock]
    kept: list[ExtensionBlock] = []
    dropped: list[ExtensionBlock] = []
    after: dict[str, set[str]] = {}
    lost_comments: list[str] = []

    def __post_init__(self) -> None:
        """Decide on every block; those with most anchors and comments come first."""
        service_of = dict(self._anchors_in_services())
        known = {name for block in self._own_blocks() for name in _anchors(block)}
        order = sorted(self.blocks, key=lambda block: (-len(_anchors(block)), -len(block.comments)))
        for block in [*order, *self._own_copies(service_of)]:
            anchors = _anchors(block)
            in_services = anchors & service_of.keys()
            is_known = bool(anchors) and anchors <= known | in_services
            if is_known and not self._used_by_block(in_services):
                self.dropped.append(block)
                self._order(block.text, {name: service_of[name] for name in in_services})
            elif block.text is not self.texts[0]:
                self.kept.append(block)
                known |= anchors
        for text in self.texts:
            self._order(text, service_of)
        self.kept = _order_blocks([b for b in self.blocks if b in self.kept])
        self.lost_comments = list(self._find_lost_comments())

    def _own_blocks(self) -> Iterator[ExtensionBlock]:
        """Yield the blocks of the first text above its include list."""
        root = self.texts[0]
        for name, section in (root.file.sections or {}).items():
            if name == "include":
                return  # blocks below it come after the aliases in the text that is taken in here
            if name.startswith("x-"):
                yield ExtensionBlock(root, section.region, section.region.lead)

    def _anchors_in_services(self) -> Iterator[tuple[str, str]]:
        """Yield each anchor that is written in a service, with the name of the service."""
        for text in self.texts:
            for name, body in _services(text):
                for node in walk(body):
                    if node.anchor is not None:
                        yield _anchor_name(text, node), name

    def _own_copies(self, service_of: dict[str, str]) -> Iterator[ExtensionBlock]:
        """Yield the blocks of the first text that only carry anchors which services have too."""
        index = AnchorIndex(self.texts[0].file)
        for block in self._own_blocks():
            section = index.sections[block.name]
            names = _anchors(block)
            if names and names <= service_of.keys() and index.carries_only_anchors(section):
                yield block

    def _used_by_block(self, names: set[str]) -> bool:
        return any(_aliases(block) & names for block in self.blocks)

    def _order(self, text: Text, service_of: dict[str, str]) -> None:
        """Record which services of *text* use anchors of other services, given by anchor."""
        for name, body in _services(text):
            used = {_alias_name(text, n) for n in walk(body) if isinstance(n, AliasNode)}
            for anchor in used & service_of.keys():
                if service_of[anchor] != name:
                    self.after.setdefault(name, set()).add(service_of[anchor])

    def _find_lost_comments(self) -> Iterator[str]:
        dropped = {id(block.region) for block in self.dropped}
        known = {comment for block in self.kept for comment in block.comments}
        for text in self.texts:
            for section in (text.file.sections or {}).values():
                region = section.region
                if id(region) not in dropped:
                    known.update(comments_in(text.source, region.entry, region.lead, region.end))
        for block in self.dropped:
            yield from (c for c in block.comments if c not in known)
            known.update(block.comments)


def _services(text: Text) -> Iterator[tuple[str, Node]]:
    """Yield the services of *text*, each with its value."""
    for name, region in text.file.regions_in("services").items():
        yield name, region.entry.value


def _anchor_name(text: Text, node: Node) -> str:
    """Return the name of the anchor of *node* after the edits of *text*."""
    at = text.source.text.index(f"&{node.anchor}", node.outer_start)
    written = text.edits_in(at, at + len(node.anchor or "") + 1)
    return written[0][1:] if written else node.anchor or ""


def _alias_name(text: Text, alias: AliasNode) -> str:
    """Return the name of *alias* after the edits of *text*."""
    written = text.edits_in(alias.start, alias.end)
    return written[0][1:] if written else alias.name


def _nodes(region: Region) -> Iterator[Node]:
    for root in (region.entry.key, region.entry.value):
        yield from walk(root)


def _anchors(block: ExtensionBlock) -> set[str]:
    return {
        _anchor_name(block.text, node) for node in _nodes(block.region) if node.anchor is not None
    }


def _aliases(block: ExtensionBlock) -> set[str]:
    aliases = (node for node in _nodes(block.region) if isinstance(node, AliasNode))
    return {_alias_name(block.text, alias) for alias in aliases}


def _order_blocks(blocks: Iterable[ExtensionBlock]) -> list[ExtensionBlock]:
    """Return *blocks* with each behind those whose anchors it uses; cycles keep their order."""
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


def order_after_anchors(names: Sequence[str], after: dict[str, set[str]]) -> list[str]:
    """Return *names* with each behind those in *after* for it; cycles keep their order."""
    placed: list[str] = []

    def place(name: str, trail: tuple[str, ...]) -> None:
        if name in placed or name in trail:
            return
        for earlier in names:
            if earlier in after.get(name, ()):
                place(earlier, (*trail, name))
        placed.append(name)

    for name in names:
        place(name, ())
    return placed
