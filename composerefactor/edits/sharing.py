"""Repeated text, written once with an anchor."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.repeats import service_regions, value_start
from composerefactor.edits.operations import Share
from composerefactor.edits.refusal import missing, refused
from composerefactor.edits.splice import Splice
from composerefactor.source import Source
from composerefactor.yamltree.regions import Region
from composerefactor.yamltree.style import Style


def sharing(file: ComposeFile, edit: Share, style: Style) -> Iterator[Splice]:
    """Yield the splices for *edit*; raises RefusedError where the lines cannot be told apart."""
    source = file.source
    for service in edit.services:
        found = _regions(file, edit, service)
        if edit.merged:
            yield from _merged(source, found, edit.anchor)
        else:
            at = value_start(file, found[0])
            end = found[0].end
            yield Splice(at, end, f" *{edit.anchor}{_line_end(source, end)}")
    if not edit.key:
        return
    found = _regions(file, edit, edit.services[0])
    text = _block(file, found, edit, style) if edit.merged else _value(file, found[0], edit)
    sections = file.sections
    if sections is None:
        raise refused(file, ("services",), None, "has no lines of its own")
    lead = sections["services"].region.lead
    newline = source.newline
    ended = text if text.endswith("\n") else text + newline
    yield Splice(lead, lead, ended + newline)


def _regions(file: ComposeFile, edit: Share, service: str) -> list[Region]:
    found = [r for r in service_regions(file, service) if r.entry.name in edit.keys]
    if len(found) != len(edit.keys):
        missing(file, ("services", service))
    return found


def _merged(source: Source, found: list[Region], anchor: str) -> Iterator[Splice]:
    """Put a merge key in place of the first of the entries, and nothing in that of the others."""
    first = found[0]
    indent = " " * source.column(first.entry.start)
    line = f"{indent}<<: *{anchor}{_line_end(source, first.end)}"
    yield Splice(first.lead, first.end, line)
    for region in found[1:]:
        start, stop = region.lead, region.end
        before = source.line(start - 1) if start else ""
        if not before.strip() and (stop >= len(source.text) or not source.line(stop).strip()):
            start = source.line_start(start - 1)
        yield Splice(start, stop, "")


def _block(file: ComposeFile, found: list[Region], edit: Share, style: Style) -> str:
    source = file.source
    width = source.column(found[0].entry.start) - style.indent
    texts = [_ended(source, source.text[r.lead : r.end]) for r in found]
    return f"{edit.key}: &{edit.anchor}{source.newline}" + _moved("".join(texts), width)


def _value(file: ComposeFile, found: Region, edit: Share) -> str:
    """Return the value with its lines as far left as a top-level key wants them."""
    source, value = file.source, found.entry.value
    key_end = source.next_line(found.key)
    width = source.column(found.entry.start)
    head = f"{edit.key}: &{edit.anchor}"
    if value.outer_start >= key_end:
        first = source.text[value_start(file, found) : key_end]
    else:
        first = f" {source.text[value.outer_start : key_end]}"
    return head + first + _moved(source.text[key_end : found.end], width)


def _moved(text: str, width: int) -> str:
    """Return *text* with *width* spaces less before each line, or as many as it has."""
    moved = []
    for line in text.splitlines(keepends=True):
        have = len(line) - len(line.lstrip(" "))
        moved.append(line[min(have, width) :])
    return "".join(moved)


def _ended(source: Source, text: str) -> str:
    return text if text.endswith("\n") else text + source.newline


def _line_end(source: Source, end: int) -> str:
    """Return the line end before *end*, ``""`` at the end of a text that has none."""
    if source.text[end - 1 : end] != "\n":
        return ""
    return "\r\n" if source.text[end - 2 : end] == "\r\n" else "\n"
