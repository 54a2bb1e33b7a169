"""Drafts of shared modules and of environment files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from composerefactor.compose.file import ComposeFile
from composerefactor.edits.drafts import Draft, Slice, Written
from composerefactor.factoring.parts import Definition, Span, nodes_in
from composerefactor.modules.anchors import AnchorIndex, Block, Holder
from composerefactor.modules.output import Output
from composerefactor.yamltree.nodes import Node
from composerefactor.yamltree.regions import Region


class ServicePart(Struct, frozen=True):
    """Lines of one service: *spans* below its key; *with_comment* also what stands above it.

    *notes* are comments of other files, each with the offset of the line above which it belongs.
    *stub* is what stands first below the key, in place of what another file says of the service.
    """

    region: Region
    spans: Sequence[Span]
    notes: Sequence[tuple[int, str]] = ()
    with_comment: bool = True
    stub: str = ""


class Content(Struct, frozen=True):
    """What a new file takes from *file*: parts of services, and whole entries of sections.

    *adopts* names ``x-`` blocks that move there, with all comments on them; *titled* the sections
    whose key comes along as it stands, with the comments on it.
    """

    path: str
    file: ComposeFile
    anchors: AnchorIndex
    services: Sequence[ServicePart]
    entries: Sequence[Holder] = ()
    adopts: tuple[str, ...] = ()
    titled: frozenset[str] = frozenset()


def write(content: Content) -> Draft:
    """Return the draft of *content*: anchors that it needs, services, then other sections."""
    file, source = content.file, content.file.source
    out = Output(source)
    sections = file.sections or {}
    adopted = {sections[name].region.lead for name in content.adopts}
    for block in _copies(content):
        if block.wrapper or not source.text[block.start].isspace():
            out.separate()
        if block.wrapper:
            out.add(Written(f"{block.wrapper}:{source.newline}"))
        out.add(Slice(source, block.start, block.end, copy=block.start not in adopted))
    if content.services:
        out.separate()
        _section_key(out, file, "services")
        for i, part in enumerate(content.services):
            if i:
                out.separate()
            _service(out, part)
    for section, names in _by_section(content.entries).items():
        out.separate()
        region = sections[section].region
        if section in content.titled:
            out.verbatim(region.lead, source.next_line(region.key))
        else:
            _section_key(out, file, section)
        entries = file.regions_in(section)
        for name in names:
            out.verbatim(entries[name].lead, entries[name].end)
    out.end_line()
    return Draft(content.path, tuple(out.pieces))


def _service(out: Output, part: ServicePart) -> None:
    source, region = out.source, part.region
    _notes(out, [c for at, c in part.notes if at <= region.lead], region.lead)
    start = region.lead if part.with_comment else region.key
    if part.with_comment or not part.stub:
        out.verbatim(start, source.next_line(region.key))
    else:
        out.end_line()
        out.add(Written(f"{source.text[region.key : region.entry.key.end]}:{source.newline}"))
    out.add(Written(part.stub))
    inner = [(at, c) for at, c in part.notes if at > region.lead]
    for begin, end in part.spans:
        _notes(out, [c for at, c in inner if at == begin], begin)
        out.verbatim(begin, end)


def _notes(out: Output, found: Sequence[str], at: int) -> None:
    """Write comments at the indentation of the line at *at*."""
    if not found:
        return
    line = out.source.line(at)
    indent = line[: len(line) - len(line.lstrip())]
    for comment in found:
        out.end_line()
        out.add(Written(f"{indent}{comment}{out.source.newline}"))


def _section_key(out: Output, file: ComposeFile, section: str) -> None:
    key = (file.sections or {})[section].region.entry.key
    out.add(Written(f"{out.source.text[key.outer_start : key.end]}:{out.source.newline}"))


def _by_section(entries: Iterable[Holder]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for section, name in entries:
        found.setdefault(section, []).append(name)
    return found


def _copies(content: Content) -> list[Block]:
    """Return the blocks that the taken lines need from elsewhere in their file."""
    roots = list(taken_nodes(content))
    sections = content.file.sections or {}
    taken = {name for name in sections if name.startswith("x-")}
    adopted = [sections[name].region for name in content.adopts]
    found = [Block(region.lead, region.end) for region in adopted]
    for holder, targets in content.anchors.needs_of(roots).items():
        if holder[0] not in content.adopts:
            found += content.anchors.blocks(holder, targets, taken)
    return sorted(found, key=lambda b: (b.start, -b.end))


def taken_nodes(content: Content) -> Iterable[Node]:
    """Yield the nodes in the taken lines: aliases and anchors count, whatever is around them."""
    for part in content.services:
        yield from nodes_in(
            Definition(content.file.source, part.region), part.spans, content.anchors
        )
    sections = content.file.sections or {}
    for section, name in content.entries:
        yield content.file.regions_in(section)[name].entry.value
    for name in content.adopts:
        yield sections[name].region.entry.value
