"""Which definitions of a service are worth sharing: those of which less text is left to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from composerefactor.factoring.kinds import meaning, typed
from composerefactor.factoring.parts import Definition, Shared, Span, all_same, whole
from composerefactor.factoring.share import share
from composerefactor.source import Source
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.values import to_python

Cluster = tuple[tuple[int, ...], Shared | None]
"""Indices of definitions, and what they share; None for those that stay whole."""


def clusters(definitions: Sequence[Definition]) -> list[Cluster]:
    """Divide *definitions* into those that share something.

    All share it where that leaves less text than there is. Where all together have nothing in
    common, each joins the first ones with which that holds.
    """
    everyone = tuple(range(len(definitions)))
    shared = worth_sharing(definitions)
    if shared is not None:
        return [(everyone, shared)]
    found: list[Cluster] = []
    if len(definitions) > 2:  # noqa: PLR2004 - two have been tried
        found = _gathered(definitions)
    alone = tuple(i for i in everyone if not any(i in of for of, _ in found))
    return [*found, (alone, None)] if alone else found


def joined(
    definitions: Mapping[int, Definition], found: Sequence[Cluster], copy: int
) -> list[Cluster]:
    """Return the clusters *found* with *copy* in the first one that it repeats for the most part.

    Then no less than half of what the others share stays shared, and *copy* adds less than that.
    """
    for n, (members, shared) in enumerate(found):
        if shared is None and len(members) > 1:
            continue
        together = [definitions[i] for i in (*members, copy)]
        more = worth_sharing(together)
        if more is None:
            continue
        source = together[0].source
        common = length(source, more.common)
        before = length(source, shared.common if shared else whole(together[0]))
        if 2 * common >= before and length(together[-1].source, more.rests[-1]) <= common:
            return [*found[:n], ((*members, copy), more), *found[n + 1 :]]
    return list(found)


def worth_sharing(definitions: Sequence[Definition]) -> Shared | None:
    """Return what *definitions* share, or None where sharing it saves no text.

    Counted are the lines of the service alone: its key stands once more in each file that adds
    something, and so does the key of each attribute that is shared in part. Paths in include lists
    are not counted; nobody keeps them equal by hand.
    """
    shared = shared_by(definitions)
    return shared if shared is not None and saving(definitions, shared) > 0 else None


def shared_by(definitions: Sequence[Definition]) -> Shared | None:
    """Return what *definitions* share, worth it or not: parts of them, or all of the first."""
    return share(definitions) or _equal(definitions)


def saving(definitions: Sequence[Definition], shared: Shared) -> int:
    """Return how many characters less there are when *definitions* share what is *shared*."""
    before = after = 0
    for i, (d, rest) in enumerate(zip(definitions, shared.rests, strict=True)):
        body = d.source.next_line(d.region.key)
        key = length(d.source, [(d.region.key, body)])
        before += key + length(d.source, [(body, d.region.end)])
        after += key + length(d.source, rest) if rest else 0
        after += key + length(d.source, shared.common) if i == 0 else 0
    return before - after


def _gathered(definitions: Sequence[Definition]) -> list[Cluster]:
    found: list[tuple[tuple[int, ...], Shared]] = []
    left = list(range(len(definitions)))
    while left:
        of: tuple[int, ...] = (left.pop(0),)
        shared = None
        for i in list(left):
            more = worth_sharing([definitions[n] for n in (*of, i)])
            if more is not None:
                of, shared = (*of, i), more
                left.remove(i)
        if shared is not None:
            found.append((of, shared))
    return list(found)


def length(source: Source, spans: Iterable[Span]) -> int:
    """Return how many characters *spans* have, but for indentation and blank lines."""
    lines = "".join(source.text[start:end] for start, end in spans).splitlines()
    return sum(map(len, map(str.strip, lines)))


def _equal(definitions: Sequence[Definition]) -> Shared | None:
    """Return the whole first definition as shared, where all mean the same."""
    written = [to_python(d.region.entry.value, d.source) for d in definitions]
    first = definitions[0]
    alike = all_same([meaning(value, ()) for value in written])
    if not alike or not all_same([typed(value, ()) for value in written]):
        return None
    start = first.source.next_line(first.region.key)
    result = Shared([(start, first.region.end)], [[] for _ in definitions])
    known = comments(first.source, first.region.entry, first.region.lead, first.region.end)
    for d in definitions[1:]:
        body = d.source.next_line(d.region.key)
        for comment in comments(d.source, d.region.entry, body, d.region.end):
            if comment not in known:
                known.append(comment)
                result.notes.append((first.region.lead, comment))
    return result
