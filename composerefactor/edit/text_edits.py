"""Text edits at offsets, and those for substituting, removing, nesting and sharing.

The parts of the module: :class:`TextEdit` and its errors, then one group of functions for each of
the edits Substitute, Remove, Nest and Share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.repeats import service_regions, value_start
from composerefactor.edit.operations import Nest, Remove, Share, Substitute
from composerefactor.edit.rendering import YamlStyle, after_last_line
from composerefactor.errors import RefusedError
from composerefactor.yaml.comments import Region, comments_in
from composerefactor.yaml.nodes import (
    Entry,
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    format_path,
    in_flow,
    node_at,
    walk,
)
from composerefactor.yaml.source import Source


class TextEdit(Struct, frozen=True):
    """Replaces characters of a text.

    Attributes:
        start: Offset of the first character to replace.
        end: Offset just after the last one.
        text: The new text.
        column: The indentation of added lines. At the same offset, deeper lines come first.
    """

    start: int
    end: int
    text: str
    column: int = 0


def raise_missing(file: ComposeFile, path: Path) -> NoReturn:
    """Raise RefusedError for a path that does not exist."""
    raise edit_error(file, path, None, "does not exist any more")


def edit_error(file: ComposeFile, path: Path, node: Node | None, why: str) -> RefusedError:
    """Return the error for an edit of *node* at *path*; *why* continues the path as a sentence."""
    return RefusedError(
        f"{format_path(path) or 'the file'} {why}",
        location=file.source.location(node.start if node else 0),
        remedy="make this change by hand",
    )


_HARMLESS = r"[\w$./~:?+@-]*(?: [\w$./~:?+@-]+)*|\$\{[\w$./~:?+@{}-]*\}"
"""Text without special meaning in any scalar style, except plain in a flow collection."""


def substitute_edit(file: ComposeFile, edit: Substitute) -> TextEdit:
    """Return the text edit for *edit*.

    Raises RefusedError if the old text is written with escapes or on several lines, and if the new
    text would need quotes or escapes.
    """
    node = node_at(file.root, edit.path)
    if not isinstance(node, ScalarNode):
        raise edit_error(file, edit.path, node, "is not a text")
    raw = file.source.text[node.start : node.end]
    at = _nth(raw, edit.old, edit.nth)
    if raw.count(edit.old) != node.value.count(edit.old) or at < 0:
        raise edit_error(file, edit.path, node, f"does not contain {edit.old!r} as written")
    new = raw[:at] + edit.new + raw[at + len(edit.old) :]
    flow = in_flow(file.root, edit.path)
    if not _is_safe(node, edit) or (not node.style and not _is_still_plain(new, flow=flow)):
        raise edit_error(file, edit.path, node, f"cannot contain {edit.new!r} without other quotes")
    start = node.start + at
    return TextEdit(start, start + len(edit.old), edit.new)


def _nth(text: str, part: str, nth: int) -> int:
    """Return the offset of occurrence *nth* (from 0) of *part* in *text*, or -1."""
    at = text.find(part)
    while nth > 0 and at >= 0:
        at, nth = text.find(part, at + 1), nth - 1
    return at


def _is_safe(node: ScalarNode, edit: Substitute) -> bool:
    """Return whether the new text can neither end the scalar nor begin an escape."""
    if node.style == '"' and "\\" in edit.old + edit.new:
        return False
    return re.fullmatch(_HARMLESS, edit.new) is not None or set(edit.new) <= set(edit.old + "$-")


def _is_still_plain(text: str, *, flow: bool) -> bool:
    """Return whether *text* can be a plain scalar; *flow* is True inside of ``{}`` or ``[]``."""
    if flow and re.search(r"[\[\]{},]", text):
        return False
    return not re.match(r"[-?:,\[\]{}#&*!|>'\"%@`]", text) and not re.search(r":\s|\s#|:$", text)


def removal_span(source: Source, root: Node, edit: Remove) -> tuple[int, int, str] | None:
    """Return (start, end, replacement) to remove the entry or item of *edit*.

    The replacement contains the comments that stay. Returns None if there is nothing at the path.
    Raises RefusedError if the text contains an anchor, or if it is the only entry.
    """
    path = edit.path
    parent, step = node_at(root, path[:-1]), path[-1]
    entries, n = _siblings(parent, step, edit.nth)
    if n is None or not isinstance(parent, MappingNode | SequenceNode):
        return None
    target = entries[n]
    if any(node.anchor for node in walk(target.value)):
        raise _removal_error(source, path, target, "has an anchor that others may use")
    if len(entries) == 1:
        raise _removal_error(source, path, target, "is the only entry there")
    if parent.flow:
        return _removal_in_flow(source, path, entries, n)
    column = target.start
    if isinstance(parent, SequenceNode):
        column = source.text.rfind("-", source.line_start(target.start), target.start)
    start, end = source.line_start(column), after_last_line(source, target)
    if source.text[start:column].strip():
        raise _removal_error(source, path, target, "is not on a line of its own")
    indent = source.text[start:column]
    for _ in range(edit.lines_above):
        start = source.line_start(start - 1)
    comments = () if edit.with_comments else comments_in(source, target, start, end)
    kept_comments = "".join(f"{indent}{c}{source.newline}" for c in comments)
    if not kept_comments and _is_blank(source, start - 1) and _is_blank(source, end):
        end = source.next_line(end)
        while start == 0 and end < len(source.text) and _is_blank(source, end):
            end = source.next_line(end)
    return start, end, kept_comments


def _siblings(parent: Node | None, step: str | int, nth: int) -> tuple[list[Entry], int | None]:
    if isinstance(parent, SequenceNode) and isinstance(step, int):
        items = [Entry(item, item) for item in parent.items]
        return items, step if step < len(items) else None
    if isinstance(parent, MappingNode):
        named = [n for n, entry in enumerate(parent.entries) if entry.name == step]
        return parent.entries, named[nth] if nth < len(named) else None
    return [], None


def _removal_in_flow(
    source: Source, path: Path, entries: list[Entry], n: int
) -> tuple[int, int, str]:
    last = n + 1 == len(entries)
    start = entries[n - 1].end if last else entries[n].start
    end = entries[n].end if last else entries[n + 1].start
    if "#" in source.text[start:end]:
        raise _removal_error(source, path, entries[n], "is next to a comment in a flow collection")
    return start, end, ""


def _is_blank(source: Source, at: int) -> bool:
    """Return whether the line at *at* is blank; above the first line, it counts as blank."""
    return at < 0 or (at < len(source.text) and not source.line(at).strip())


def _removal_error(source: Source, path: Path, entry: Entry, why: str) -> RefusedError:
    return RefusedError(
        f"{format_path(path)} {why}",
        location=source.location(entry.start),
        remedy="make this change by hand",
    )


def nest_edits(file: ComposeFile, edit: Nest, style: YamlStyle) -> Iterator[TextEdit]:
    """Yield the text edits for *edit*.

    Raises RefusedError if the entries are not adjacent, or if they are not on lines of their own.
    """
    source, root = file.source, file.root
    at = [n for n, entry in enumerate(root.entries) if entry.name in edit.names]
    if not at:
        raise_missing(file, edit.names[:1])
    first, last = at[0], at[-1]
    if at != list(range(first, last + 1)):
        raise edit_error(
            file, (root.entries[first].name or "",), root, "is not adjacent to the other entries"
        )
    if root.flow:
        yield TextEdit(root.entries[first].start, root.entries[first].start, f"{edit.key}: {{")
        yield TextEdit(root.entries[last].end, root.entries[last].end, "}")
        return
    sections = file.sections
    if sections is None or source.column(root.entries[first].start):
        raise edit_error(file, (root.entries[first].name or "",), root, "has no lines of its own")
    start = sections[root.entries[first].name or ""].region.lead
    end = sections[root.entries[last].name or ""].region.end
    yield TextEdit(start, start, f"{edit.key}:{source.newline}")
    deeper = " " * style.indent
    yield from (
        TextEdit(line, line, deeper) for line in _indentable_lines(file, source, start, end)
    )


def _indentable_lines(file: ComposeFile, source: Source, start: int, end: int) -> Iterator[int]:
    """Yield the offsets at which the non-blank lines of ``start:end`` begin.

    In a block scalar, a line of spaces is not blank, because the spaces belong to its text.
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


def share_edits(file: ComposeFile, edit: Share, style: YamlStyle) -> Iterator[TextEdit]:
    """Yield the text edits for *edit*; raises RefusedError if a key has no lines of its own."""
    source = file.source
    for service in edit.services:
        shared_regions = _regions(file, edit, service)
        if edit.merged:
            yield from _merge_key_edits(source, shared_regions, edit.anchor)
        else:
            at = value_start(file, shared_regions[0])
            end = shared_regions[0].end
            yield TextEdit(at, end, f" *{edit.anchor}{_line_end(source, end)}")
    if not edit.key:
        return
    shared_regions = _regions(file, edit, edit.services[0])
    text = (
        _shared_mapping(file, shared_regions, edit, style)
        if edit.merged
        else _shared_value(file, shared_regions[0], edit)
    )
    sections = file.sections
    if sections is None:
        raise edit_error(file, ("services",), None, "has no lines of its own")
    lead = sections["services"].region.lead
    newline = source.newline
    block = text if text.endswith("\n") else text + newline
    yield TextEdit(lead, lead, block + newline)


def _regions(file: ComposeFile, edit: Share, service: str) -> list[Region]:
    """Return the regions of the shared keys in *service*; raises RefusedError if one is missing."""
    shared_regions = [r for r in service_regions(file, service) if r.entry.name in edit.keys]
    if len(shared_regions) != len(edit.keys):
        raise_missing(file, ("services", service))
    return shared_regions


def _merge_key_edits(
    source: Source, shared_regions: list[Region], anchor: str
) -> Iterator[TextEdit]:
    """Replace the first of the entries by a merge key, and remove the others."""
    first = shared_regions[0]
    indent = " " * source.column(first.entry.start)
    line = f"{indent}<<: *{anchor}{_line_end(source, first.end)}"
    yield TextEdit(first.lead, first.end, line)
    for region in shared_regions[1:]:
        start, stop = region.lead, region.end
        before = source.line(start - 1) if start else ""
        if not before.strip() and (stop >= len(source.text) or not source.line(stop).strip()):
            start = source.line_start(start - 1)
        yield TextEdit(start, stop, "")


def _shared_mapping(
    file: ComposeFile, shared_regions: list[Region], edit: Share, style: YamlStyle
) -> str:
    source = file.source
    width = source.column(shared_regions[0].entry.start) - style.indent
    texts = [_with_line_end(source, source.text[r.lead : r.end]) for r in shared_regions]
    return f"{edit.key}: &{edit.anchor}{source.newline}" + _dedented("".join(texts), width)


def _shared_value(file: ComposeFile, region: Region, edit: Share) -> str:
    """Return the shared value below its new key, with its lines dedented for the top level."""
    source, value = file.source, region.entry.value
    key_end = source.next_line(region.key)
    width = source.column(region.entry.start)
    head = f"{edit.key}: &{edit.anchor}"
    if value.outer_start >= key_end:
        first = source.text[value_start(file, region) : key_end]
    else:
        first = f" {source.text[value.outer_start : key_end]}"
    return head + first + _dedented(source.text[key_end : region.end], width)


def _dedented(text: str, width: int) -> str:
    """Return *text* with up to *width* spaces removed from the beginning of each line."""
    lines = []
    for line in text.splitlines(keepends=True):
        indentation = len(line) - len(line.lstrip(" "))
        lines.append(line[min(indentation, width) :])
    return "".join(lines)


def _with_line_end(source: Source, text: str) -> str:
    return text if text.endswith("\n") else text + source.newline


def _line_end(source: Source, end: int) -> str:
    """Return the line end just before *end*; ``""`` if there is none."""
    if source.text[end - 1 : end] != "\n":
        return ""
    return "\r\n" if source.text[end - 2 : end] == "\r\n" else "\n"
