"""A changeset as a patch; ``git apply`` makes exactly the same files of it."""

from __future__ import annotations

import bisect
import difflib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.planning.propose import Proposal

# A range without unique lines is compared line by line, up to this product of lines on each side.
_CLOSE_COMPARISON = 16_384


class Change(NamedTuple):
    """Lines ``before_start:before_end`` become ``after_start:after_end`` (indexes from 0)."""

    before_start: int
    before_end: int
    after_start: int
    after_end: int


class _Match(NamedTuple):
    before: int
    after: int
    length: int


def changes(before: Sequence[bytes], after: Sequence[bytes]) -> list[Change]:
    """Return the changed ranges in order; all lines between them are equal."""
    result: list[Change] = []
    at_before = at_after = 0
    end = _Match(len(before), len(after), 0)
    for match in [*sorted(_matches(before, after)), end]:
        if at_before < match.before or at_after < match.after:
            result.append(Change(at_before, match.before, at_after, match.after))
        at_before, at_after = match.before + match.length, match.after + match.length
    return result


def _matches(before: Sequence[bytes], after: Sequence[bytes]) -> list[_Match]:
    """Return runs of equal lines, in no order, that neither overlap nor cross."""
    matches: list[_Match] = []
    ranges = [Change(0, len(before), 0, len(after))]
    while ranges:
        rest = _trim(before, after, ranges.pop(), matches)
        if rest.before_start == rest.before_end or rest.after_start == rest.after_end:
            continue
        anchors = _anchors(before, after, rest)
        if anchors:
            at_before, at_after = rest.before_start, rest.after_start
            for anchor in anchors:
                matches.append(anchor)
                ranges.append(Change(at_before, anchor.before, at_after, anchor.after))
                at_before, at_after = anchor.before + 1, anchor.after + 1
            ranges.append(Change(at_before, rest.before_end, at_after, rest.after_end))
        else:
            matches += _close_matches(before, after, rest)
    return matches


def _trim(
    before: Sequence[bytes], after: Sequence[bytes], area: Change, matches: list[_Match]
) -> Change:
    """Add the equal lines at the start and end of *area* to *matches*, and return the rest."""
    low_before, high_before, low_after, high_after = area
    limit = min(high_before - low_before, high_after - low_after)
    head = 0
    while head < limit and before[low_before + head] == after[low_after + head]:
        head += 1
    tail = 0
    while tail < limit - head and before[high_before - tail - 1] == after[high_after - tail - 1]:
        tail += 1
    if head:
        matches.append(_Match(low_before, low_after, head))
    if tail:
        matches.append(_Match(high_before - tail, high_after - tail, tail))
    return Change(low_before + head, high_before - tail, low_after + head, high_after - tail)


def _anchors(before: Sequence[bytes], after: Sequence[bytes], area: Change) -> list[_Match]:
    """Return the longest increasing chain of lines that occur once on either side of *area*."""
    in_before = _unique(before, area.before_start, area.before_end)
    in_after = _unique(after, area.after_start, area.after_end)
    pairs = [(at, in_after[line]) for line, at in in_before.items() if line in in_after]
    pairs.sort()
    tops: list[int] = []
    chain_ends: list[int] = []
    previous: list[int] = []
    for number, (_, at_after) in enumerate(pairs):
        pile = bisect.bisect_left(tops, at_after)
        previous.append(chain_ends[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [at_after]
        chain_ends[pile : pile + 1] = [number]
    chain: list[_Match] = []
    number = chain_ends[-1] if chain_ends else -1
    while number >= 0:
        chain.append(_Match(*pairs[number], 1))
        number = previous[number]
    chain.reverse()
    return chain


def _unique(lines: Sequence[bytes], start: int, end: int) -> dict[bytes, int]:
    """Return the index of each line that occurs once in ``lines[start:end]``."""
    seen: dict[bytes, int] = {}
    repeated: set[bytes] = set()
    for at in range(start, end):
        line = lines[at]
        if line in seen:
            repeated.add(line)
        seen[line] = at
    for line in repeated:
        del seen[line]
    return seen


def _close_matches(before: Sequence[bytes], after: Sequence[bytes], area: Change) -> list[_Match]:
    """Compare an *area* of repeated lines line by line if it is small, else return no matches."""
    low_before, high_before, low_after, high_after = area
    if (high_before - low_before) * (high_after - low_after) > _CLOSE_COMPARISON:
        return []
    matcher = difflib.SequenceMatcher(
        None, before[low_before:high_before], after[low_after:high_after], autojunk=False
    )
    return [
        _Match(low_before + block.a, low_after + block.b, block.size)
        for block in matcher.get_matching_blocks()
        if block.size
    ]


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


def _hunks(changed: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield groups of changes whose context lines touch or overlap."""
    hunk: list[Change] = []
    for change in changed:
        if hunk and change.before_start - hunk[-1].before_end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _hunk_lines(
    before: Sequence[bytes], after: Sequence[bytes], hunk: Sequence[Change]
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
