"""Which lines belong to which entry of a block mapping: the rules of comment ownership.

A *region* is the run of whole lines that belongs to one entry: the comments above it, its key and
value, and the comments below that are its own. Blank lines between regions belong to none.

The rules, for the lines between entry A and the next entry B of the same mapping, whose keys stand
in column c:

1. A comment on a line with content belongs to that line.
2. Comments deeper than c, as long as no comment at c or left of it has come, belong to A: they are
   commented-out keys and notes at the end of its block.
3. Comments right below A with no blank line between, but with one before B, belong to A, unless
   they hold a ruler (``# -----``): such a banner is the title of what follows.
4. All others belong to B: banners, group titles, notes above the key, commented-out entries.
5. After the last entry of a mapping everything up to the end of the mapping's own region is A's.
6. Before the first entry everything below the mapping's key belongs to that entry.
7. At the top level the file has a header and a footer that belong to no entry: at its beginning the
   comments that a blank line separates from the first key, and a lone block of comments above it,
   but for a single line above an ``x-`` block, which says what that is for; at its end the comments
   after a blank line that rule 2 does not give to the last entry.

A comment whose text is indented further than its ``#`` stands, and looks like YAML
(``#    ports:``), is a commented-out line, and counts as standing where its text would stand
without the ``#``; so do the indented lines below it. Any other comment counts as standing where
its ``#`` does.
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
    """The lines of one entry, as offsets.

    ``lead`` is that of the first comment above, ``key`` of the key's line, ``tail`` just after the
    last line of the value, ``end`` just after the last comment below.
    """

    entry: Entry
    lead: int
    key: int
    tail: int
    end: int


class _Line(Struct, frozen=True):
    start: int
    end: int
    column: int  # of the comment; -1 for a blank line
    is_ruler: bool = False

    @property
    def is_blank(self) -> bool:
        return self.column < 0


def regions(source: Source, mapping: MappingNode, *, start: int, end: int) -> list[Region] | None:
    """Divide the lines ``start:end`` among the entries of the block mapping *mapping*.

    *start* and *end* are offsets of line beginnings: just after the line of the mapping's own key,
    and where its region ends. Returns None where the entries do not stand on lines of their own
    (a flow mapping, several documents on a line, explicit ``?`` keys).
    """
    if mapping.flow:
        return None
    starts = [entry.start for entry in mapping.entries]
    return _divided(source, mapping.entries, starts, start, end)


def item_regions(
    source: Source, sequence: SequenceNode, *, start: int, end: int
) -> list[Region] | None:
    """Divide the lines ``start:end`` among the items of the block sequence *sequence*.

    As :func:`regions`; an item's entry has the item as key and value, and begins at its dash.
    """
    if sequence.flow:
        return None
    text = source.text
    items = sequence.items
    starts = [text.rfind("-", source.line_start(i.outer_start), i.outer_start) for i in items]
    if any(at < 0 for at in starts):  # the dash stands on a line of its own
        return None
    return _divided(source, [Entry(i, i) for i in items], starts, start, end)


def _divided(
    source: Source, entries: list[Entry], starts: list[int], start: int, end: int
) -> list[Region] | None:
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
    tails = [_tail(text, entry.end) for entry in entries]
    leads, ends = [start], []
    for tail, key in zip(tails, keys[1:], strict=False):
        if tail == key:
            ends.append(tail)
            leads.append(key)
            continue
        if tail > key:
            return None
        lines = _lines(source, tail, key)
        kept = _belonging_above(lines, column)
        ends.append(lines[kept - 1].end if kept else tail)
        rest = [line for line in lines[kept:] if not line.is_blank]
        leads.append(rest[0].start if rest else key)
    ends.append(_last_end(source, tails[-1], end))
    above = next((line for line in _lines(source, start, keys[0]) if not line.is_blank), None)
    leads[0] = above.start if above else keys[0]
    return list(map(Region, entries, leads, keys, tails, ends))


def top_regions(
    source: Source, mapping: MappingNode, *, start: int, end: int
) -> list[Region] | None:
    """Divide a document's lines among its top-level entries.

    *start* and *end* bound the document. As :func:`regions`, with rule 7: the file's own header and
    footer are in no region.
    """
    found = regions(source, mapping, start=start, end=end)
    if found is None:
        return None
    column = source.column(found[0].entry.start)
    first = found[0]
    lead = _header_end(_lines(source, start, first.key), first)
    found[0] = Region(first.entry, lead, first.key, first.tail, first.end)
    last = found[-1]
    lines = _lines(source, last.tail, end)
    kept = _belonging_above(lines, column)
    if kept == 0 and lines and not lines[0].is_blank:
        kept = next((i for i, line in enumerate(lines) if line.is_blank), len(lines))
    stop = lines[kept - 1].end if kept else last.tail
    found[-1] = Region(last.entry, last.lead, last.key, last.tail, stop)
    return found


def _header_end(lines: list[_Line], first: Region) -> int:
    """Return where the comments of the *first* entry begin; what stands above is the header."""
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


def _tail(text: str, end: int) -> int:
    """Return the offset just after the last line of what ends at *end*, with its own comment."""
    if text[end - 1 : end] == "\n":  # a block scalar that keeps its blank lines
        return end
    return text.find("\n", end) + 1 or len(text)


def _lines(source: Source, start: int, end: int) -> list[_Line]:
    """Return the lines from *start* to *end*, all of them blank or comments."""
    found: list[_Line] = []
    at = start
    commented_out = False
    while at < end:
        stop = min(source.next_line(at), end)
        text = source.text[at:stop]
        bare = text.lstrip(" \t")
        if not bare.strip(WHITE):
            found.append(_Line(at, stop, -1))
            commented_out = False
        else:
            column = len(text) - len(bare)
            match = (_CONTINUED if commented_out else _COMMENTED_OUT).match(bare)
            commented_out = match is not None and len(match[1]) > column
            if match is not None and commented_out:
                column = len(match[1])
            found.append(_Line(at, stop, column, _is_ruler(bare)))
        at = stop
    return found


def _is_ruler(comment: str) -> bool:
    end = comment.rstrip(WHITE)[-3:]
    return len(end) == len("---") and _RULER.issuperset(end)


def _belonging_above(lines: list[_Line], column: int) -> int:
    """Return how many of *lines* belong to the entry above them (rules 2 and 3)."""
    kept = 0
    for i, line in enumerate(lines):
        if line.is_blank:
            continue
        if line.column <= column:
            break
        kept = i + 1
    if kept < len(lines) and not lines[kept].is_blank:
        after = kept
        while after < len(lines) and not lines[after].is_blank:
            after += 1
        is_banner = any(line.is_ruler for line in lines[kept:after])
        if after < len(lines) and not is_banner:
            kept = after
    return kept


def _last_end(source: Source, tail: int, end: int) -> int:
    lines = [line for line in _lines(source, tail, end) if not line.is_blank]
    return lines[-1].end if lines else tail


_FULL_LINE = re.compile(r"^[ \t]*#", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)


def comment_lines(text: str) -> int:
    """Return how many lines of a YAML text are comments and nothing else."""
    return len(_FULL_LINE.findall(text))


def lone_comments(text: str) -> list[str]:
    """Return the comments in lines that hold no node, each from its ``#`` on."""
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]


def comments(source: Source, entry: Entry, start: int, end: int) -> list[str]:
    """Return the comments in the lines ``start:end`` of *entry*, each from its ``#`` on."""
    text = source.text[start:end]
    if "#" not in text:
        return []
    for node in _scalars(entry, start, end):
        begin = node.start - start
        # The first line of a block scalar may hold a comment behind its indicator.
        if node.style in {"|", ">"}:
            begin = text.find("\n", begin) + 1 or len(text)
        stop = max(min(node.end - start, len(text)), begin)
        text = text[:begin] + re.sub(r"[^\n]", " ", text[begin:stop]) + text[stop:]
    return [match[0].rstrip() for match in _COMMENT.finditer(text)]


def _scalars(entry: Entry, start: int, end: int) -> Iterator[ScalarNode]:
    """Yield the scalars of *entry* that begin in ``start:end``; nothing outside is looked at."""
    model = [entry.value, entry.key]
    while model:
        node = model.pop()
        if node.outer_start >= end or node.end < start:
            continue
        if isinstance(node, ScalarNode):
            if node.start >= start:
                yield node
        else:
            model.extend(reversed(list(children(node))))
