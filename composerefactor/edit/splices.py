"""One replaced piece of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.repeats import service_regions, value_start
from composerefactor.edit.operations import Nest, Share, Substitute
from composerefactor.edit.rendering import tail
from composerefactor.errors import RefusedError
from composerefactor.yaml.comments import Region, comments
from composerefactor.yaml.nodes import (
    Entry,
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    in_flow,
    node_at,
    shown,
    walk,
)
from composerefactor.yaml.source import Source
from composerefactor.yaml.style import Style


class TextEdit(Struct, frozen=True):
    """Characters ``start:end`` of a text are replaced by *text*.

    *column* is the indentation of lines that are added: deeper ones come first at one place.
    """

    start: int
    end: int
    text: str
    column: int = 0


def missing(file: ComposeFile, path: Path) -> NoReturn:
    """Raise RefusedError for an address at which nothing stands."""
    raise refused(file, path, None, "is not there any more")


def refused(file: ComposeFile, path: Path, node: Node | None, why: str) -> RefusedError:
    """Return the error for an edit at *path*, where *node* stands."""
    return RefusedError(
        f"{shown(path) or 'the file'} {why}",
        location=file.source.location(node.start if node else 0),
        remedy="make this change by hand",
    )


_HARMLESS = re.compile(r"[\w$./~:?+@-]*|\$\{[\w$./~:?+@{}-]*\}")
"""Text that means itself in a scalar of any style, unless it is plain in a flow collection."""


def substitution(file: ComposeFile, edit: Substitute) -> TextEdit:
    """Return the splice for *edit*.

    Raises RefusedError where the part is written with escapes or over several lines, and for new
    text that would need quotes or escapes.
    """
    node = node_at(file.root, edit.path)
    if not isinstance(node, ScalarNode):
        raise refused(file, edit.path, node, "is no text")
    raw = file.source.text[node.start : node.end]
    at = _nth(raw, edit.old, edit.nth)
    if raw.count(edit.old) != node.value.count(edit.old) or at < 0:
        raise refused(file, edit.path, node, f"does not have {edit.old!r} as it is written")
    new = raw[:at] + edit.new + raw[at + len(edit.old) :]
    flow = in_flow(file.root, edit.path)
    if not _keeps(node, edit) or (not node.style and not _still_plain(new, flow=flow)):
        raise refused(file, edit.path, node, f"cannot take {edit.new!r} without other quotes")
    start = node.start + at
    return TextEdit(start, start + len(edit.old), edit.new)


def _nth(text: str, part: str, nth: int) -> int:
    at = text.find(part)
    while nth > 0 and at >= 0:
        at, nth = text.find(part, at + 1), nth - 1
    return at


def _keeps(node: ScalarNode, edit: Substitute) -> bool:
    """Return whether the new text cannot end the scalar, nor begin an escape."""
    if node.style == '"' and "\\" in edit.old + edit.new:
        return False
    return _HARMLESS.fullmatch(edit.new) is not None or set(edit.new) <= set(edit.old + "$-")


def _still_plain(text: str, *, flow: bool) -> bool:
    if flow and re.search(r"[\[\]{},]", text):
        return False
    return not re.match(r"[-?:,\[\]{}#&*!|>'\"%@`]", text) and not re.search(r":\s|\s#|:$", text)


def removal(source: Source, root: Node, path: Path, nth: int = 0) -> tuple[int, int, str] | None:
    """Return ``(start, end, text)``: *text* takes the place of ``start:end``.

    *nth* counts equal keys. None where nothing stands at *path*. Raises RefusedError where others
    need the text, or where nothing would be left beside it.
    """
    parent, step = node_at(root, path[:-1]), path[-1]
    entries, n = _siblings(parent, step, nth)
    if n is None or not isinstance(parent, MappingNode | SequenceNode):
        return None
    found = entries[n]
    if any(node.anchor for node in walk(found.value)):
        raise _refused(source, path, found, "carries an anchor that others may use")
    if len(entries) == 1:
        raise _refused(source, path, found, "is all that stands there")
    if parent.flow:
        return _in_flow(source, path, entries, n)
    column = found.start
    if isinstance(parent, SequenceNode):
        column = source.text.rfind("-", source.line_start(found.start), found.start)
    start, end = source.line_start(column), tail(source, found)
    if source.text[start:column].strip():
        raise _refused(source, path, found, "does not stand on a line of its own")
    indent = source.text[start:column]
    kept = "".join(f"{indent}{c}{source.newline}" for c in comments(source, found, start, end))
    if not kept and _is_blank(source, start - 1) and _is_blank(source, end):
        end = source.next_line(end)
    return start, end, kept


def _siblings(parent: Node | None, step: str | int, nth: int) -> tuple[list[Entry], int | None]:
    if isinstance(parent, SequenceNode) and isinstance(step, int):
        items = [Entry(item, item) for item in parent.items]
        return items, step if step < len(items) else None
    if isinstance(parent, MappingNode):
        named = [n for n, entry in enumerate(parent.entries) if entry.name == step]
        return parent.entries, named[nth] if nth < len(named) else None
    return [], None


def _in_flow(source: Source, path: Path, entries: list[Entry], n: int) -> tuple[int, int, str]:
    last = n + 1 == len(entries)
    start = entries[n - 1].end if last else entries[n].start
    end = entries[n].end if last else entries[n + 1].start
    if "#" in source.text[start:end]:
        raise _refused(source, path, entries[n], "stands beside a comment in a flow collection")
    return start, end, ""


def _is_blank(source: Source, at: int) -> bool:
    """Return whether the line at *at* is blank, as what is above the first line is."""
    return at < 0 or (at < len(source.text) and not source.line(at).strip())


def _refused(source: Source, path: Path, entry: Entry, why: str) -> RefusedError:
    return RefusedError(
        f"{shown(path)} {why}",
        location=source.location(entry.start),
        remedy="make this change by hand",
    )


def nesting(file: ComposeFile, edit: Nest, style: Style) -> Iterator[TextEdit]:
    """Yield the splices for *edit*.

    Raises RefusedError where other entries stand between, or the lines cannot be told apart.
    """
    source, root = file.source, file.root
    at = [n for n, entry in enumerate(root.entries) if entry.name in edit.names]
    if not at:
        missing(file, edit.names[:1])
    first, last = at[0], at[-1]
    if at != list(range(first, last + 1)):
        raise refused(file, (root.entries[first].name or "",), root, "does not stand with the rest")
    if root.flow:
        yield TextEdit(root.entries[first].start, root.entries[first].start, f"{edit.key}: {{")
        yield TextEdit(root.entries[last].end, root.entries[last].end, "}")
        return
    sections = file.sections
    if sections is None or source.column(root.entries[first].start):
        raise refused(file, (root.entries[first].name or "",), root, "has no lines of its own")
    start = sections[root.entries[first].name or ""].region.lead
    end = sections[root.entries[last].name or ""].region.end
    yield TextEdit(start, start, f"{edit.key}:{source.newline}")
    deeper = " " * style.indent
    yield from (TextEdit(line, line, deeper) for line in _lines(file, source, start, end))


def _lines(file: ComposeFile, source: Source, start: int, end: int) -> Iterator[int]:
    """Yield where the lines of ``start:end`` begin that hold something.

    Spaces are something in a block of text, which would lose some of them.
    """
    blocks = [n for n in walk(file.root) if isinstance(n, ScalarNode) and n.style in {"|", ">"}]
    inside = {
        line
        for block in blocks
        for line in source.line_starts[
            source.line_index(block.start) + 1 : source.line_index(block.end) + 1
        ]
    }
    at = start
    while at < end:
        line = source.line(at)
        if line.strip() or (line and at in inside):
            yield at
        at = source.next_line(at)


def sharing(file: ComposeFile, edit: Share, style: Style) -> Iterator[TextEdit]:
    """Yield the splices for *edit*; raises RefusedError where the lines cannot be told apart."""
    source = file.source
    for service in edit.services:
        found = _regions(file, edit, service)
        if edit.merged:
            yield from _merged(source, found, edit.anchor)
        else:
            at = value_start(file, found[0])
            end = found[0].end
            yield TextEdit(at, end, f" *{edit.anchor}{_line_end(source, end)}")
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
    yield TextEdit(lead, lead, ended + newline)


def _regions(file: ComposeFile, edit: Share, service: str) -> list[Region]:
    found = [r for r in service_regions(file, service) if r.entry.name in edit.keys]
    if len(found) != len(edit.keys):
        missing(file, ("services", service))
    return found


def _merged(source: Source, found: list[Region], anchor: str) -> Iterator[TextEdit]:
    """Put a merge key in place of the first of the entries, and nothing in that of the others."""
    first = found[0]
    indent = " " * source.column(first.entry.start)
    line = f"{indent}<<: *{anchor}{_line_end(source, first.end)}"
    yield TextEdit(first.lead, first.end, line)
    for region in found[1:]:
        start, stop = region.lead, region.end
        before = source.line(start - 1) if start else ""
        if not before.strip() and (stop >= len(source.text) or not source.line(stop).strip()):
            start = source.line_start(start - 1)
        yield TextEdit(start, stop, "")


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
