"""Comment ownership: which lines belong to which entry of a block mapping.

A *region* is the run of whole lines that belongs to one entry: the comments above it, its key and
value, and those comments below it that are its own. Blank lines between regions belong to no entry.
The functions at the end of this module list the comments in a given piece of text.

These rules apply to the lines between entry A and the next entry B of the same mapping. The keys
of the mapping are in column c.

1. A comment on a line with content belongs to that line.
2. Comments deeper than c belong to A, up to the first comment in column c or left of it. They are
   commented-out keys and notes at the end of A's block.
3. Comments directly below A, without a blank line in between but with one before B, belong to A.
   The exception is a block that contains a ruler (``# -----``): such a banner is the title of what
   follows.
4. All other comments belong to B: banners, group titles, notes above the key, commented-out
   entries.
5. After the last entry of a mapping, everything up to the end of the mapping's own region belongs
   to that last entry.
6. Before the first entry, everything below the mapping's key belongs to the first entry.
7. At the top level, the file has a header and a footer that belong to no entry. The header is the
   comments at the beginning that a blank line separates from the first key. If there are no such
   comments, it is the block of comments directly above the first key, except for a single line
   above an ``x-`` key, which describes that key. The footer is the comments at the end that follow
   a blank line and that rule 2 does not give to the last entry.

The column of a comment is the column of its ``#``. The exception is a commented-out line: a comment
that looks like YAML and whose text is indented further than its ``#`` (``#    ports:``). Its column
is the one that its text would have without the ``#``. The same is true for the indented comments
directly below a commented-out line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.yaml.nodes import Entry, MappingNode, ScalarNode, SequenceNode, children
from composerefactor.yaml.parser import WHITE
from composerefactor.yaml.source import Source

_COMMENTED_OUT = re.compile(r"#( {2,})(?:-(?=\s)|[\w.$\{\}/\"'<-]+\s*:(?=\s|$))")
_CONTINUED = re.compile(r"#( {2,})\S")
_RULER = frozenset("-=#*~_+")


class Region(Struct, frozen=True):
    """The lines of one entry, as offsets of line beginnings.

    Attributes:
        entry: The entry of the mapping. For an item of a sequence, the item is key and value.
        lead: The line of the first comment above the key, or of the key if it has none.
        key: The line of the key.
        tail: Just after the last line of the value.
        end: Just after the last comment below the value, or ``tail`` if there is none.
    """

    entry: Entry
    lead: int
    key: int
    tail: int
    end: int


class _Line(Struct, frozen=True):
    """A blank line or a comment line: ``start:end`` with its line end."""

    start: int
    end: int
    column: int  # of the comment; -1 for a blank line
    is_ruler: bool = False

    @property
    def is_blank(self) -> bool:
        return self.column < 0


def regions(source: Source, mapping: MappingNode, *, start: int, end: int) -> list[Region] | None:
    """Assign the lines ``start:end`` to the entries of the block mapping *mapping*.

    *start* and *end* are offsets of line beginnings: just after the line of the mapping's own key,
    and at the end of its region. Returns None if the entries are not on lines of their own
    (a flow mapping, several documents on one line, explicit ``?`` keys).
    """
    if mapping.flow:
        return None
    starts = [entry.start for entry in mapping.entries]
    return _regions_of(source, mapping.entries, starts, start, end)


def item_regions(
    source: Source, sequence: SequenceNode, *, start: int, end: int
) -> list[Region] | None:
    """Assign the lines ``start:end`` to the items of the block sequence *sequence*.

    This works like :func:`regions`. The entry of an item has the item as key and as value, and the
    item's region begins at its dash.
    """
    if sequence.flow:
        return None
    text = source.text
    items = sequence.items
    starts = [text.rfind("-", source.line_start(i.outer_start), i.outer_start) for i in items]
    if any(at < 0 for at in starts):  # a dash on a line of its own
        return None
    return _regions_of(source, [Entry(i, i) for i in items], starts, start, end)


def _regions_of(
    source: Source, entries: list[Entry], starts: list[int], start: int, end: int
) -> list[Region] | None:
    """Return the regions of *entries*, which begin at the offsets *starts*; None as above."""
    text = source.text
    keys = []
    for at in starts:
        key = source.line_start(at)
        if text[key:at].strip(WHITE):
            return None
        keys.append(key)
    if not keys or keys[0] < start:
        return None
    column = starts[0] - keys[0]
    tails = [_after_last_line(text, entry.end) for entry in entries]
    leads, ends = [start], []
    for tail, key in zip(tails, keys[1:], strict=False):
        if tail == key:
            ends.append(tail)
            leads.append(key)
            continue
        if tail > key:
            return None
        lines = _blank_and_comment_lines(source, tail, key)
        owned_count = _owned_from_above(lines, column)
        ends.append(lines[owned_count - 1].end if owned_count else tail)
        owned_by_next = [line for line in lines[owned_count:] if not line.is_blank]
        leads.append(owned_by_next[0].start if owned_by_next else key)
    ends.append(_end_of_last_comment(source, tails[-1], end))
    first_comment = next(
        (line for line in _blank_and_comment_lines(source, start, keys[0]) if not line.is_blank),
        None,
    )
    leads[0] = first_comment.start if first_comment else keys[0]
    return list(map(Region, entries, leads, keys, tails, ends))


def top_regions(
    source: Source, mapping: MappingNode, *, start: int, end: int
) -> list[Region] | None:
    """Assign a document's lines to its top-level entries.

    *start* and *end* are the bounds of the document. This works like :func:`regions`, but also
    applies rule 7: the header and footer of the file are in no region.
    """
    entry_regions = regions(source, mapping, start=start, end=end)
    if entry_regions is None:
        return None
    column = source.column(entry_regions[0].entry.start)
    first = entry_regions[0]
    lead = _header_end(_blank_and_comment_lines(source, start, first.key), first)
    entry_regions[0] = Region(first.entry, lead, first.key, first.tail, first.end)
    last = entry_regions[-1]
    lines = _blank_and_comment_lines(source, last.tail, end)
    owned_count = _owned_from_above(lines, column)
    if owned_count == 0 and lines and not lines[0].is_blank:
        owned_count = next((i for i, line in enumerate(lines) if line.is_blank), len(lines))
    stop = lines[owned_count - 1].end if owned_count else last.tail
    entry_regions[-1] = Region(last.entry, last.lead, last.key, last.tail, stop)
    return entry_regions


def _header_end(lines: list[_Line], first: Region) -> int:
    """Return the offset at which the comments of the *first* entry begin, below the header."""
    paragraphs: list[list[_Line]] = [[]]
    for line in lines:
        if line.is_blank:
            paragraphs.append([])
        else:
            paragraphs[-1].append(line)
    own = paragraphs[-1]
    others = [p for p in paragraphs[:-1] if p]
    is_note = len(own) == 1 and not own[0].is_ruler and (first.entry.name or "").startswith("x-")
    return own[0].start if own and (others or is_note) else first.key


def _after_last_line(text: str, end: int) -> int:
    """Return the offset just after the line on which a value ends; *end* is the value's end."""
    if text[end - 1 : end] == "\n":  # a block scalar that keeps its blank lines
        return end
    return text.find("\n", end) + 1 or len(text)


def _blank_and_comment_lines(source: Source, start: int, end: int) -> list[_Line]:
    """Return the lines from *start* to *end*, where every line is blank or a comment."""
    lines: list[_Line] = []
    at = start
    commented_out = False
    while at < end:
        stop = min(source.next_line(at), end)
        text = source.text[at:stop]
        stripped = text.lstrip(" \t")
        if not stripped.strip(WHITE):
            lines.append(_Line(at, stop, -1))
            commented_out = False
        else:
            column = len(text) - len(stripped)
            match = (_CONTINUED if commented_out else _COMMENTED_OUT).match(stripped)
            commented_out = match is not None and len(match[1]) > column
            if match is not None and commented_out:
                column = len(match[1])
            lines.append(_Line(at, stop, column, _is_ruler(stripped)))
        at = stop
    return lines


def _is_ruler(comment: str) -> bool:
    """Return whether *comment* ends in three ruler characters, such as ``# ---``."""
    end = comment.rstrip(WHITE)[-3:]
    return len(end) == len("---") and _RULER.issuperset(end)


def _owned_from_above(lines: list[_Line], column: int) -> int:
    """Return how many of *lines*, from the first on, belong to the entry above (rules 2 and 3)."""
    count = 0
    for i, line in enumerate(lines):
        if line.is_blank:
            continue
        if line.column <= column:
            break
        count = i + 1
    if count < len(lines) and not lines[count].is_blank:
        paragraph_end = count
        while paragraph_end < len(lines) and not lines[paragraph_end].is_blank:
            paragraph_end += 1
        is_banner = any(line.is_ruler for line in lines[count:paragraph_end])
        if paragraph_end < len(lines) and not is_banner:
            count = paragraph_end
    return count


def _end_of_last_comment(source: Source, tail: int, end: int) -> int:
    lines = [line for line in _blank_and_comment_lines(source, tail, end) if not line.is_blank]
    return lines[-1].end if lines else tail


_FULL_LINE = re.compile(r"^[ \t]*#", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)


def count_comment_lines(text: str) -> int:
    """Return how many lines of a YAML text contain only a comment."""
    return len(_FULL_LINE.findall(text))


def full_line_comments(text: str) -> list[str]:
    """Return the comments of *text* that have a line of their own, each from its ``#`` on."""
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]


def comments_in(source: Source, entry: Entry, start: int, end: int) -> list[str]:
    """Return the comments in the lines ``start:end`` of *entry*, each from its ``#`` on."""
    text = source.text[start:end]
    if "#" not in text:
        return []
    for node in _scalars(entry, start, end):
        begin = node.start - start
        # The first line of a block scalar may contain a comment after its indicator.
        if node.style in {"|", ">"}:
            begin = text.find("\n", begin) + 1 or len(text)
        stop = max(min(node.end - start, len(text)), begin)
        text = text[:begin] + re.sub(r"[^\n]", " ", text[begin:stop]) + text[stop:]
    return [match[0].rstrip() for match in _COMMENT.finditer(text)]


def _scalars(entry: Entry, start: int, end: int) -> Iterator[ScalarNode]:
    """Yield the scalars of *entry* that begin in ``start:end``; skip nodes outside that range."""
    pending = [entry.value, entry.key]
    while pending:
        node = pending.pop()
        if node.outer_start >= end or node.end < start:
            continue
        if isinstance(node, ScalarNode):
            if node.start >= start:
                yield node
        else:
            pending.extend(reversed(list(children(node))))
