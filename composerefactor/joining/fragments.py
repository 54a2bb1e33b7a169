"""Parts of a definition that can be merged: lines of a text, divided as deep as a merge goes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.volumes import parse_volume
from composerefactor.edits.drafts import Piece, Written
from composerefactor.edits.pieces import shifted
from composerefactor.factoring.kinds import APPENDED, KEY_VALUE, MAPPINGS, NAMED, Path, meaning
from composerefactor.joining.texts import Text
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.nodes import Mapping, Node, Sequence, resolve, walk
from composerefactor.yamltree.regions import Region, item_regions, regions
from composerefactor.yamltree.values import to_python

RESOURCE = "<resource>"
"""First part of the paths in a network, volume, secret, config or model."""

MERGED = MAPPINGS | {
    ("logging",),
    ("logging", "options"),
    ("storage_opt",),
    (RESOURCE,),
    (RESOURCE, "driver_opts"),
    (RESOURCE, "labels"),
}
"""Mappings that the engine merges key by key, beyond those that factoring makes use of."""


class Fragment(Struct, frozen=True, dict=True):
    """One entry of a mapping, or one item of a list.

    *key* tells it from its siblings. *notes* are comments from other files that belong above it.
    *children* is None while it is one run of lines; otherwise they follow the line of the key,
    *step* columns to the right of it. *line* is set where the line of the key is not what stands in
    *text*, *follows* are the blank lines above.
    """

    text: Text
    region: Region
    path: Path
    key: str
    column: int
    notes: tuple[str, ...] = ()
    children: tuple[Fragment, ...] | None = None
    form: str = ""
    step: int = 0
    line: tuple[Piece, ...] | None = None
    follows: tuple[Piece, ...] = ()

    @property
    def node(self) -> Node:
        """The value, aliases followed."""
        return resolve(self.region.entry.value)

    @cached_property
    def value(self) -> Any:
        """What the value means, the same for all spellings."""
        found = to_python(self.region.entry.value, self.text.source)
        return meaning(found, self.path) if self.path[:1] != (RESOURCE,) else found

    @property
    def is_null(self) -> bool:
        """True where nothing is written, or null."""
        return self.value is None

    @property
    def head_end(self) -> int:
        """Offset just after the line of the key."""
        return self.text.source.next_line(self.region.key)

    @cached_property
    def comments(self) -> list[str]:
        """All comments of the fragment as it stands in its text, each from its ``#`` on."""
        return self.comments_in(self.region.lead, self.region.end)

    def comments_in(self, start: int, end: int) -> list[str]:
        """Return the comments in the lines ``start:end``."""
        return comments(self.text.source, self.region.entry, start, end)

    @property
    def all_comments(self) -> list[str]:
        """All comments that :meth:`pieces` writes."""
        if self.children is None:
            return [*self.notes, *self.comments]
        end = self.head_end if self.line is None else self.region.key
        head = self.comments_in(self.region.lead, end)
        return [*self.notes, *head, *(c for child in self.children for c in child.all_comments)]

    def noted(self, found: Iterator[str] | list[str]) -> Fragment:
        """Return the fragment with those of the comments *found* that it has not yet.

        The rulers of a banner come along with what stands between them.
        """
        known = set(self.all_comments)
        new: list[str] = []
        for comment in found:
            if comment not in known or not _says_something(comment):
                new.append(comment)
                known.add(comment)
        if not any(map(_says_something, new)):
            return self
        return replace(self, notes=(*self.notes, *new))

    def pieces(self, column: int) -> list[Piece]:
        """Return the lines, with the key in *column*."""
        source, region = self.text.source, self.region
        newline = source.newline
        by = column - self.column
        found: list[Piece] = [Written(f"{' ' * column}{note}{newline}") for note in self.notes]
        if self.children is None and self.line is None:
            return found + shifted(self.text.cut(region.lead, region.end), by)
        found += shifted(self.text.cut(region.lead, region.key), by)
        line = self.line
        found += shifted(self.text.cut(region.key, self.head_end) if line is None else line, by)
        for child in self.children or ():
            found += [*child.follows, *child.pieces(column + self.step)]
        return found


def _says_something(comment: str) -> bool:
    return any(character.isalnum() for character in comment)


def fragment(text: Text, region: Region, path: Path, key: str) -> Fragment:
    """Return the lines of *region* as one fragment."""
    return Fragment(text, region, path, key, text.source.column(region.entry.start))


def divided(whole: Fragment) -> Fragment:
    """Return *whole* with its children; raises CannotJoinError where it cannot be divided."""
    if whole.children is not None:
        return whole
    value, source = whole.region.entry.value, whole.text.source
    if isinstance(value, Mapping | Sequence) and not value.anchor and not value.tag:
        found: list[Region] | None
        if isinstance(value, Mapping):
            found = regions(source, value, start=whole.head_end, end=whole.region.end)
        else:
            found = item_regions(source, value, start=whole.head_end, end=whole.region.end)
        if found is not None:
            form = "mapping" if isinstance(value, Mapping) else "list"
            children = tuple(_children(whole, found, form))
            step = children[0].column - whole.column
            return replace(whole, children=children, form=form, step=step)
    raise whole.text.cannot(
        f"{'.'.join(whole.path) or whole.key} is written in several files, and not on lines of its "
        "own in each",
        whole.region.entry.start,
    )


def _children(whole: Fragment, found: list[Region], form: str) -> Iterator[Fragment]:
    text, before = whole.text, whole.head_end
    for region in found:
        start = region.entry.start
        if form == "list":
            line = text.source.line_start(start)
            column = text.source.text.index("-", line) - line
            child = Fragment(text, region, (*whole.path, ""), "", column)
            child = replace(child, key=_item_key(whole.path, child))
        else:
            name = region.entry.name
            if name is None:
                raise text.cannot("a key that is no text", start)
            child = fragment(text, region, (*whole.path, name), name)
        yield replace(child, follows=tuple(text.cut(before, region.lead)))
        before = region.end


def _item_key(path: Path, item: Fragment) -> str:
    """Return what tells the item of a list from the others, as far as a merge looks at it."""
    value = to_python(item.region.entry.value, item.text.source)
    if path in KEY_VALUE and isinstance(value, str):
        return value.partition("=")[0]
    if path in NAMED and isinstance(value, str):
        return value
    if path == ("volumes",):
        if isinstance(value, dict):
            return f"at {value.get('target')}"
        volume = parse_volume(str(value))
        if volume is not None:
            return f"at {volume.target}"
    return f"{type(value).__name__} {value!r}"


def is_divisible(path: Path) -> bool:
    """Return whether the engine merges the parts of an attribute, not the whole."""
    return (
        path == ()
        or path in MERGED
        or path in KEY_VALUE
        or path in NAMED
        or path in APPENDED
        or (len(path) == 2 and path[:1] in NAMED)  # noqa: PLR2004 - the options of one name
    )


def anchors_of(found: Fragment) -> set[str]:
    """Return the anchors that are written in *found*."""
    entry = found.region.entry
    nodes = (node for root in (entry.key, entry.value) for node in walk(root))
    return {node.anchor for node in nodes if node.anchor is not None}


def has_tags(found: Fragment) -> bool:
    """Return whether ``!reset`` or the like stands in *found*: more than a value."""
    nodes = walk(found.region.entry.value)
    return any(n.tag is not None and not n.tag.startswith("!!") for n in nodes)


def is_tagged(found: Fragment) -> bool:
    """Return whether the value of *found* itself has such a tag."""
    tag = found.region.entry.value.tag
    return tag is not None and not tag.startswith("!!")
