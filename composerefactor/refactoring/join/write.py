"""The draft of a file that has taken in what it includes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile, Section
from composerefactor.edit.planned_files import NewText, PlannedFile, with_line_ends
from composerefactor.edit.splices import TextEdit
from composerefactor.refactoring.join.anchors import Anchors, ordered
from composerefactor.refactoring.join.contents import Block, Contents, Inclusion
from composerefactor.refactoring.join.fragments import (
    RESOURCE,
    Fragment,
    fragment,
    like,
    merged_order,
)
from composerefactor.refactoring.join.relocate import Text
from composerefactor.refactoring.modules.writer import Output
from composerefactor.yaml.comments import comments

_CANONICAL = ("services", *RESOURCE_SECTIONS)


class Frame(Struct, frozen=True):
    """The file around the *contents*. *gone* are the entries of its include list that it takes in.

    *pattern* is an earlier text of the file, from before it was divided.
    """

    file: ComposeFile
    entries: list[Inclusion]
    gone: set[int]
    contents: Contents
    anchors: Anchors
    pattern: ComposeFile | None = None

    @property
    def left(self) -> list[Inclusion]:
        """The entries that stay in the list."""
        return [entry for entry in self.entries if id(entry.node) not in self.gone]


def write(frame: Frame) -> PlannedFile:
    """Return the draft."""
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
        """Return the sections in order; ``include`` marks the place of the services."""
        found = list(self.sections)
        names = [n for n in _CANONICAL if self.frame.contents.sections.get(n)]
        for order in self.frame.contents.orders:
            names = merged_order(order, names) if order else names
        names = [n for n in names if n not in found]
        pattern = list(self.frame.pattern.sections or {}) if self.frame.pattern else []
        for name in names:
            if name == "services" and "include" in found:
                found.insert(found.index("include") + 1, name)
                continue
            after = [found.index(n) for n in pattern[: _at(pattern, name)] if n in found]
            earlier = _CANONICAL[: _CANONICAL.index(name)]
            after = after or [found.index(n) for n in ("include", *earlier) if n in found]
            found.insert(max(after, default=len(found) - 1) + 1, name)
        return found

    def _in_place_of_include(self, name: str) -> bool:
        return name == "services" and "include" in self.sections

    def _is_touched(self, name: str) -> bool:
        return bool(self.frame.contents.sections.get(name))

    def _include(self, section: Section) -> None:
        """Write what stays of the list, and the services if they have no place of their own."""
        region = section.region
        if self.frame.left:
            self._rest_of_list(section)
        else:
            self._verbatim(region.lead, region.key)
            for comment in self._on_key(section):
                self.out.add(NewText(comment + self.source.newline))
        if "services" in self.sections:
            return
        self._blocks()
        if self.frame.contents.sections.get("services"):
            if self.frame.left:
                self.out.separate()
            self._section("services", None)

    def _on_key(self, section: Section) -> list[str]:
        """Return the comments of the list that no entry has."""
        region = section.region
        found = comments(self.source, region.entry, region.key, self.source.next_line(region.key))
        known = [e.region for e in self.frame.entries if e.region is not None]
        return found if known else comments(self.source, region.entry, region.key, region.end)

    def _rest_of_list(self, section: Section) -> None:
        start = section.region.lead
        for entry in self.frame.entries:
            if id(entry.node) in self.frame.gone and entry.region is not None:
                self._verbatim(start, entry.region.lead)
                start = entry.region.end
        self._verbatim(start, section.region.end)

    def _verbatim(self, start: int, end: int) -> None:
        self.out.verbatim(start, end)

    def _blocks(self) -> None:
        """Write the blocks of anchors that come from other files."""
        taken = set(self.sections) - self.dropped
        strays = [*self.frame.anchors.strays, *self.frame.contents.strays]
        if self.frame.anchors.kept:
            self.out.separate()
        self.out.end_line()
        for comment in strays:
            self.out.add(NewText(comment + self.source.newline))
        for n, block in enumerate(self.frame.anchors.kept):
            if n:
                self.out.separate()
            self._add(_unique(block, taken).cut(block.start, block.region.end))
        if self.frame.anchors.kept:
            self.out.separate()

    def _section(self, name: str, section: Section | None) -> None:
        if section is not None:
            self._verbatim(section.region.lead, self.source.next_line(section.region.key))
        else:
            text, region = self.frame.contents.heads[name]
            self._add(text.cut(region.lead, text.source.next_line(region.key)))
        entries = self._entries(name, section)
        column = self._column(section, entries)
        blank = self._blank(name, entries)
        for n, one in enumerate(entries):
            if n:
                self._between(entries[n - 1], one, blank=blank)
            self._add(one.pieces(column))

    def _entries(self, name: str, section: Section | None) -> list[Fragment]:
        path = () if name == "services" else (RESOURCE,)
        taken = dict(self.frame.contents.sections.get(name, {}))
        found: dict[str, Fragment] = {}
        before = -1
        for key, region in ((section.entries if section else None) or {}).items():
            mine = fragment(self.own, region, path, key)
            follows = tuple(self.own.cut(before, region.lead)) if before >= 0 else ()
            one = taken.pop(key, mine)
            found[key] = replace(one, follows=follows) if one.region is region else one
            before = region.end
        order = [*found, *taken]
        found |= taken
        pattern = (self.frame.pattern.sections or {}).get(name) if self.frame.pattern else None
        if pattern is not None:
            order = like(order, list(pattern.entries or {}))
        if name == "services":
            order = ordered(order, self.frame.anchors.after)
        return [found[key] for key in order]

    def _column(self, section: Section | None, entries: list[Fragment]) -> int:
        for region in ((section.entries if section else None) or {}).values():
            return self.source.column(region.entry.start)
        return entries[0].column if entries else 2

    def _between(self, above: Fragment, below: Fragment, *, blank: bool) -> None:
        """Write the blank lines that stood between the two, or those that are usual."""
        if _are_neighbours(above, below):
            self._add(below.follows)
        elif blank:
            self.out.separate()

    def _blank(self, name: str, entries: list[Fragment]) -> bool:
        """Return whether blank lines are usual between the entries of the section *name*."""
        seen = [bool(e.follows) for e in entries if _has_predecessor(e)]
        if self.frame.pattern is not None:
            section = (self.frame.pattern.sections or {}).get(name)
            regions = list(((section.entries if section else None) or {}).values())
            seen = [a.end < b.lead for a, b in pairwise(regions)] or seen
        if not seen:
            return name == "services"
        return sum(seen) * 2 >= len(seen)

    def _add(self, pieces: Iterable[object]) -> None:
        self.out.end_line()
        for piece in with_line_ends(pieces, self.source.newline):  # type: ignore[arg-type]
            self.out.add(piece)


def _at(pattern: list[str], name: str) -> int:
    return pattern.index(name) if name in pattern else 0


def _siblings(one: Fragment) -> list[str]:
    for section in (one.text.file.sections or {}).values():
        for region in (section.entries or {}).values():
            if region is one.region:
                return list(section.entries or {})
    return []


def _has_predecessor(one: Fragment) -> bool:
    names = _siblings(one)
    return one.region.entry.name in names[1:]


def _are_neighbours(above: Fragment, below: Fragment) -> bool:
    names = _siblings(below)
    name = below.region.entry.name
    if above.text.path != below.text.path or name not in names[1:]:
        return False
    return names[names.index(name) - 1] == above.region.entry.name


def _unique(block: Block, taken: set[str]) -> Text:
    """Return the text of *block* with a key that no other section has."""
    name, number = block.name, 1
    while name in taken:
        number += 1
        name = f"{block.name}-{number}"
    taken.add(name)
    if name == block.name:
        return block.text
    key = block.region.entry.key
    return block.text.with_splices([TextEdit(key.start, key.end, name)])
