"""A changeset as a patch; ``git apply`` makes exactly the same files of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from composerefactor.edit.line_diff import LineChange, changes
from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.planning.propose import Proposal

_CONTEXT = 3
_NO_NEWLINE = b"\n\\ No newline at end of file\n"
_ESCAPES = {
    0x07: b"\\a",
    0x08: b"\\b",
    0x09: b"\\t",
    0x0A: b"\\n",
    0x0B: b"\\v",
    0x0C: b"\\f",
    0x0D: b"\\r",
    0x22: b'\\"',
    0x5C: b"\\\\",
}


def unified_patch(
    changeset: Changeset, prefix: str = "", executable: Collection[str] = ()
) -> bytes:
    """Return *changeset* as a unified diff in git's extended format, with 3 lines of context.

    *prefix* is the path of the project root below the top level of the repository, ``""`` if they
    are the same: ``git apply`` takes paths as relative to the top level. *executable* are the paths
    of files that are executable now; git warns if a deleted file has another mode than the patch
    says. A changed file needs no mode in the patch, since ``git apply`` keeps its mode. Bytes are
    not decoded; only LF ends a line. The output is deterministic.
    """
    directory = prefix.strip("/")
    parts: list[bytes] = []
    for change in changeset.changes:
        path = f"{directory}/{change.path}" if directory else change.path
        parts += _file_patch(change, path, is_executable=change.path in executable)
    return b"".join(parts)


def patch_of(proposal: Proposal, path: Path) -> bytes:
    """Return the patch that carries out *proposal*.

    Its paths are relative to the top level of the repository, or without git to *path*, the path on
    the command line.
    """
    root, repository = proposal.opened.root, proposal.opened.repository
    below = root.relative_to(path.resolve()).as_posix()
    prefix = repository.prefix if repository else below.removeprefix(".")
    executable = [c.path for c in proposal.changes.changed if os.access(root / c.path, os.X_OK)]
    return unified_patch(proposal.changes, prefix, executable=executable)


def _file_patch(change: FileChange, path: str, *, is_executable: bool) -> Iterator[bytes]:
    raw = path.encode("utf-8", "surrogateescape")
    old, new = _quoted(b"a/" + raw), _quoted(b"b/" + raw)
    yield b"diff --git %b %b\n" % (old, new)
    if change.is_created:
        yield b"new file mode 100644\n"
    elif change.is_deleted:
        yield b"deleted file mode %b\n" % (b"100755" if is_executable else b"100644")
    before, after = _lines(change.before or b""), _lines(change.after or b"")
    if not before and not after:
        return
    # git puts a tab after a name with a space, since older readers take the rest for a date
    end = b"\t\n" if b" " in raw else b"\n"
    yield b"--- /dev/null\n" if change.is_created else b"--- " + old + end
    yield b"+++ /dev/null\n" if change.is_deleted else b"+++ " + new + end
    for hunk in _hunks(changes(before, after)):
        yield from _hunk_lines(before, after, hunk)


def _lines(content: bytes) -> list[bytes]:
    """Return the lines of *content* with their LF; the last line may have none."""
    lines = content.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _hunks(changed: Sequence[LineChange]) -> Iterator[list[LineChange]]:
    """Yield groups of changes whose context lines touch or overlap."""
    hunk: list[LineChange] = []
    for change in changed:
        if hunk and change.before_start - hunk[-1].before_end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _hunk_lines(
    before: Sequence[bytes], after: Sequence[bytes], hunk: Sequence[LineChange]
) -> Iterator[bytes]:
    first, last = hunk[0], hunk[-1]
    lead = min(_CONTEXT, first.before_start)
    trail = min(_CONTEXT, len(before) - last.before_end)
    yield b"@@ -%b +%b @@\n" % (
        _span(first.before_start - lead, last.before_end + trail),
        _span(first.after_start - lead, last.after_end + trail),
    )
    at = first.before_start - lead
    for change in hunk:
        yield from _marked(b" ", before[at : change.before_start])
        yield from _marked(b"-", before[change.before_start : change.before_end])
        yield from _marked(b"+", after[change.after_start : change.after_end])
        at = change.before_end
    yield from _marked(b" ", before[at : at + trail])


def _marked(mark: bytes, lines: Sequence[bytes]) -> list[bytes]:
    marked = [mark + line for line in lines]
    if marked and not marked[-1].endswith(b"\n"):  # only the last line of a file can lack it
        marked[-1] += _NO_NEWLINE
    return marked


def _span(start: int, end: int) -> bytes:
    """Return the lines ``start:end`` for a hunk header; without lines, the line above."""
    count = end - start
    first = start + 1 if count else start
    return b"%d" % first if count == 1 else b"%d,%d" % (first, count)


def _quoted(name: bytes) -> bytes:
    """Return *name* as git writes it: plain ASCII unchanged, else in quotes with C escapes."""
    plain = all(0x20 <= byte < 0x7F and byte not in _ESCAPES for byte in name)  # noqa: PLR2004
    if plain:
        return name
    return b'"' + b"".join(_escaped(byte) for byte in name) + b'"'


def _escaped(byte: int) -> bytes:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    is_printable = 0x20 <= byte < 0x7F  # noqa: PLR2004
    return bytes([byte]) if is_printable else b"\\%03o" % byte
