"""Which lines of two texts are equal: the time is nearly that of a sort, for any texts.

Lines that occur once in both are matched first, and then those between two of them.
"""

from __future__ import annotations

import bisect
import difflib
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

Line = TypeVar("Line", str, bytes)

_CLOSE_COMPARISON = 16_384
"""A range without unique lines is compared line by line, up to this product of lines on each side.
"""


class LineChange(NamedTuple):
    """Lines ``before_start:before_end`` become ``after_start:after_end`` (indexes from 0)."""

    before_start: int
    before_end: int
    after_start: int
    after_end: int


class Match(NamedTuple):
    """Equal lines: *length* of them, from the indexes *before* and *after*."""

    before: int
    after: int
    length: int


def changes(before: Sequence[Line], after: Sequence[Line]) -> list[LineChange]:
    """Return the changed ranges in order; all lines between them are equal."""
    result: list[LineChange] = []
    at_before = at_after = 0
    end = Match(len(before), len(after), 0)
    for match in [*matches(before, after), end]:
        if at_before < match.before or at_after < match.after:
            result.append(LineChange(at_before, match.before, at_after, match.after))
        at_before, at_after = match.before + match.length, match.after + match.length
    return result


def matches(before: Sequence[Line], after: Sequence[Line]) -> list[Match]:
    """Return runs of equal lines, in order, that neither overlap nor cross."""
    found: list[Match] = []
    ranges = [LineChange(0, len(before), 0, len(after))]
    while ranges:
        rest = _trim(before, after, ranges.pop(), found)
        if rest.before_start == rest.before_end or rest.after_start == rest.after_end:
            continue
        anchors = _anchors(before, after, rest)
        if anchors:
            at_before, at_after = rest.before_start, rest.after_start
            for anchor in anchors:
                found.append(anchor)
                ranges.append(LineChange(at_before, anchor.before, at_after, anchor.after))
                at_before, at_after = anchor.before + 1, anchor.after + 1
            ranges.append(LineChange(at_before, rest.before_end, at_after, rest.after_end))
        else:
            found += _close_matches(before, after, rest)
    return sorted(found)


def _trim(
    before: Sequence[Line], after: Sequence[Line], area: LineChange, found: list[Match]
) -> LineChange:
    """Add the equal lines at the start and end of *area* to *found*, and return the rest."""
    low_before, high_before, low_after, high_after = area
    limit = min(high_before - low_before, high_after - low_after)
    head = 0
    while head < limit and before[low_before + head] == after[low_after + head]:
        head += 1
    tail = 0
    while tail < limit - head and before[high_before - tail - 1] == after[high_after - tail - 1]:
        tail += 1
    if head:
        found.append(Match(low_before, low_after, head))
    if tail:
        found.append(Match(high_before - tail, high_after - tail, tail))
    return LineChange(low_before + head, high_before - tail, low_after + head, high_after - tail)


def _anchors(before: Sequence[Line], after: Sequence[Line], area: LineChange) -> list[Match]:
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
    chain: list[Match] = []
    number = chain_ends[-1] if chain_ends else -1
    while number >= 0:
        chain.append(Match(*pairs[number], 1))
        number = previous[number]
    chain.reverse()
    return chain


def _unique(lines: Sequence[Line], start: int, end: int) -> dict[Line, int]:
    """Return the index of each line that occurs once in ``lines[start:end]``."""
    seen: dict[Line, int] = {}
    repeated: set[Line] = set()
    for at in range(start, end):
        line = lines[at]
        if line in seen:
            repeated.add(line)
        seen[line] = at
    for line in repeated:
        del seen[line]
    return seen


def _close_matches(before: Sequence[Line], after: Sequence[Line], area: LineChange) -> list[Match]:
    """Compare an *area* of repeated lines line by line if it is small, else return no matches."""
    low_before, high_before, low_after, high_after = area
    if (high_before - low_before) * (high_after - low_after) > _CLOSE_COMPARISON:
        return []
    matcher = difflib.SequenceMatcher(
        None, before[low_before:high_before], after[low_after:high_after], autojunk=False
    )
    return [
        Match(low_before + block.a, low_after + block.b, block.size)
        for block in matcher.get_matching_blocks()
        if block.size
    ]
