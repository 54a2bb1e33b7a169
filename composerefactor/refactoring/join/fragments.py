"""Parts of a definition that can be merged: lines of a text, divided as deep as a merge goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.merging import APPENDED, KEY_VALUE, MAPPINGS, NAMED, Path, meaning
from composerefactor.compose.volumes import parse_volume
from composerefactor.edit.planned_files import NewText, Piece, shifted
from composerefactor.edit.rendering import scalar
from composerefactor.refactoring.join.relocate import Text
from composerefactor.yaml.comments import Region, comments, item_regions, regions
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode, resolve, walk
from composerefactor.yaml.style import Style
from composerefactor.yaml.values import to_python

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
        found: list[Piece] = [NewText(f"{' ' * column}{note}{newline}") for note in self.notes]
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
    if isinstance(value, MappingNode | SequenceNode) and not value.anchor and not value.tag:
        found: list[Region] | None
        if isinstance(value, MappingNode):
            found = regions(source, value, start=whole.head_end, end=whole.region.end)
        else:
            found = item_regions(source, value, start=whole.head_end, end=whole.region.end)
        if found is not None:
            form = "mapping" if isinstance(value, MappingNode) else "list"
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


def in_one_form(base: Fragment, over: Fragment) -> tuple[Fragment, Fragment]:
    """Return both as lists, or both as mappings: *base* in the form that *over* has.

    Names with options cannot stand in a list, so there *over* gives way. Raises CannotJoinError
    where that is not possible.
    """
    if base.form == over.form:
        return base, over
    if base.path in KEY_VALUE:
        return _pairs_as(base, over.form, over), over
    if base.path in NAMED:
        if base.form == "list":
            return _names_as_mapping(base, over), over
        return base, _names_as_mapping(over, base)
    raise over.text.cannot(
        f"{'.'.join(over.path)} is a list in one file and a mapping in another",
        over.region.entry.start,
    )


def _pairs_as(whole: Fragment, form: str, like: Fragment) -> Fragment:
    column = whole.column + like.step
    children = []
    for child in whole.children or ():
        value = whole.value.get(child.key) if isinstance(whole.value, dict) else None
        if child.key == "<<" or not isinstance(value, str | None):
            raise child.text.cannot(
                f"{'.'.join(whole.path)} is a list in one file and a mapping in another",
                child.region.entry.start,
            )
        if form == "list":
            words = f"- {_scalar(whole, child.key if value is None else f'{child.key}={value}')}"
        else:
            words = f"{_scalar(whole, child.key)}:"
            words += "" if value is None else f" {_scalar(whole, value)}"
        children.append(_written(child, column, [words]))
    return replace(whole, children=tuple(children), form=form, step=like.step)


def _names_as_mapping(whole: Fragment, like: Fragment) -> Fragment:
    """Return a list of names as a mapping, with what the short form stands for."""
    step = like.step or 2
    column = whole.column + step
    children = []
    for child in whole.children or ():
        lines = [f"{_scalar(whole, child.key)}:"]
        if whole.path == ("depends_on",):
            lines.append("  condition: service_started")
        children.append(_written(child, column, lines))
    return replace(whole, children=tuple(children), form="mapping", step=step)


def _written(child: Fragment, column: int, lines: list[str]) -> Fragment:
    """Return *child* as *lines* in *column*, with its comments above it."""
    newline, text = child.text.source.newline, ""
    for line in lines:
        text += f"{' ' * column}{line}{newline}"
    behind = child.comments_in(child.region.key, child.region.end)
    notes = tuple(dict.fromkeys((*child.notes, *behind)))
    return replace(child, column=column, line=(NewText(text),), children=(), notes=notes)


def _scalar(whole: Fragment, text: str) -> str:
    """Return *text* as a scalar in the style of the file of *whole*."""
    return scalar(text, Style.of(whole.text.file.tree))


_USUAL = (
    "<<",
    "extends",
    "image",
    "build",
    "platform",
    "container_name",
    "hostname",
    "profiles",
    "restart",
    "user",
    "working_dir",
    "entrypoint",
    "command",
    "env_file",
    "environment",
    "ports",
    "expose",
    "volumes",
    "tmpfs",
    "depends_on",
    "networks",
    "healthcheck",
    "deploy",
    "logging",
    "labels",
)
"""The order in which most people write the attributes of a service."""


def arranged(first: Sequence[str], second: Sequence[str], path: Path) -> list[str]:
    """Return the keys of both. In lists and pairs those that only *second* has come last.

    Attributes keep the order of their own file as far as the two agree, and stand where most people
    would write them.
    """
    if path in APPENDED or path in KEY_VALUE or path in NAMED:
        return list(dict.fromkeys((*first, *second)))
    usual = {name: n for n, name in enumerate(_USUAL)} if path == () else {}
    return merged_order(first, second, usual)


def merged_order(
    first: Sequence[str], second: Sequence[str], rank: dict[str, int] | None = None
) -> list[str]:
    """Return *first* with what else *second* has, put between the neighbours that it has there.

    Where they leave room, *rank* decides, and without it the end of the room.
    """
    rank = rank or {}
    result = list(first)
    earliest = 0
    for n, key in enumerate(second):
        if key in result:
            earliest = max(earliest, result.index(key) + 1)
            continue
        later = [result.index(k) for k in second[n + 1 :] if k in result]
        latest = min([at for at in later if at >= earliest], default=len(result))
        at = latest
        if key in rank:
            ranked = (i for i in range(earliest, latest) if _rank(rank, result[i]) > rank[key])
            at = next(ranked, latest)
        result.insert(at, key)
        earliest = at + 1
    return result


def _rank(rank: dict[str, int], name: str) -> int:
    return rank.get(name, len(rank))


def like(names: Iterable[str], pattern: Sequence[str]) -> list[str]:
    """Return *names* in the order of *pattern*; others behind the one that they follow now."""
    given = list(names)
    known = [name for name in pattern if name in given]
    return merged_order(known, given)
