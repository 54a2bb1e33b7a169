"""The text of a file that has taken in what it includes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile, FileSection
from composerefactor.edit.planned_files import NewText, PlannedFile, with_line_ends
from composerefactor.edit.text_edits import TextEdit
from composerefactor.refactoring.join.anchors import JoinedAnchors, order_after_anchors
from composerefactor.refactoring.join.contents import Contents, ExtensionBlock, Inclusion
from composerefactor.refactoring.join.fragments import (
    RESOURCE,
    Fragment,
    fragment,
    in_order_of,
    merged_order,
)
from composerefactor.refactoring.join.rewritten_paths import Text
from composerefactor.refactoring.modules.anchors import numbered
from composerefactor.refactoring.modules.writer import Output
from composerefactor.yaml.comments import comments_in

_CANONICAL = ("services", *RESOURCE_SECTIONS)
"""The usual order of sections."""


class Frame(Struct, frozen=True):
    """A file, and what it takes in.

    Attributes:
        file: the file.
        entries: the entries of its include list.
        taken: the ids of the nodes of those entries that it takes in.
        contents: what it takes in.
        anchors: the ``x-`` blocks that it gets, and those that it loses.
        pattern: an earlier text of the file, from before it was split, which gives the order.
    """

    file: ComposeFile
    entries: list[Inclusion]
    taken: set[int]
    contents: Contents
    anchors: JoinedAnchors
    pattern: ComposeFile | None = None

    @property
    def remaining(self) -> list[Inclusion]:
        """The entries that stay in the list."""
        return [entry for entry in self.entries if id(entry.node) not in self.taken]


def write(frame: Frame) -> PlannedFile:
    """Return the joined file."""
    return _Writer(frame).planned_file()


class _Writer:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.file = frame.file
        self.source = frame.file.source
        self.sections = frame.file.sections or {}
        self.out = Output(self.source)
        self.own = Text(frame.file, "")
        self.dropped = {b.name for b in frame.anchors.dropped if b.text.path == frame.file.path}

    def planned_file(self) -> PlannedFile:
        named = list(self.sections.values())
        first = named[0].region.lead if named else 0
        self.out.verbatim(0, first)
        done = first
        for name in self._order():
            section = self.sections.get(name)
            if section is None:
                if not self._in_place_of_include(name):
                    self.out.separate()
                    self._section(name, None)
                continue
            region = section.region
            if name not in self.dropped:
                self.out.gap(done, region.lead)
            if name == "include":
                self._include(section)
            elif name not in self.dropped:
                if name == "services":
                    self._blocks()
                if self._is_touched(name):
                    self._section(name, section)
                else:
                    self._verbatim(region.lead, region.end)
            done = region.end
        self.out.footer(done, len(self.source.text))
        return PlannedFile(self.file.path, tuple(self.out.pieces), self.source.has_bom)

    def _order(self) -> list[str]:
        """Return the sections in order, with those that only the contents have."""
        sections = list(self.sections)
        names = [n for n in _CANONICAL if self.frame.contents.sections.get(n)]
        for order in self.frame.contents.orders:
            names = merged_order(order, names) if order else names
        names = [n for n in names if n not in sections]
        pattern = list(self.frame.pattern.sections or {}) if self.frame.pattern else []
        for name in names:
            if name == "services" and "include" in sections:
                sections.insert(sections.index("include") + 1, name)
                continue
            above = pattern[: _index_or_start(pattern, name)]
            after = [sections.index(n) for n in above if n in sections]
            earlier = _CANONICAL[: _CANONICAL.index(name)]
            after = after or [sections.index(n) for n in ("include", *earlier) if n in sections]
            sections.insert(max(after, default=len(sections) - 1) + 1, name)
        return sections

    def _in_place_of_include(self, name: str) -> bool:
        return name == "services" and "include" in self.sections

    def _is_touched(self, name: str) -> bool:
        return bool(self.frame.contents.sections.get(name))

    def _include(self, section: FileSection) -> None:
        """Write what stays of the include list, and the services if they have no section yet."""
        region = section.region
        if self.frame.remaining:
            self._rest_of_list(section)
        else:
            self._verbatim(region.lead, region.key)
            for comment in self._list_comments(section):
                self.out.add(NewText(comment + self.source.newline))
        if "services" in self.sections:
            return
        self._blocks()
        if self.frame.contents.sections.get("services"):
            if self.frame.remaining:
                self.out.separate()
            self._section("services", None)

    def _list_comments(self, section: FileSection) -> list[str]:
        """Return the comments of the include list that belong to no entry."""
        region = section.region
        key_end = self.source.next_line(region.key)
        have_regions = any(entry.region is not None for entry in self.frame.entries)
        end = key_end if have_regions else region.end
        return comments_in(self.source, region.entry, region.key, end)

    def _rest_of_list(self, section: FileSection) -> None:
        start = section.region.lead
        for entry in self.frame.entries:
            if id(entry.node) in self.frame.taken and entry.region is not None:
                self._verbatim(start, entry.region.lead)
                start = entry.region.end
        self._verbatim(start, section.region.end)

    def _verbatim(self, start: int, end: int) -> None:
        self.out.verbatim(start, end)

    def _blocks(self) -> None:
        """Write the ``x-`` blocks from other files, below the comments that belong to no entry."""
        used_keys = set(self.sections) - self.dropped
        kept = self.frame.anchors.kept
        if kept:
            self.out.separate()
        self.out.end_line()
        for comment in [*self.frame.anchors.lost_comments, *self.frame.contents.loose_comments]:
            self.out.add(NewText(comment + self.source.newline))
        for n, block in enumerate(kept):
            if n:
                self.out.separate()
            self._add(_with_unique_key(block, used_keys).cut(block.start, block.region.end))
        if kept:
            self.out.separate()

    def _section(self, name: str, section: FileSection | None) -> None:
        """Write a section with what the contents add to it; None where the file has none yet."""
        if section is not None:
            self._verbatim(section.region.lead, self.source.next_line(section.region.key))
        else:
            text, region = self.frame.contents.heads[name]
            self._add(text.cut(region.lead, text.source.next_line(region.key)))
        entries = self._entries(name, section)
        column = self._column(section, entries)
        has_blank_lines = self._has_blank_lines(name, entries)
        for n, entry in enumerate(entries):
            if n:
                self._between(entries[n - 1], entry, blank=has_blank_lines)
            self._add(entry.pieces(column))

    def _entries(self, name: str, section: FileSection | None) -> list[Fragment]:
        """Return the entries of a section in order: the file's own and those of the contents."""
        path = () if name == "services" else (RESOURCE,)
        added = dict(self.frame.contents.sections.get(name, {}))
        entries: dict[str, Fragment] = {}
        before = -1
        for key, region in ((section.entries if section else None) or {}).items():
            own = fragment(self.own, region, path, key)
            follows = tuple(self.own.cut(before, region.lead)) if before >= 0 else ()
            entry = added.pop(key, own)
            is_own = entry.region is region
            entries[key] = replace(entry, follows=follows) if is_own else entry
            before = region.end
        order = [*entries, *added]
        entries |= added
        pattern = (self.frame.pattern.sections or {}).get(name) if self.frame.pattern else None
        if pattern is not None:
            order = in_order_of(order, list(pattern.entries or {}))
        if name == "services":
            order = order_after_anchors(order, self.frame.anchors.after)
        return [entries[key] for key in order]

    def _column(self, section: FileSection | None, entries: list[Fragment]) -> int:
        """Return the column of the keys in a section."""
        for region in ((section.entries if section else None) or {}).values():
            return self.source.column(region.entry.start)
        return entries[0].column if entries else 2

    def _between(self, above: Fragment, below: Fragment, *, blank: bool) -> None:
        """Write the blank lines between two entries: their own, or one where *blank* is True."""
        if _are_neighbours(above, below):
            self._add(below.follows)
        elif blank:
            self.out.separate()

    def _has_blank_lines(self, name: str, entries: list[Fragment]) -> bool:
        """Return whether most entries of the section *name* have a blank line between them."""
        blank = [bool(e.follows) for e in entries if _has_predecessor(e)]
        if self.frame.pattern is not None:
            section = (self.frame.pattern.sections or {}).get(name)
            regions = list(((section.entries if section else None) or {}).values())
            blank = [a.end < b.lead for a, b in pairwise(regions)] or blank
        if not blank:
            return name == "services"
        return sum(blank) * 2 >= len(blank)

    def _add(self, pieces: Iterable[object]) -> None:
        self.out.end_line()
        for piece in with_line_ends(pieces, self.source.newline):  # type: ignore[arg-type]
            self.out.add(piece)


def _index_or_start(names: list[str], name: str) -> int:
    """Return the index of *name*, 0 where it is not in *names*."""
    return names.index(name) if name in names else 0


def _entry_names(entry: Fragment) -> list[str]:
    """Return the names of all entries in the section that *entry* is from."""
    for section in (entry.text.file.sections or {}).values():
        for region in (section.entries or {}).values():
            if region is entry.region:
                return list(section.entries or {})
    return []


def _has_predecessor(entry: Fragment) -> bool:
    """Return whether another entry is above *entry* in its file."""
    return entry.region.entry.name in _entry_names(entry)[1:]


def _are_neighbours(above: Fragment, below: Fragment) -> bool:
    """Return whether two entries follow each other in one file."""
    names = _entry_names(below)
    name = below.region.entry.name
    if above.text.path != below.text.path or name not in names[1:]:
        return False
    return names[names.index(name) - 1] == above.region.entry.name


def _with_unique_key(block: ExtensionBlock, used_keys: set[str]) -> Text:
    """Return the text of *block* with a key that is not in *used_keys*, and add it to them."""
    name = numbered(block.name, used_keys)
    used_keys.add(name)
    if name == block.name:
        return block.text
    key = block.region.entry.key
    return block.text.with_edits([TextEdit(key.start, key.end, name)])
