"""Comment ownership: which lines belong to which entry of a block mapping.

A *region* is the run of whole lines that belongs to one entry: the comments above it, its key and
value, and those comments below it that are its own. Blank lines between regions belong to no entry.
The functions at the end of this module list the comments in a given piece of text.

These rules apply to the lines between entry A and the next entry B of the same mapping. The keys
of the mapping are in column c.

1. A comment on a line with content belongs to that line.
2. Comments deeper than c belong to A, up to the first comment in column c or left of it. They are
   commented-out keys and notes at the end of A's block. If A ends with a block sequence, the
   commented-out items directly below it belong to A in any style, with the notes above them.
   The exception is a banner directly above B whose title begins with B's name, or the other way
   round.
3. Comments directly below A, without a blank line in between but with one before B, belong to A.
   The exception is a block that contains a ruler (``# -----``): such a banner is the title of what
   follows.
4. Comments above a banner belong to A: a note or a commented-out entry at the end of a group stays
   in its group. Without a banner, a commented-out entry that has fewer blank lines above it than
   below it belongs to A. Neither is true at the top level, where a commented-out ``networks:``
   would become part of the last service.
5. All other comments belong to B: banners, group titles, notes above the key, commented-out
   entries.
6. After the last entry of a mapping, everything up to the end of the mapping's own region belongs
   to that last entry.
7. Before the first entry, everything below the mapping's key belongs to the first entry.
8. At the top level, the file has a header and a footer that belong to no entry. The header is the
   comments at the beginning that a blank line separates from the first key. If there are no such
   comments, it is the block of comments directly above the first key, except for a single line
   above an ``x-`` key, which describes that key. The footer is the comments at the end that follow
   a blank line and that rule 2 does not give to the last entry.

A *banner* is a title with a ruler: a ruler above it, below it, both, or on its line
(``# --- DATA ---``, ``#### DATA``). The comments that follow directly below it are notes of B.

The column of a comment is the column of its ``#``. The exception is a commented-out line: a comment
that looks like YAML and whose text is indented further than its ``#`` (``#    ports:``). Its column
is the one that its text would have without the ``#``. The same is true for the indented comments
directly below a commented-out line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from composerefactor.yaml.nodes import (
    Entry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    Tree,
    children,
    walk,
)
from composerefactor.yaml.parser import WHITE
from composerefactor.yaml.source import Source

_COMMENTED_OUT = re.compile(r"#( {2,})(?:-(?=\s)|[\w.$\{\}/\"'<-]+\s*:(?=\s|$))")
_CONTINUED = re.compile(r"#( {2,})\S")
_LOOKS_LIKE_YAML = re.compile(r"#+\s*(?:-(?=\s)|[\w.$\{\}/\"'<-]+\s*:(?=\s|$))")
_COMMENTED_OUT_ITEM = r"#+\s*-\s"
_COMMENTED_OUT_KEY = r"#+ *[\w.$\{\}\"'-]+:\s*$"
_ENTRY_NAME = r"#+ *(?P<name>[a-z][\w.-]*):(?:\s|$)"
_ABOVE = r"(?i)\babove\b"
_RULER = r"[-=#*~_+—\u2013\u2500-\u257f]"  # with the characters that draw boxes
_RULER_LINE = re.compile(
    rf"(?:#\s*)?{_RULER}{{3,}}(?:\s|$)|#\s*{_RULER}{{2,}}\s.*\s{_RULER}{{2,}}$"
)
_RULER_AT_END = re.compile(rf"(?<!{_RULER}){_RULER}{{3,}}+[/|]?$")
_MASKED = r"[:=]\s*\*+$"
_NO_TITLE = re.compile(rf"^(?:{_RULER}|[\s|/\\<>!:•·↓↑→←▼▲])+|(?:{_RULER}|[\s|/\\<>!:•·↓↑→←▼▲])+$")
_BRACKETS = re.compile(r"[\[({<](.*)[\])}>]")


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
    text: str = ""
    is_ruler: bool = False

    @property
    def is_blank(self) -> bool:
        return self.column < 0

    @property
    def title(self) -> str:
        """The text of the comment without its ``#`` and rulers."""
        text = _NO_TITLE.sub("", self.text)
        brackets = _BRACKETS.fullmatch(text)
        return _NO_TITLE.sub("", brackets[1]) if brackets else text

    @property
    def looks_like_yaml(self) -> bool:
        """True for a commented-out key or item."""
        return not self.is_ruler and _LOOKS_LIKE_YAML.match(self.text) is not None

    @property
    def begins_entry(self) -> bool:
        """True for a commented-out key whose value is on the lines below it."""
        return re.match(_COMMENTED_OUT_KEY, self.text) is not None

    @property
    def entry_name(self) -> str:
        """The name of a commented-out key; ``""`` for other lines."""
        match = re.match(_ENTRY_NAME, self.text)
        return match["name"] if match and not self.is_ruler else ""


class Title(Struct, frozen=True):
    """A title between two entries: the whole lines ``start:end``.

    Attributes:
        start: Offset of its first line.
        end: Offset just after its last line.
        text: The first line of its text, without ``#`` and rulers; "" for a ruler alone.
        style: Equal for titles that are written in the same way; "" for a title that nothing marks.
    """

    start: int
    end: int
    text: str
    style: str


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
    for entry, following, tail, key in zip(entries, entries[1:], tails, keys[1:], strict=False):
        if tail == key:
            ends.append(tail)
            leads.append(key)
            continue
        if tail > key:
            return None
        lines = _blank_and_comment_lines(source, tail, key)
        owned_count = _owned_from_above(lines, column, _last_dash(source, entry.value))
        if column > 0:
            owned_count += _end_of_group(lines[owned_count:], directly_below=owned_count == 0)
        owned_count = min(owned_count, _title_of(lines, following.name or ""))
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
    applies rule 8: the header and footer of the file are in no region.
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
    owned_count = _owned_from_above(lines, column, _last_dash(source, last.entry.value))
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
            lines.append(_Line(at, stop, column, stripped.rstrip(WHITE), _is_ruler(stripped)))
        at = stop
    return lines


def _is_ruler(comment: str) -> bool:
    """Return whether *comment* begins or ends with a ruler, as ``# ---`` and ``#### DATA`` do."""
    comment = comment.rstrip(WHITE)
    if _RULER_AT_END.search(comment):
        return not re.search(_MASKED, comment)
    return _RULER_LINE.match(comment) is not None and not _LOOKS_LIKE_YAML.match(comment)


def _owned_from_above(lines: list[_Line], column: int, dash: int | None) -> int:
    """Return how many of *lines*, from the first on, belong to the entry above (rules 2 to 4).

    *dash* is the column of the items of the sequence with which that entry ends, or None.
    """
    count = max(_deeper(lines, column), 0 if dash is None else _items_below(lines, dash))
    if count < len(lines) and not lines[count].is_blank:
        paragraph_end = count
        while paragraph_end < len(lines) and not lines[paragraph_end].is_blank:
            paragraph_end += 1
        is_banner = any(line.is_ruler for line in lines[count:paragraph_end])
        if paragraph_end < len(lines) and not is_banner:
            count = paragraph_end
    return count


def _title_of(lines: list[_Line], name: str) -> int:
    """Return how many of *lines* are above the banner that names the entry *name* below them.

    Those are all if there is no such banner.
    """
    comments = [n for n, line in enumerate(lines) if not line.is_blank]
    first, after = next(reversed(list(_banners(lines))), (len(lines), 0))
    if not comments or after != comments[-1] + 1:
        return len(lines)
    title = " ".join(line.title for line in lines[first:after])
    words = [re.findall(r"[a-z0-9]+", text.lower()) for text in (title, name)]
    length = min(map(len, words))
    if not length or words[0][:length] != words[1][:length]:
        return len(lines)
    while first and lines[first - 1].is_blank:
        first -= 1
    return first


def _deeper(lines: list[_Line], column: int) -> int:
    """Return how many of *lines* end with the last comment deeper than *column* (rule 2)."""
    count = 0
    for i, line in enumerate(lines):
        if line.is_blank:
            continue
        if line.column <= column:
            break
        count = i + 1
    return count


def _items_below(lines: list[_Line], dash: int) -> int:
    """Return how many of *lines* end with the last commented-out item directly below an item.

    The items of the sequence have their dash in the column *dash*.
    """
    count = 0
    for i, line in enumerate(lines):
        is_item = re.match(_COMMENTED_OUT_ITEM, line.text) is not None
        is_key = line.looks_like_yaml and not is_item and line.column <= dash
        if line.is_blank or line.is_ruler or is_key:
            break
        if is_item and line.column >= dash:
            count = i + 1
    return count


def _last_dash(source: Source, value: Node) -> int | None:
    """Return the column of the dashes if *value* ends with a block sequence, else None."""
    while isinstance(value, MappingNode) and not value.flow and value.entries:
        value = value.entries[-1].value
    if not isinstance(value, SequenceNode) or value.flow or not value.items:
        return None
    first = value.items[0].outer_start
    dash = source.text.rfind("-", source.line_start(first), first)
    return source.column(dash) if dash >= 0 else None


def end_of_comments_below(source: Source, start: int, end: int, last: Entry) -> int:
    """Return the offset just after the comments directly below *start* that a new key follows.

    These are the comments of the *last* entry of a block, and notes on the whole block. Other keys
    that are commented out, with the notes above them, stay below what is in use. A commented-out
    key or item counts with the column of its text; one to the left of the block's keys is not part
    of the block, nor is what follows it.

    Args:
        source: The source.
        start: Just after the last line of *last*.
        end: The end of its region.
        last: The last entry of the block.
    """
    column = source.column(last.start)
    lines: list[_Line] = []
    for line in _blank_and_comment_lines(source, start, end):
        if line.is_blank or line.is_ruler or (line.looks_like_yaml and line.column < column):
            break
        lines.append(line)
    keys = {line.entry_name for line in lines if line.column == column} - {""}
    refers_above = any(re.search(_ABOVE, line.text) for line in lines)
    if keys and last.name not in keys and not refers_above:
        dash = _last_dash(source, last.value)
        owned = max(_deeper(lines, column), 0 if dash is None else _items_below(lines, dash))
        return lines[owned - 1].end if owned else start
    return next((line.end for line in reversed(lines) if line.column >= column), start)


def _end_of_group(lines: list[_Line], *, directly_below: bool) -> int:
    """Return how many of *lines* stand at the end of the group of the entry above (rule 4).

    *directly_below* is True if no comment between the entry and *lines* belongs to the entry.
    """
    found = list(_banners(lines))
    while len(found) > 1 and all(line.is_blank for line in lines[found[-2][1] : found[-1][0]]):
        found.pop()  # a title within a group, directly below the title of the group
    if not found:
        return _commented_out_above(lines)
    at = found[-1][0]
    paragraph = at
    while paragraph and not lines[paragraph - 1].is_blank:
        paragraph -= 1
    follows_entry = paragraph == 0 and directly_below
    if paragraph < at and not follows_entry and not lines[at - 1].looks_like_yaml:
        at = paragraph  # one block of text
    while at and lines[at - 1].is_blank:
        at -= 1
    return at


def _commented_out_above(lines: list[_Line]) -> int:
    """Return how many of *lines* are commented-out entries that are nearer to the entry above."""
    count = 0
    for start, end in _paragraphs(lines):
        following = end
        while following < len(lines) and lines[following].is_blank:
            following += 1
        is_commented_out = any(line.begins_entry for line in lines[start:end])
        if not is_commented_out or start - count >= following - end:
            break
        count = end
    return count


def _paragraphs(lines: list[_Line]) -> Iterator[tuple[int, int]]:
    """Yield the runs of comment lines that blank lines separate, as slices of *lines*."""
    start = 0
    for at, line in enumerate(lines):
        if line.is_blank:
            if start < at:
                yield start, at
            start = at + 1
    if start < len(lines):
        yield start, len(lines)


def _banners(lines: list[_Line]) -> Iterator[tuple[int, int]]:
    """Yield the banners in *lines*, as slices of *lines*; a ruler alone is one, too."""
    for start, end in _paragraphs(lines):
        at = above = start
        while at < end:
            if not lines[at].is_ruler:
                at += 1
                continue
            first, at = _banner_at(lines, above, at, end)
            above = at
            yield first, at


def _banner_at(lines: list[_Line], start: int, ruler: int, end: int) -> tuple[int, int]:
    """Return the banner whose first ruler is ``lines[ruler]``, in the paragraph ``start:end``."""
    is_plain = [line.is_ruler and not line.title for line in lines]
    after = ruler + 1
    if not is_plain[ruler]:
        return ruler, after + (after < end and is_plain[after])
    for below in range(after + 1, end):
        if is_plain[below]:
            return ruler, _end_of_box(lines, ruler, below, end)
        if lines[below].begins_entry:
            break
    if after < end and not lines[after].is_ruler and not lines[after].begins_entry:
        return ruler, after + 1
    above = lines[ruler - 1]
    is_title = not above.begins_entry if ruler - 1 == start else not above.looks_like_yaml
    return (ruler - 1 if ruler > start and is_title else ruler), after


def _end_of_box(lines: list[_Line], top: int, ruler: int, end: int) -> int:
    """Return where the box ends whose title is between the rulers ``lines[top]`` and *ruler*.

    It may have notes below its title, which one more of the same rulers ends, directly above what
    follows the paragraph.
    """
    last = end - 1
    notes = lines[ruler + 1 : last]
    has_notes = bool(notes) and not any(line.is_ruler or line.begins_entry for line in notes)
    is_closed = has_notes and lines[last].text == lines[ruler].text == lines[top].text
    return end if is_closed else ruler + 1


def titles(source: Source, start: int, end: int, column: int) -> list[Title]:
    """Return the titles in ``start:end``, the blank and comment lines above a key in *column*.

    These are the banners, and the single lines of text that blank lines separate from all else. A
    line that begins with ``##`` is marked as a title.
    Comments that belong to the end of the value above (rule 2) are no titles.
    """
    lines = _blank_and_comment_lines(source, start, end)
    lines = lines[_deeper(lines, column) :]
    found = []
    for first, after in _banners(lines):
        texts = [line for line in lines[first:after] if line.title]
        text = texts[0].title if texts else ""
        if texts and _is_commented_out_key(texts[-1], lines[after:]):
            continue
        found.append(
            Title(lines[first].start, lines[after - 1].end, text, _style(lines[first:after]))
        )
    for first, after in _paragraphs(lines):
        line = lines[first]
        is_alone = after - first == 1 and after < len(lines)
        if is_alone and line.title and not line.is_ruler and not line.looks_like_yaml:
            style = "##" if line.text.startswith("##") else ""
            found.append(Title(line.start, line.end, line.title, style))
    return sorted(found, key=lambda title: title.start)


def _is_commented_out_key(line: _Line, below: list[_Line]) -> bool:
    """Return whether *line* is a commented-out key whose value begins in the lines *below*."""

    def indentation(each: _Line) -> int:
        return len(each.text) - len(each.text.lstrip("#").lstrip())

    is_yaml = line.looks_like_yaml and bool(below) and below[0].looks_like_yaml
    return is_yaml and indentation(below[0]) > indentation(line)


def is_heading(source: Source, start: int, end: int) -> bool:
    """Return whether the comments ``start:end``, directly above a key, are about several entries.

    That is a banner, or words that end with a colon, as in ``# Production secrets:``.
    """
    lines = _blank_and_comment_lines(source, start, end)
    if not lines or lines[-1].is_blank:
        return False
    words = lines[-1].title
    says_what_follows = lines[-1].text.rstrip().endswith(":") and " " in words
    return says_what_follows or any(after == len(lines) for _, after in _banners(lines))


def _style(banner: list[_Line]) -> str:
    """Return how *banner* is written: where its rulers are, and what they are made of."""
    shape = "".join("T" if line.title else "R" for line in banner[:1] + banner[-1:])
    ruler = next(line for line in banner if line.is_ruler)
    run = re.match(rf"#?\s*({_RULER}+)", ruler.text)
    is_long = run is not None and len(run[1]) >= len("# ------")
    return f"{shape} {run[1][-1] if run else ruler.text[-1]} {is_long}"


def _end_of_last_comment(source: Source, tail: int, end: int) -> int:
    lines = [line for line in _blank_and_comment_lines(source, tail, end) if not line.is_blank]
    return lines[-1].end if lines else tail


_FULL_LINE = r"(?m)^[ \t]*#"
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)


def count_comment_lines(text: str) -> int:
    """Return how many lines of a YAML text contain only a comment."""
    return len(re.findall(_FULL_LINE, text))


def count_commented_out_lines(text: str) -> int:
    """Return how many lines of a YAML text are a comment that looks like YAML."""
    return sum(_LOOKS_LIKE_YAML.match(comment) is not None for comment in full_line_comments(text))


def full_line_comments(text: str) -> list[str]:
    """Return the comments of *text* that have a line of their own, each from its ``#`` on."""
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]


class CommentLine(Struct, frozen=True):
    """A line that contains only a comment.

    Attributes:
        number: The line number, from 1.
        text: The text after the ``#``.
        in_header: True if the line is above the first key of the file.
    """

    number: int
    text: str
    in_header: bool = False


def comment_lines(tree: Tree) -> list[CommentLine]:
    """Return the lines of *tree* that contain only a comment, without the text of scalars."""
    source, root = tree.source, tree.root
    first_key = root.outer_start if root is not None else len(source.text)
    inside: set[int] = set()
    for document in tree.documents:
        for node in walk(document.root) if document.root is not None else ():
            if isinstance(node, ScalarNode) and source.text.find("\n", node.start, node.end) >= 0:
                last = source.line_number(max(node.end - 1, node.start))
                inside.update(range(source.line_number(node.start) + 1, last + 1))
    lines = []
    for number, line in enumerate(source.text.split("\n"), start=1):
        bare = line.strip()
        if bare.startswith("#") and number not in inside:
            in_header = source.line_starts[number - 1] < first_key
            lines.append(CommentLine(number, bare[1:], in_header))
    return lines


def comments_in(source: Source, entry: Entry, start: int, end: int) -> list[str]:
    """Return the comments in the lines ``start:end`` of *entry*, each from its ``#`` on."""
    spans = comment_spans(source, (entry.key, entry.value), start, end)
    return [source.text[at:stop] for at, stop in spans]


def comment_spans(
    source: Source, nodes: Sequence[Node], start: int, end: int
) -> list[tuple[int, int]]:
    """Return the offsets of the comments in the lines ``start:end``, those of *nodes*."""
    text = source.text[start:end]
    if "#" not in text:
        return []
    for node in _scalars(nodes, start, end):
        begin = node.start - start
        # The first line of a block scalar may contain a comment after its indicator.
        if node.style in {"|", ">"}:
            begin = text.find("\n", begin) + 1 or len(text)
        stop = max(min(node.end - start, len(text)), begin)
        if "#" in text[begin:stop]:
            text = text[:begin] + re.sub(r"[^\n]", " ", text[begin:stop]) + text[stop:]
    found = ((match.start(), match[0].rstrip()) for match in _COMMENT.finditer(text))
    return [(start + at, start + at + len(comment)) for at, comment in found]


def _scalars(nodes: Sequence[Node], start: int, end: int) -> Iterator[ScalarNode]:
    """Yield the scalars of *nodes* that begin in ``start:end``; skip nodes outside that range."""
    pending = list(reversed(nodes))
    while pending:
        node = pending.pop()
        if node.outer_start >= end or node.end < start:
            continue
        if isinstance(node, ScalarNode):
            if node.start >= start:
                yield node
        else:
            pending.extend(reversed(list(children(node))))
