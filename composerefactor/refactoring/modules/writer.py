"""Drafts of the root and of the modules: the same lines, divided."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from msgspec import Struct

from composerefactor.compose.files import ComposeFile, Section
from composerefactor.edit.planned_files import NewText, Piece, PlannedFile, Slice
from composerefactor.refactoring.modules.anchors import AnchorIndex, Block, Element
from composerefactor.refactoring.modules.include import IncludeEdit
from composerefactor.yaml.source import Source


class Output:
    """Pieces so far; keeps blank lines as they are, and from doubling at a cut."""

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
        """Add the blank lines ``start:end`` unless a blank line, or nothing, stands before."""
        if self.pieces and not self.ends_blank():
            self.verbatim(start, end)

    def footer(self, start: int, end: int) -> None:
        """Add what follows the last section."""
        text = self.source.text[start:end]
        if text.strip() or (self.pieces and not self.ends_blank()):
            self.verbatim(start, end)

    def separate(self) -> None:
        """End the block before with a blank line."""
        if self.pieces and not self.ends_blank():
            self.end_line()
            self.pieces.append(NewText(self.source.newline))

    def end_line(self) -> None:
        """End the last line, where the source has no line end."""
        if self.pieces and not self.pieces[-1].ends_line:
            self.pieces.append(NewText(self.source.newline))

    def ends_blank(self) -> bool:
        """Return whether the last line is blank."""
        tail = "".join(p.text[-200:] for p in self.pieces[-2:])
        return len(tail.splitlines()) > 1 and not tail.splitlines()[-1].strip()


class Division(Struct, frozen=True, dict=True):
    """Which destination holds which parts of *file*; ``""`` is the root.

    *destinations* has the destination of every element, *order* the modules in plan order.
    """

    file: ComposeFile
    anchors: AnchorIndex
    destinations: dict[Element, str]
    order: tuple[str, ...]

    @cached_property
    def members(self) -> dict[str, dict[str, list[str]]]:
        """The entries by destination and section, in the order of the text."""
        found: dict[str, dict[str, list[str]]] = {}
        for (section, name), home in self.destinations.items():
            found.setdefault(home, {}).setdefault(section, []).append(name)
        return found

    def entries(self, destination: str, section: str) -> list[str]:
        """Return the entries of *section* that live in *destination*."""
        return self.members.get(destination, {}).get(section, [])

    def own(self, destination: str) -> list[Element]:
        """Return the holders that live in *destination*."""
        parts = self.members.get(destination, {})
        return [(section, name) for section, names in parts.items() for name in names]


class Assembler:
    """Writes the drafts of one division."""

    def __init__(self, division: Division, include: IncludeEdit) -> None:
        self.division = division
        self.file = division.file
        self.source = division.file.source
        self.sections = division.file.sections or {}
        self.include = include
        self._headers_given: set[str] = set()
        self._above: dict[Element, int] = {}
        for name, section in self.sections.items():
            end = section.region.lead
            for key, region in (section.entries or {}).items():
                self._above[name, key] = end
                end = region.end

    def root(self) -> PlannedFile:
        """Return the draft of the root: what stays, with the include list."""
        out = Output(self.source)
        named = list(self.sections.values())
        first = named[0].region.lead if named else 0
        out.verbatim(0, first)
        done = first
        wrappers = self._copies("")
        for section in named:
            start = section.region.lead
            self._emit_copies(out, wrappers, before=section.region.end)
            if section.name == self.include.anchor_section:
                self._emit_include(out, section, done)
            elif section.name == "include" and self.include.appends:
                out.gap(done, start)
                for piece in self.include.appended(section):
                    out.add(piece)
            elif len(self._kept(section)) == self._count(section):
                out.gap(done, start)
                out.verbatim(start, section.region.end)
            elif self._kept(section):
                out.gap(done, start)
                self._emit_kept(out, section)
            done = section.region.end
        out.footer(done, len(self.source.text))
        return PlannedFile(self.file.path, tuple(out.pieces), self.source.has_bom)

    def modules(self) -> list[PlannedFile]:
        """Return the drafts of the modules, in the order of the plan."""
        return [self._module(path) for path in self.division.order]

    def _module(self, path: str) -> PlannedFile:
        out = Output(self.source)
        copies = self._copies(path)
        for section in self.sections.values():
            mine = self.division.entries(path, section.name)
            self._emit_copies(out, copies, before=section.region.end)
            if not mine:
                continue
            out.separate()
            if section.entries is None or section.name.startswith("x-"):
                out.verbatim(section.region.lead, section.region.end)
                continue
            self._emit_section_key(out, section)
            self._emit_entries(out, section, mine)
        out.end_line()
        return PlannedFile(path, tuple(out.pieces))

    def _kept(self, section: Section) -> list[str]:
        """Return the entries of *section* that stay in the root."""
        return self.division.entries("", section.name)

    @staticmethod
    def _count(section: Section) -> int:
        whole = section.name.startswith("x-") or section.entries is None
        return 1 if whole else len(section.entries or {})

    def _emit_include(self, out: Output, section: Section, done: int) -> None:
        """Put the include list where the services stood, below what titled them."""
        start = section.region.lead
        kept = bool(self._kept(section))
        if self.include.appends and not kept:
            return
        out.gap(done, start)
        if self.include.appends:
            self._emit_kept(out, section)
            return
        if not kept:
            out.verbatim(start, section.region.key)
        for piece in self.include.created():
            out.add(piece)
        if kept:
            out.separate()
            self._emit_kept(out, section)

    def _emit_kept(self, out: Output, section: Section) -> None:
        out.verbatim(section.region.lead, self.source.next_line(section.region.key))
        self._headers_given.add(section.name)
        self._emit_entries(out, section, self._kept(section))

    def _emit_section_key(self, out: Output, section: Section) -> None:
        """Write the line of the section's key: as it stands in the first module that needs it."""
        region = section.region
        line_end = self.source.next_line(region.key)
        if section.name not in self._headers_given and not self._kept(section):
            self._headers_given.add(section.name)
            titled_in_root = (
                section.name == self.include.anchor_section and not self.include.appends
            )
            out.verbatim(region.key if titled_in_root else region.lead, line_end)
            return
        key = region.entry.key
        text = self.source.text[self.source.line_start(key.start) : key.end]
        out.add(NewText(f"{text}:{self.source.newline}"))

    def _emit_entries(self, out: Output, section: Section, names: Iterable[str]) -> None:
        entries = section.entries or {}
        for n, name in enumerate(names):
            region = entries[name]
            if n:
                out.gap(self._above[section.name, name], region.lead)
            out.verbatim(region.lead, region.end)

    def _copies(self, destination: str) -> list[Block]:
        """Return the blocks that *destination* needs from elsewhere, in the order of the text."""
        anchors = self.division.anchors
        own = self.division.own(destination)
        taken = {h[0] for h in own}
        if not destination:
            taken |= {name for name in self.sections if name.startswith("x-")}
        found = []
        for element, targets in anchors.needs(own).items():
            found += anchors.blocks(element, targets, taken)
        return sorted(found, key=lambda b: (b.start, -b.end))

    def _emit_copies(self, out: Output, blocks: list[Block], before: int) -> None:
        """Write those of *blocks* that stand above *before*: anchors come before their aliases.

        What a section copies from itself stands above it too, so *before* is the section's end.
        """
        while blocks and blocks[0].start < before:
            block = blocks.pop(0)
            key = not self.source.text[block.start : block.end].startswith((" ", "\t"))
            if block.wrapper or key:
                out.separate()
            if block.wrapper:
                out.add(NewText(f"{block.wrapper}:{self.source.newline}"))
            out.add(Slice(self.source, block.start, block.end, copy=True))
