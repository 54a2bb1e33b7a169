"""Definitions as lines of a text that can be merged, split as deep as a merge goes.

A :class:`Fragment` is one entry of a mapping or one item of a list. At first it is one run of
lines; :func:`split_fragment` splits it into its children. :func:`in_one_form` brings two fragments
into one form, since the same attribute may be a list in one file and a mapping in another.
:func:`key_order` decides on the order of the keys of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import (
    APPENDED,
    KEY_VALUE,
    NAMED,
    SERVICE,
    SERVICE_ORDER,
    TOP,
    Path,
    find_attribute,
)
from composerefactor.compose.short_forms import canonical_value, parse_volume
from composerefactor.edit.planned_files import NewText, Piece, indent_by
from composerefactor.edit.rendering import YamlStyle, scalar_line
from composerefactor.refactoring.join.rewritten_paths import Text
from composerefactor.yaml.comments import Region, comments_in, item_regions, regions
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode, resolve, walk
from composerefactor.yaml.values import acts_on_merge, to_python

RESOURCE = "<resource>"
"""The first key of paths in a network, volume, secret, config or model."""


_MERGED_IN_RESOURCE = frozenset(
    (RESOURCE, *path[2:])
    for path, attribute in TOP.items()
    if path[1:2] == ("*",) and attribute.merge in {"keys", "pairs"}
)
"""The mappings of a resource that Docker Compose merges key by key."""


class Fragment(Struct, frozen=True, dict=True):
    """One entry of a mapping, or one item of a list.

    Attributes:
        text: the text that it is from.
        region: its lines in that text.
        path: its keys below the service or the resource.
        key: what identifies it among its siblings.
        column: the column of its key.
        added_comments: comments from other files, which are written above it.
        children: its children, below the line of its key; None while it is one run of lines.
        form: ``mapping`` or ``list`` where it has children.
        step: how many columns the children are to the right of its key.
        line: the line of its key where that is not the one in *text*.
        follows: the blank lines above it.
    """

    text: Text
    region: Region
    path: Path
    key: str
    column: int
    added_comments: tuple[str, ...] = ()
    children: tuple[Fragment, ...] | None = None
    form: str = ""
    step: int = 0
    line: tuple[Piece, ...] | None = None
    follows: tuple[Piece, ...] = ()

    @property
    def node(self) -> Node:
        """The value; of an alias, what it refers to."""
        return resolve(self.region.entry.value)

    @cached_property
    def value(self) -> Any:
        """The value in one form for all spellings."""
        value = to_python(self.region.entry.value, self.text.source)
        return canonical_value(value, self.path) if self.path[:1] != (RESOURCE,) else value

    @property
    def is_null(self) -> bool:
        """True where the value is null or not written."""
        return self.value is None

    @property
    def head_end(self) -> int:
        """Offset just after the line of the key."""
        return self.text.source.next_line(self.region.key)

    @cached_property
    def comments(self) -> list[str]:
        """All comments in the lines of the fragment, each from its ``#`` on."""
        return self.comments_in(self.region.lead, self.region.end)

    def comments_in(self, start: int, end: int) -> list[str]:
        """Return the comments in the lines ``start:end``."""
        return comments_in(self.text.source, self.region.entry, start, end)

    @property
    def all_comments(self) -> list[str]:
        """All comments that :meth:`pieces` writes."""
        if self.children is None:
            return [*self.added_comments, *self.comments]
        end = self.head_end if self.line is None else self.region.key
        head = self.comments_in(self.region.lead, end)
        return [
            *self.added_comments,
            *head,
            *(c for child in self.children for c in child.all_comments),
        ]

    def with_comments(self, comments: Iterable[str]) -> Fragment:
        """Return the fragment with those of *comments* that it does not have yet.

        A comment without words, as the lines of a banner, is added only along with others.
        """
        known = set(self.all_comments)
        new: list[str] = []
        for comment in comments:
            if comment not in known or not _has_words(comment):
                new.append(comment)
                known.add(comment)
        if not any(map(_has_words, new)):
            return self
        return replace(self, added_comments=(*self.added_comments, *new))

    def pieces(self, column: int) -> list[Piece]:
        """Return the lines, with the key in *column*; the last one ends, too."""
        newline = self.text.source.newline
        above = (f"{' ' * column}{comment}{newline}" for comment in self.added_comments)
        pieces = [*map(NewText, above), *self._own_pieces(column)]
        return pieces if pieces[-1].ends_line else [*pieces, NewText(newline)]

    def _own_pieces(self, column: int) -> list[Piece]:
        region, by = self.region, column - self.column
        if self.children is None and self.line is None:
            return indent_by(self.text.cut(region.lead, region.end), by)
        pieces = indent_by(self.text.cut(region.lead, region.key), by)
        written = self.text.cut(region.key, self.head_end)
        pieces += indent_by(written if self.line is None else self.line, by)
        for child in self.children or ():
            pieces += [*child.follows, *child.pieces(column + self.step)]
        return pieces


def _has_words(comment: str) -> bool:
    return any(character.isalnum() for character in comment)


def fragment(text: Text, region: Region, path: Path, key: str) -> Fragment:
    """Return the lines of *region* as one fragment."""
    return Fragment(text, region, path, key, text.source.column(region.entry.start))


def split_fragment(whole: Fragment) -> Fragment:
    """Return *whole* with its children.

    Raises RefusedError where they are not on lines of their own.
    """
    if whole.children is not None:
        return whole
    value, source = whole.region.entry.value, whole.text.source
    if isinstance(value, MappingNode | SequenceNode) and not value.anchor and not value.tag:
        inner: list[Region] | None
        if isinstance(value, MappingNode):
            inner = regions(source, value, start=whole.head_end, end=whole.region.end)
        else:
            inner = item_regions(source, value, start=whole.head_end, end=whole.region.end)
        if inner is not None:
            form = "mapping" if isinstance(value, MappingNode) else "list"
            children = tuple(_children(whole, inner, form))
            step = children[0].column - whole.column
            return replace(whole, children=children, form=form, step=step)
    raise whole.text.cannot(
        f"{'.'.join(whole.path) or whole.key} is written in several files, and in one of them not "
        "on lines of its own",
        whole.region.entry.start,
    )


def _children(whole: Fragment, inner: list[Region], form: str) -> Iterator[Fragment]:
    """Yield the children of *whole*, whose regions are *inner*."""
    text, before = whole.text, whole.head_end
    for region in inner:
        start = region.entry.start
        if form == "list":
            line = text.source.line_start(start)
            column = text.source.text.index("-", line) - line
            child = Fragment(text, region, (*whole.path, ""), "", column)
            child = replace(child, key=_item_key(whole.path, child))
        else:
            name = region.entry.name
            if name is None:
                raise text.cannot("it has a key that is not text", start)
            child = fragment(text, region, (*whole.path, name), name)
        yield replace(child, follows=tuple(text.cut(before, region.lead)))
        before = region.end


def _item_key(path: Path, item: Fragment) -> str:
    """Return what identifies an item of the list at *path* in a merge."""
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
    """Return whether Docker Compose merges the attribute at *path* part by part."""
    if path == () or path in KEY_VALUE or path in APPENDED or path in _MERGED_IN_RESOURCE:
        return True
    attribute = find_attribute(SERVICE, path)
    return attribute is not None and attribute.merge in {"keys", "driver"}


def anchors_of(fragment: Fragment) -> set[str]:
    """Return the names of the anchors that are written in *fragment*."""
    entry = fragment.region.entry
    nodes = (node for root in (entry.key, entry.value) for node in walk(root))
    return {node.anchor for node in nodes if node.anchor is not None}


def has_tags(fragment: Fragment) -> bool:
    """Return whether *fragment* has ``!reset`` or another tag that acts on the merge."""
    return any(map(acts_on_merge, walk(fragment.region.entry.value)))


def in_one_form(base: Fragment, over: Fragment) -> tuple[Fragment, Fragment]:
    """Return *base* and *over* as two lists, or as two mappings.

    The form is that of *over*. Only names with options cannot be in a list, so *over* becomes a
    mapping where *base* has them. Raises RefusedError where that is not possible.
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
    """Return key/value pairs as a ``"list"`` or a ``"mapping"``, indented as in *like*."""
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
            pair = child.key if value is None else f"{child.key}={value}"
            line = f"- {_scalar(whole, pair)}"
        else:
            line = f"{_scalar(whole, child.key)}:"
            line += "" if value is None else f" {_scalar(whole, value)}"
        children.append(_rewritten(child, column, [line]))
    return replace(whole, children=tuple(children), form=form, step=like.step)


def _names_as_mapping(whole: Fragment, like: Fragment) -> Fragment:
    """Return a list of names as a mapping with the options that the list implies."""
    step = like.step or 2
    column = whole.column + step
    children = []
    for child in whole.children or ():
        lines = [f"{_scalar(whole, child.key)}:"]
        if whole.path == ("depends_on",):
            lines.append("  condition: service_started")
        children.append(_rewritten(child, column, lines))
    return replace(whole, children=tuple(children), form="mapping", step=step)


def _rewritten(child: Fragment, column: int, lines: list[str]) -> Fragment:
    """Return *child* with *lines* in *column* as its text, and its comments above them."""
    newline = child.text.source.newline
    text = "".join(f"{' ' * column}{line}{newline}" for line in lines)
    inside = child.comments_in(child.region.key, child.region.end)
    above = tuple(dict.fromkeys((*child.added_comments, *inside)))
    return replace(child, column=column, line=(NewText(text),), children=(), added_comments=above)


def _scalar(whole: Fragment, text: str) -> str:
    """Return *text* as a scalar in the style of the file of *whole*."""
    return scalar_line(text, YamlStyle.of(whole.text.file.tree))


def key_order(first: Sequence[str], second: Sequence[str], path: Path) -> list[str]:
    """Return the keys of *first* and *second* in the order of the merged text.

    In lists and pairs those that only *second* has come last. Attributes of a service keep the
    order of their own file as far as the two files agree; otherwise the usual order decides.
    """
    if path in APPENDED or path in KEY_VALUE or path in NAMED:
        return list(dict.fromkeys((*first, *second)))
    usual = {name: n for n, name in enumerate(("<<", *SERVICE_ORDER))} if path == () else {}
    return merged_order(first, second, usual)


def merged_order(
    first: Sequence[str], second: Sequence[str], rank: dict[str, int] | None = None
) -> list[str]:
    """Return *first* with the other keys of *second*, each between its neighbours in *second*.

    Where several places are between them, *rank* decides; without a rank it is the last place.
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
            others = ((i, rank.get(result[i], len(rank))) for i in range(earliest, latest))
            at = next((i for i, other in others if other > rank[key]), latest)
        result.insert(at, key)
        earliest = at + 1
    return result


def in_order_of(names: Iterable[str], pattern: Sequence[str]) -> list[str]:
    """Return *names* in the order of *pattern*; others stay behind their neighbours."""
    given = list(names)
    known = [name for name in pattern if name in given]
    return merged_order(known, given)
