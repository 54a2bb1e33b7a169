"""Which text goes when an entry or item goes; comments on its lines stay."""

from __future__ import annotations

from composerefactor.edits.places import tail
from composerefactor.errors import RefusedError
from composerefactor.source import Source
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.nodes import Entry, Mapping, Node, Sequence, walk
from composerefactor.yamltree.path import Path, node_at, shown


def removal(source: Source, root: Node, path: Path, nth: int = 0) -> tuple[int, int, str] | None:
    """Return ``(start, end, text)``: *text* takes the place of ``start:end``.

    *nth* counts equal keys. None where nothing stands at *path*. Raises RefusedError where others
    need the text, or where nothing would be left beside it.
    """
    parent, step = node_at(root, path[:-1]), path[-1]
    entries, n = _siblings(parent, step, nth)
    if n is None or not isinstance(parent, Mapping | Sequence):
        return None
    found = entries[n]
    if any(node.anchor for node in walk(found.value)):
        raise _refused(source, path, found, "carries an anchor that others may use")
    if len(entries) == 1:
        raise _refused(source, path, found, "is all that stands there")
    if parent.flow:
        return _in_flow(source, path, entries, n)
    column = found.start
    if isinstance(parent, Sequence):
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
    if isinstance(parent, Sequence) and isinstance(step, int):
        items = [Entry(item, item) for item in parent.items]
        return items, step if step < len(items) else None
    if isinstance(parent, Mapping):
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
