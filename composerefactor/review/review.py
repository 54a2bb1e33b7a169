"""What a change to a project means for everything that is started from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from composerefactor.proposal.opening import Opened
from composerefactor.review.comparing import compare_entry
from composerefactor.review.locating import located
from composerefactor.review.opening import entries_of
from composerefactor.review.pairing import paired
from composerefactor.review.resolving import resolve
from composerefactor.review.reviewed import Pair, Review
from composerefactor.review.secrets import credentials, scrubbed
from composerefactor.verify.engine import Engine


def review(
    old: Opened | None,
    new: Opened | None,
    names: tuple[str, str],
    engine: Engine,
    progress: Callable[[int, int], None] | None = None,
) -> Review:
    """Return what changed from *old* to *new*, for every entry point of either."""
    some = old or new
    assert some is not None  # noqa: S101 - opened_pair raises before
    pairs = paired(entries_of(old), entries_of(new))
    found, shared = resolve(old, new, pairs, engine, progress)
    secrets = credentials(old, new, found)
    compared = [
        scrubbed(compare_entry(pair, old, new, found), secrets)
        for pair in pairs
        if _is_told(pair, old, new)
    ]
    notes = [*found.assumptions, *_shared_words(shared)]
    resolved = [one for side in (found.old, found.new) for one in side.values()]
    blank = sorted({name for one in resolved for name in one.blank})
    unknown = sorted({name for one in resolved for name in one.unknown} - set(blank))
    if unknown:
        notes.append(
            f"without a value here, so that only their names are compared: {', '.join(unknown)}"
        )
    if blank:
        notes.append(f"without a value here, taken for blank: {', '.join(blank)}")
    return Review(
        names[0],
        names[1],
        engine,
        tuple(compared),
        tuple(located(compared, old, new)),
        tuple(notes),
        found.runs,
        (new or some).prefix,
    )


def _is_told(pair: Pair, old: Opened | None, new: Opened | None) -> bool:
    """Return whether there is something to say: one that names suggest and never loads has not."""
    return not all(
        entry is None or (entry.assumed and (opened is None or entry in opened.project.errors))
        for entry, opened in zip(pair, (old, new), strict=True)
    )


def _shared_words(shared: Mapping[str, bytes]) -> Iterator[str]:
    if shared:
        yield f"git ignores {', '.join(sorted(shared))}: the same content counts for both"
