"""Top-level entries, put one level down."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.file import ComposeFile
from composerefactor.edits.operations import Nest
from composerefactor.edits.refusal import missing, refused
from composerefactor.edits.splice import Splice
from composerefactor.source import Source
from composerefactor.yamltree.nodes import Scalar, walk
from composerefactor.yamltree.style import Style


def nesting(file: ComposeFile, edit: Nest, style: Style) -> Iterator[Splice]:
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
        yield Splice(root.entries[first].start, root.entries[first].start, f"{edit.key}: {{")
        yield Splice(root.entries[last].end, root.entries[last].end, "}")
        return
    sections = file.sections
    if sections is None or source.column(root.entries[first].start):
        raise refused(file, (root.entries[first].name or "",), root, "has no lines of its own")
    start = sections[root.entries[first].name or ""].region.lead
    end = sections[root.entries[last].name or ""].region.end
    yield Splice(start, start, f"{edit.key}:{source.newline}")
    deeper = " " * style.indent
    yield from (Splice(line, line, deeper) for line in _lines(file, source, start, end))


def _lines(file: ComposeFile, source: Source, start: int, end: int) -> Iterator[int]:
    """Yield where the lines of ``start:end`` begin that hold something.

    Spaces are something in a block of text, which would lose some of them.
    """
    blocks = [n for n in walk(file.root) if isinstance(n, Scalar) and n.style in {"|", ">"}]
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
