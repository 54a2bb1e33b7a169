"""New values as YAML text in the style of a file, and the place where new lines go."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence as Ordered
from itertools import pairwise
from typing import TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.yaml.comments import end_of_comments_below, regions
from composerefactor.yaml.nodes import (
    Entry,
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    Tree,
    entry_at,
    walk,
)
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import is_base_60, resolve_plain

T = TypeVar("T")


class YamlStyle(Struct, frozen=True):
    """The formatting that most of a file uses.

    Attributes:
        indent: How many spaces the keys of a nested mapping are indented.
        dash: How many columns the dash of a list is to the right of the list's key.
        quote: The quotation mark for text that needs quotes.
        newline: The line end.
    """

    indent: int = 2
    dash: int = 2
    quote: str = '"'
    newline: str = "\n"

    @classmethod
    def of(cls, tree: Tree) -> YamlStyle:
        """Return the style of *tree*, with the defaults above for what the file does not show."""
        source = tree.source
        steps: Counter[int] = Counter()
        dashes: Counter[int] = Counter()
        quotes: Counter[str] = Counter()
        for document in tree.documents:
            for node in walk(document.root) if document.root is not None else ():
                if isinstance(node, MappingNode) and not node.flow:
                    _count_indentation(source, node, steps, dashes)
                elif isinstance(node, ScalarNode) and node.style in {'"', "'"}:
                    quotes[node.style] += 1
        indent = _most_common(steps, 2)
        return cls(indent, _most_common(dashes, indent), _most_common(quotes, '"'), source.newline)

    def within(self, source: Source, mapping: MappingNode) -> YamlStyle:
        """Return this style with the dashes of the lists in *mapping*, if there are any."""
        dashes: Counter[int] = Counter()
        _count_indentation(source, mapping, Counter(), dashes)
        return replace(self, dash=_most_common(dashes, self.dash))


def _count_indentation(
    source: Source, node: MappingNode, steps: Counter[int], dashes: Counter[int]
) -> None:
    """Count in *steps* and *dashes* how the values of *node* are indented below their keys."""
    for entry in node.entries:
        column = source.column(entry.start)
        value: Node = entry.value
        if isinstance(value, MappingNode) and not value.flow and value.entries:
            if (step := source.column(value.entries[0].start) - column) > 0:
                steps[step] += 1
        elif isinstance(value, SequenceNode) and not value.flow and value.items:
            line = source.line(value.items[0].outer_start)
            if line.lstrip().startswith("-"):
                dashes[len(line) - len(line.lstrip()) - column] += 1


def _most_common(counts: Counter[T], usual: T) -> T:
    return counts.most_common(1)[0][0] if counts else usual


Value: TypeAlias = (
    "str | int | bool | Quoted | Flow | Anchored | AnchorAlias | list[Value] | dict[str, Value]"
    " | None"
)
"""A value to write: text, whole numbers, booleans, null, and lists and mappings of them."""


class Quoted(Struct, frozen=True):
    """Text that is always written in quotes, such as a port or a time of day."""

    text: str


class Flow(Struct, frozen=True):
    """A list on one line with quoted items, such as ``["CMD", "redis-cli", "ping"]``."""

    items: tuple[str, ...]


class Anchored(Struct, frozen=True):
    """A mapping with at least one entry and the anchor ``&anchor``."""

    anchor: str
    value: dict[str, Value]


class AnchorAlias(Struct, frozen=True):
    """The alias ``*anchor`` of a node above it in the same file."""

    anchor: str


_PLAIN = r"[A-Za-z0-9_./$(~^+][^\x00-\x1f\x7f\u0085\u2028\u2029]*"
_UNSAFE = r":(?:\s|$)|\s#|\s$"
_IN_FLOW = r"[\[\]{},]"
_YAML_1_1 = frozenset({"y", "n", "yes", "no", "on", "off"})
"""Text for Docker Compose, but booleans in YAML 1.1."""


def scalar_line(
    value: str | float | bool | Quoted | None,  # noqa: FBT001
    style: YamlStyle,
    *,
    flow: bool = False,
) -> str:
    """Return a scalar as text on one line; *flow* is True inside of ``{}`` or ``[]``."""
    if isinstance(value, Quoted):
        return quoted(value.text, style.quote)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    return value if is_plain(value, flow=flow) else quoted(value, style.quote)


def is_plain(text: str, *, flow: bool = False) -> bool:
    """Return whether every YAML reader reads *text* without quotes as the same text."""
    return (
        re.fullmatch(_PLAIN, text) is not None
        and not re.search(_UNSAFE, text)
        and not (flow and re.search(_IN_FLOW, text))
        and isinstance(resolve_plain(text), str)
        and text.lower() not in _YAML_1_1
        and not is_base_60(text)
    )


def quoted(text: str, quote: str = '"') -> str:
    """Return *text* quoted with *quote*, or with the other quote if that avoids escapes."""
    printable = not re.search(r"[\x00-\x1f\x7f\u0085\u2028\u2029\ufeff]", text)
    if printable and ((quote == "'" and "'" not in text) or re.search(r'["\\]', text)):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character.isprintable():
        return character
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    code = ord(character)
    return known.get(character) or (f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}")  # noqa: PLR2004


def flow_text(value: Value, style: YamlStyle) -> str:
    """Return *value* in flow style, on one line."""
    if isinstance(value, Anchored):
        return f"&{value.anchor} {flow_text(value.value, style)}"
    if isinstance(value, AnchorAlias):
        return f"*{value.anchor}"
    if isinstance(value, Flow):
        return f"[{', '.join(quoted(item, style.quote) for item in value.items)}]"
    if isinstance(value, list):
        return f"[{', '.join(flow_text(item, style) for item in value)}]"
    if isinstance(value, dict):
        pairs = (
            f"{scalar_line(key, style, flow=True)}: {flow_text(item, style)}"
            for key, item in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    return scalar_line(value, style, flow=True)


def entry_lines(key: str, value: Value, column: int, style: YamlStyle) -> Iterator[str]:
    """Yield the lines, without line ends, of ``key: value`` at *column*."""
    head = f"{' ' * column}{scalar_line(key, style)}:"
    if isinstance(value, Anchored):
        first, *others = entry_lines(key, value.value, column, style)
        yield f"{first} &{value.anchor}"
        yield from others
    elif isinstance(value, AnchorAlias):
        yield f"{head} *{value.anchor}"
    elif isinstance(value, Flow) or (isinstance(value, list | dict) and not value):
        yield f"{head} {flow_text(value, style)}"
    elif isinstance(value, dict):
        yield head
        for name, part in value.items():
            yield from entry_lines(name, part, column + style.indent, style)
    elif isinstance(value, list):
        yield head
        for part in value:
            yield from item_lines(part, column + style.dash, style)
    elif value is None:
        yield head
    else:
        yield f"{head} {scalar_line(value, style)}"


def item_lines(value: Value, column: int, style: YamlStyle) -> Iterator[str]:
    """Yield the lines, without line ends, of a list item with its dash at *column*."""
    if isinstance(value, dict) and value:
        lines = [
            x for name, part in value.items() for x in entry_lines(name, part, column + 2, style)
        ]
        yield f"{lines[0][:column]}- {lines[0][column + 2 :]}"
        yield from lines[1:]
    elif isinstance(value, list | Flow | dict | Anchored | AnchorAlias):
        yield f"{' ' * column}- {flow_text(value, style)}"
    else:
        yield f"{' ' * column}- {scalar_line(value, style)}"


class InsertionPoint(Struct, frozen=True):
    """Where new lines go.

    Attributes:
        at: The offset.
        column: The indentation.
        blank_before: True to insert a blank line before them.
    """

    at: int
    column: int
    blank_before: bool = False


def key_place(
    file: ComposeFile, parent: MappingNode, path: Path, key: str, order: Ordered[str]
) -> InsertionPoint:
    """Return where *key* goes in the block mapping *parent*, which is at *path*.

    A key of *order* goes below the last existing key that precedes it in *order*, any other key to
    the end. Comments that belong to the entry above stay with it (rules of comment ownership).
    """
    source = file.source
    entries = parent.entries
    column = source.column(entries[0].start)
    n = _predecessor(entries, key, order)
    blank = _are_blank_lines_usual(source, entries, is_root=not path)
    blank = blank and not _keeps_blank_lines(source, entries[n])
    if n + 1 == len(entries):
        at = after_last_line(source, entries[n])
        if path:
            at = end_of_comments_below(source, at, max(_region_end(file, path), at), entries[n])
        else:
            at = min(_after_own_comments(source, at, column), file.document_end)
        return InsertionPoint(at, column, blank)
    start = source.line_start(entries[0].start)
    parent_entry = entry_at(file.root, path)
    if parent_entry is not None:
        start = min(source.next_line(parent_entry.key.end), start)
    entry_regions = regions(source, parent, start=start, end=after_last_line(source, entries[-1]))
    at = entry_regions[n].end if entry_regions else after_last_line(source, entries[n])
    return InsertionPoint(at, column, blank)


def section_place(file: ComposeFile, name: str) -> InsertionPoint | None:
    """Return the place directly above the section *name* and its comments; None if missing."""
    section = (file.sections or {}).get(name)
    if section is None:
        return None
    at = section.region.lead
    if is_tight(file):
        return InsertionPoint(at, 0)
    above = file.source.line(at - 1).strip() if at else ""
    before = [entry for entry in file.root.entries if entry.start < at]
    kept = bool(before) and _keeps_blank_lines(file.source, before[-1])
    return InsertionPoint(at, 0, blank_before=above not in {"", "---"} and not kept)


def is_tight(file: ComposeFile) -> bool:
    """Return whether *file* has at least three sections, and no blank lines between any two."""
    gaps = _blank_gaps(file.source, file.root.entries)
    return len(gaps) > 1 and not any(gaps)


def _region_end(file: ComposeFile, path: Path) -> int:
    """Return the end of the lines of the mapping at *path*; 0 if it shares a line."""
    top, *below = map(str, path)
    section = (file.sections or {}).get(top)
    region = section.region if section else None
    if below:
        region = file.regions_in(top).get(below[0])
    for name in below[1:]:
        value = region.entry.value if region else None
        if region is None or not isinstance(value, MappingNode):
            return 0
        start = file.source.next_line(region.key)
        inner = regions(file.source, value, start=start, end=region.end) or []
        region = next((each for each in inner if each.entry.name == name), None)
    return region.end if region else 0


def item_place(source: Source, parent: SequenceNode) -> InsertionPoint:
    """Return where a new item at the end of the block sequence *parent* goes."""
    first, last = parent.items[0], parent.items[-1]
    dash = source.text.rfind("-", source.line_start(first.outer_start), first.outer_start)
    column = source.column(dash if dash >= 0 else first.outer_start)
    return InsertionPoint(
        _after_own_comments(source, after_last_line(source, Entry(last, last)), column), column
    )


def _predecessor(entries: list[Entry], key: str, order: Ordered[str]) -> int:
    """Return the index of the entry below which *key* goes."""
    if key not in order:
        return len(entries) - 1
    earlier_keys = set(order[: order.index(key)])
    preceding = [n for n, entry in enumerate(entries) if entry.name in earlier_keys]
    return preceding[-1] if preceding else len(entries) - 1


def _keeps_blank_lines(source: Source, entry: Entry) -> bool:
    """Return whether a blank line below *entry* is part of its value: of a block scalar with +."""
    last: Node = entry.value
    while isinstance(last, MappingNode | SequenceNode):
        children = last.items if isinstance(last, SequenceNode) else [e.value for e in last.entries]
        if not children:
            return False
        last = children[-1]
    is_block = isinstance(last, ScalarNode) and last.style in {"|", ">"}
    return is_block and "+" in source.line(last.start)[source.column(last.start) :].split("#")[0]


def _are_blank_lines_usual(source: Source, entries: list[Entry], *, is_root: bool) -> bool:
    """Return whether most of *entries* are separated by blank lines."""
    gaps = _blank_gaps(source, entries)
    return sum(gaps) * 2 > len(gaps) if gaps else is_root


def _blank_gaps(source: Source, entries: list[Entry]) -> list[bool]:
    """Return for each two adjacent *entries* whether a blank line is between them."""
    return [
        any(
            not line.strip()
            for line in source.text[
                after_last_line(source, a) : source.line_start(b.start)
            ].splitlines()
        )
        for a, b in pairwise(entries)
    ]


def _after_own_comments(source: Source, at: int, column: int) -> int:
    """Return the end of the comments directly below *at* in *column* or to the right of it."""
    while at < len(source.text):
        line = source.line(at)
        stripped = line.lstrip()
        if not stripped.startswith("#") or len(line) - len(stripped) < max(column, 1):
            break
        at = source.next_line(at)
    return at


def after_last_line(source: Source, entry: Entry) -> int:
    """Return the offset just after the last line of *entry*."""
    end = entry.end
    if end > 0 and source.text[end - 1 : end] == "\n":
        return end
    return source.next_line(end)
