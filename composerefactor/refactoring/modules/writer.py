"""The text of a root file and its modules: the same lines in several files.

:class:`FileLayout` is the destination of every element of a root file, :class:`Assembler` writes
the files, and :class:`Output` collects their text and takes care of blank lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile, FileSection
from composerefactor.edit.planned_files import NewText, Piece, PlannedFile, Slice
from composerefactor.refactoring.modules.anchors import AnchorIndex, Block, Element
from composerefactor.refactoring.modules.include import IncludeEdit
from composerefactor.yaml.comments import Region, is_heading
from composerefactor.yaml.source import Source


class Output:
    """Collects the text of a new file; blank lines are kept, and never doubled."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.pieces: list[Piece] = []

    def add(self, piece: Piece) -> None:
        """Add *piece* as it is, unless it is empty."""
        if piece.text:
            self.pieces.append(piece)

    def verbatim(self, start: int, end: int) -> None:
        """Add the lines ``start:end`` of the source."""
        if start < end:
            last = self.pieces[-1] if self.pieces else None
            if (
                isinstance(last, Slice)
                and last.end == start
                and last.source is self.source
                and not last.copy
            ):
                self.pieces[-1] = Slice(last.source, last.start, end)
            else:
                self.end_line()
                self.pieces.append(Slice(self.source, start, end))

    def gap(self, start: int, end: int) -> None:
        """Add the blank lines ``start:end``, but not at the top or below a blank line."""
        if self.pieces and not self.ends_blank():
            self.verbatim(start, end)

    def footer(self, start: int, end: int) -> None:
        """Add what follows the last section: blank lines only where :meth:`gap` would add them."""
        text = self.source.text[start:end]
        if text.strip() or (self.pieces and not self.ends_blank()):
            self.verbatim(start, end)

    def separate(self) -> None:
        """Add a blank line, unless there is one or nothing above."""
        if self.pieces and not self.ends_blank():
            self.end_line()
            self.pieces.append(NewText(self.source.newline))

    def end_line(self) -> None:
        """End the last line where it has no line end, as at the end of a source."""
        if self.pieces and not self.pieces[-1].ends_line:
            self.pieces.append(NewText(self.source.newline))

    def block(self, block: Block, *, copy: bool = True) -> None:
        """Add the lines of *block*, below the key of the section around them if it needs one."""
        if block.wrapper or not self.source.text[block.start].isspace():
            self.separate()
        if block.wrapper:
            self.add(NewText(f"{block.wrapper}:{self.source.newline}"))
        self.add(Slice(self.source, block.start, block.end, copy=copy))

    def ends_blank(self) -> bool:
        """Return whether the last line is blank."""
        tail = "".join(p.text[-200:] for p in self.pieces[-2:])
        return len(tail.splitlines()) > 1 and not tail.splitlines()[-1].strip()


class FileLayout(Struct, frozen=True, dict=True):
    """The destination of every element of a root file.

    Attributes:
        file: the root file.
        anchors: its anchors.
        destinations: the new path of each element, ``""`` for one that stays in the root file.
        order: the modules in the order of the plan.
    """

    file: ComposeFile
    anchors: AnchorIndex
    destinations: dict[Element, str]
    order: tuple[str, ...]

    @cached_property
    def members(self) -> dict[str, dict[str, list[str]]]:
        """The names of entries by destination and section, in the order of the text."""
        members: dict[str, dict[str, list[str]]] = {}
        for (section, name), destination in self.destinations.items():
            members.setdefault(destination, {}).setdefault(section, []).append(name)
        return members

    def entries(self, destination: str, section: str) -> list[str]:
        """Return the entries of *section* that go to *destination*."""
        return self.members.get(destination, {}).get(section, [])

    def elements(self, destination: str) -> list[Element]:
        """Return the elements that go to *destination*."""
        sections = self.members.get(destination, {})
        return [(section, name) for section, names in sections.items() for name in names]


class Assembler:
    """Writes the root file and the modules of one layout.

    *include* is the new include list; the root file gets none if it has no entries.
    """

    def __init__(self, layout: FileLayout, include: IncludeEdit) -> None:
        self.layout = layout
        self.file = layout.file
        self.source = layout.file.source
        self.sections = layout.file.sections or {}
        self.include = include
        self._written_keys: set[str] = set()
        self._above: dict[Element, int] = {}
        for name, section in self.sections.items():
            end = section.region.lead
            for key, region in (section.entries or {}).items():
                self._above[name, key] = end
                end = region.end
        self._headings: dict[Element, Region | None] = dict(self._moved_headings())

    def _moved_headings(self) -> Iterator[tuple[Element, Region | None]]:
        """Yield the entries whose heading differs from the source: the region that has it.

        A heading over several resources, some of which stay in the root file, stays there, too.
        """
        for name, section in self.sections.items():
            groups: list[list[tuple[str, Region]]] = []
            entries = section.entries if name in RESOURCE_SECTIONS else None
            for key, region in (entries or {}).items():
                is_below = self._above[name, key] == region.lead == region.key
                if is_below and groups:
                    groups[-1].append((key, region))
                else:
                    groups.append([(key, region)])
            for (first, region), *others in groups:
                if not is_heading(self.source, region.lead, region.key):
                    continue
                moves = self.layout.destinations.get((name, first))
                kept = [key for key, _ in others if key in self.layout.entries("", name)]
                if kept and moves:
                    yield (name, first), None
                    yield (name, kept[0]), region

    def root(self) -> PlannedFile:
        """Return the root file: what stays in it, with the include list."""
        out = Output(self.source)
        sections = list(self.sections.values())
        done = sections[0].region.lead if sections else 0
        out.verbatim(0, done)
        copies = self._copies("")
        is_listed = bool(self.include.entries)
        for section in sections:
            start = section.region.lead
            self._write_copies(out, copies, before=section.region.end)
            is_place = is_listed and section.name == self.include.anchor_section
            if is_place and section.name == "services":
                self._write_include(out, section, done)
                done = section.region.end
                continue
            if is_place and not self.include.appends:
                out.gap(done, start)
                for piece in self.include.created():
                    out.add(piece)
                out.separate()
            if section.name == "include" and is_listed:
                out.gap(done, start)
                for piece in self.include.appended(section):
                    out.add(piece)
            elif self._stays_whole(section):
                self._write_gap(out, done, start)
                out.verbatim(start, section.region.end)
            elif self._kept_names(section):
                self._write_gap(out, done, start)
                self._write_kept(out, section)
            done = section.region.end
        out.footer(done, len(self.source.text))
        return PlannedFile(self.file.path, tuple(out.pieces), self.source.has_bom)

    def modules(self, without: Collection[Element] = ()) -> list[PlannedFile]:
        """Return the modules, in the order of the plan.

        They have what the sections *without* need, but not their text.
        """
        return [self._module(path, without) for path in self.layout.order]

    def _module(self, path: str, without: Collection[Element]) -> PlannedFile:
        out = Output(self.source)
        copies = self._copies(path)
        for section in self.sections.values():
            names = self.layout.entries(path, section.name)
            self._write_copies(out, copies, before=section.region.end)
            if not names or (section.name, "") in without:
                continue
            out.separate()
            if section.entries is None or section.name.startswith("x-"):
                out.verbatim(section.region.lead, section.region.end)
                continue
            self._write_section_key(out, section)
            self._write_entries(out, section, names)
        out.end_line()
        return PlannedFile(path, tuple(out.pieces))

    def _kept_names(self, section: FileSection) -> list[str]:
        """Return the entries of *section* that stay in the root file."""
        return self.layout.entries("", section.name)

    def _stays_whole(self, section: FileSection) -> bool:
        """Return whether all of *section* stays in the root file, as it is."""
        is_element = section.name.startswith("x-") or section.entries is None
        count = 1 if is_element else len(section.entries or {})
        return len(self._kept_names(section)) == count

    def _write_gap(self, out: Output, start: int, end: int) -> None:
        """Write the blank lines ``start:end`` between two sections.

        One is added below the include list where a comment at the end of the services was not
        followed by any.
        """
        out.gap(start, end)
        services = self.sections.get("services")
        is_gone = services is not None and not self._kept_names(services)
        if services and is_gone and start == services.region.end != services.region.tail:
            out.separate()

    def _write_include(self, out: Output, section: FileSection, done: int) -> None:
        """Write the include list in place of the services, below the comments above them.

        Services that stay are below it.
        """
        start = section.region.lead
        kept = bool(self._kept_names(section))
        if self.include.appends and not kept:
            return
        out.gap(done, start)
        if self.include.appends:
            self._write_kept(out, section)
            return
        if not kept:
            out.verbatim(start, section.region.key)
        for piece in self.include.created():
            out.add(piece)
        if kept:
            out.separate()
            self._write_kept(out, section)

    def _write_kept(self, out: Output, section: FileSection) -> None:
        out.verbatim(section.region.lead, self.source.next_line(section.region.key))
        self._written_keys.add(section.name)
        self._write_entries(out, section, self._kept_names(section))

    def _write_section_key(self, out: Output, section: FileSection) -> None:
        """Write the line of a section's key, with its comments in the first file that has it."""
        region = section.region
        line_end = self.source.next_line(region.key)
        if section.name not in self._written_keys and not self._kept_names(section):
            self._written_keys.add(section.name)
            titled_in_root = (
                section.name == "services" == self.include.anchor_section
                and not self.include.appends
            )
            out.verbatim(region.key if titled_in_root else region.lead, line_end)
            return
        key = region.entry.key
        text = self.source.text[self.source.line_start(key.start) : key.end]
        out.add(NewText(f"{text}:{self.source.newline}"))

    def _write_entries(self, out: Output, section: FileSection, names: Iterable[str]) -> None:
        entries = section.entries or {}
        for n, name in enumerate(names):
            region = entries[name]
            if n:
                out.gap(self._above[section.name, name], region.lead)
            titled = self._headings.get((section.name, name), region)
            if titled is not None:
                out.verbatim(titled.lead, titled.key)
            out.verbatim(region.key, region.end)

    def _copies(self, destination: str) -> list[Block]:
        """Return the blocks that *destination* needs from elsewhere, in the order of the text."""
        anchors = self.layout.anchors
        own = self.layout.elements(destination)
        used_keys = {section for section, _ in own}
        if not destination:
            used_keys |= {name for name in self.sections if name.startswith("x-")}
        return anchors.blocks_of(anchors.needs(own), used_keys)

    def _write_copies(self, out: Output, blocks: list[Block], before: int) -> None:
        """Write those of *blocks* that begin before the offset *before*.

        An anchor comes before its aliases. A section may need a block from itself, so *before* is
        the end of the section.
        """
        while blocks and blocks[0].start < before:
            out.block(blocks.pop(0))
