"""A root that keeps the stubs of its services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from composerefactor.compose.file import ComposeFile, Section
from composerefactor.edits.drafts import Draft, Slice, Written
from composerefactor.factoring.parts import Span
from composerefactor.modules.anchors import AnchorIndex, Block, Holder
from composerefactor.modules.output import Output
from composerefactor.stubs.text import key_of
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.nodes import Node, walk
from composerefactor.yamltree.regions import Region


class StubRoot(Struct, frozen=True):
    """*stubs* gives the lines of each service that left *file*, *rests* those that stay below them.

    *gone* has the ``x-`` sections that moved to a module, *titled* the services above whose stubs
    the comments stay.
    """

    file: ComposeFile
    anchors: AnchorIndex
    stubs: Mapping[str, str]
    rests: Mapping[str, Sequence[Span]]
    gone: frozenset[str]
    titled: frozenset[str] = frozenset()

    def draft(self) -> Draft:
        """Return the draft: the same text, with stubs for services."""
        source = self.file.source
        out = Output(source)
        sections = self.file.sections or {}
        done = next(iter(sections.values())).region.lead if sections else 0
        out.verbatim(0, done)
        blocks = self._blocks()
        for section in sections.values():
            region = section.region
            if section.name in self.gone:
                done = region.end
                continue
            while blocks and blocks[0].start < region.end:  # anchors come before their aliases
                self._copy(out, blocks.pop(0))
            out.gap(done, region.lead)
            if section.name == "services":
                self._services(out, section)
            else:
                out.verbatim(region.lead, region.end)
            done = region.end
        out.footer(done, len(source.text))
        return Draft(self.file.path, tuple(out.pieces), source.has_bom)

    def _services(self, out: Output, section: Section) -> None:
        source = self.file.source
        out.verbatim(section.region.lead, source.next_line(section.region.key))
        before: Region | None = None
        for name, region in (section.entries or {}).items():
            kept = name not in self.stubs
            if before is not None and kept and before.entry.name not in self.stubs:
                out.verbatim(before.end, region.lead)
            elif before is not None and self._is_apart(before, region):
                out.separate()
            if kept:
                out.verbatim(region.lead, region.end)
            else:
                out.end_line()
                out.add(Written(f"{self._key(out, region)}{source.newline}{self.stubs[name]}"))
                for start, end in self.rests.get(name, ()):
                    out.verbatim(start, end)
            before = region

    def _key(self, out: Output, region: Region) -> str:
        """Return the line with the key of a stub, below its comments if they stay."""
        source, key = self.file.source, f"{key_of(self.file.source, region)}:"
        if region.entry.name not in self.titled:
            return key
        out.verbatim(region.lead, region.key)
        behind = comments(source, region.entry, region.key, source.next_line(region.key))
        return "  ".join([key, *behind])

    def _is_apart(self, one: Region, other: Region) -> bool:
        """Return whether a blank line stands between two services of which more than stubs stay."""
        had = "\n" in self.file.source.text[one.end : other.lead]
        return had and (self._is_long(one) or self._is_long(other))

    def _is_long(self, region: Region) -> bool:
        """Return whether more than a stub is left of a service."""
        name = region.entry.name or ""
        return name not in self.stubs or bool(self.rests.get(name))

    def _copy(self, out: Output, block: Block) -> None:
        """Write a block that what stays needs from what does not."""
        source = self.file.source
        if block.wrapper or not source.text[block.start].isspace():
            out.separate()
        if block.wrapper:
            out.add(Written(f"{block.wrapper}:{source.newline}"))
        out.add(Slice(source, block.start, block.end, copy=True))

    def _blocks(self) -> list[Block]:
        taken = set(self.file.sections or {}) - self.gone
        needs: Mapping[Holder, list[Node]] = self.anchors.needs_of(list(self._kept_nodes()))
        found: list[Block] = []
        for holder, targets in needs.items():
            found += self.anchors.blocks(holder, targets, taken)
        return sorted(found, key=lambda block: (block.start, -block.end))

    def _kept_nodes(self) -> Iterator[Node]:
        for section in (self.file.sections or {}).values():
            if section.name in self.gone:
                continue
            if section.name != "services":
                yield section.region.entry.value
                continue
            for name, region in (section.entries or {}).items():
                if name not in self.stubs:
                    yield region.entry.value
                    continue
                for node in walk(region.entry.value):
                    spans = self.rests.get(name, ())
                    if any(a <= node.outer_start < b for a, b in spans):
                        yield node
