"""Where new lines of a block mapping or sequence go."""

from __future__ import annotations

from collections.abc import Sequence as Ordered
from itertools import pairwise

from msgspec import Struct

from composerefactor.compose.file import ComposeFile
from composerefactor.source import Source
from composerefactor.yamltree.nodes import Entry, Mapping, Sequence
from composerefactor.yamltree.path import Path, entry_at
from composerefactor.yamltree.regions import regions


class Place(Struct, frozen=True):
    """New lines go to offset *at*, indented by *column*, after a blank line if *blank_before*."""

    at: int
    column: int
    blank_before: bool = False


def key_place(
    file: ComposeFile, parent: Mapping, path: Path, key: str, order: Ordered[str]
) -> Place:
    """Return where *key* goes in the block mapping *parent*, which stands at *path*.

    Keys of *order* go after the last present one that stands before them in it; others at the end.
    Comments that belong to the entry above stay with it (rules of comment ownership).
    """
    source = file.source
    entries = parent.entries
    column = source.column(entries[0].start)
    n = _predecessor(entries, key, order)
    blank = _apart(source, entries, is_root=not path)
    if n + 1 == len(entries):
        bottom = file.document_end if not path else len(source.text)
        return Place(min(_below(source, tail(source, entries[n]), column), bottom), column, blank)
    start = source.line_start(entries[0].start)
    found = entry_at(file.root, path)
    if found is not None:
        start = min(source.next_line(found.key.end), start)
    divided = regions(source, parent, start=start, end=tail(source, entries[-1]))
    at = divided[n].end if divided else tail(source, entries[n])
    return Place(at, column, blank)


def section_place(file: ComposeFile, name: str) -> Place | None:
    """Return the place right above the section *name* and the comments that belong to it."""
    section = (file.sections or {}).get(name)
    return Place(section.region.lead, 0) if section else None


def item_place(source: Source, parent: Sequence) -> Place:
    """Return where a further item of the block sequence *parent* goes."""
    first, last = parent.items[0], parent.items[-1]
    dash = source.text.rfind("-", source.line_start(first.outer_start), first.outer_start)
    column = source.column(dash if dash >= 0 else first.outer_start)
    return Place(_below(source, tail(source, Entry(last, last)), column), column)


def _predecessor(entries: list[Entry], key: str, order: Ordered[str]) -> int:
    """Return the index of the entry below which *key* goes."""
    if key not in order:
        return len(entries) - 1
    before = set(order[: order.index(key)])
    found = [n for n, entry in enumerate(entries) if entry.name in before]
    return found[-1] if found else len(entries) - 1


def _apart(source: Source, entries: list[Entry], *, is_root: bool) -> bool:
    """Return whether blank lines stand between most of *entries*."""
    gaps = [
        any(
            not line.strip()
            for line in source.text[tail(source, a) : source.line_start(b.start)].splitlines()
        )
        for a, b in pairwise(entries)
    ]
    return sum(gaps) * 2 > len(gaps) if gaps else is_root


def _below(source: Source, at: int, column: int) -> int:
    """Return the end of the comments right below *at* that stand at *column* or deeper."""
    while at < len(source.text):
        line = source.line(at)
        bare = line.lstrip()
        if not bare.startswith("#") or len(line) - len(bare) < max(column, 1):
            break
        at = source.next_line(at)
    return at


def tail(source: Source, entry: Entry) -> int:
    """Return the offset just after the last line of *entry*."""
    end = entry.end
    if end > 0 and source.text[end - 1 : end] == "\n":
        return end
    return source.next_line(end)
