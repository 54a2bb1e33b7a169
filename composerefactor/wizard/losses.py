"""What a selection of changes cannot hold, since what it builds on was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from composerefactor.proposal.propose import Proposal
from composerefactor.wizard.items import Item

MOST_TRIED = 12
"""So many changes that were left are tried for what others need of them."""


def lost_mends(
    gone: Sequence[Item],
    left: Sequence[Item],
    leave: frozenset[str],
    planned: Callable[[frozenset[str]], set[str]],
) -> Iterator[str]:
    """Yield for each change in *gone* which of those in *left* it needs.

    *leave* are the ids that are left out, *planned* gives the ids of the changes that are made
    without those that it is called with.
    """
    if not gone:
        return
    nearest = sorted(left, key=lambda item: item.path not in {each.path for each in gone})
    with_one = {_named(item): planned(leave - {item.id}) for item in nearest[:MOST_TRIED]}
    for each in gone:
        needs = " or ".join(name for name, ids in with_one.items() if each.id in ids)
        yield f"{_named(each)}; it needs {needs or 'what was left out'}"


def _named(item: Item) -> str:
    title = item.mend.change.title if item.mend is not None else item.title
    return f"{item.kind}: {title}"


def lost_files(proposal: Proposal, expected: Sequence[Item]) -> Iterator[str]:
    """Yield which of the *expected* files are not written, and why what they would hold stays."""
    written = {change.path for change in proposal.changes.changes}
    reasons = {stay.part[2]: stay.reason for stay in proposal.plan.stays}
    for item in expected:
        if item.path in written:
            continue
        why = [reason for name, reason in reasons.items() if name in item.services]
        words = "; ".join(dict.fromkeys(why)) or "what it would hold stays in place"
        yield f"{item.path} is not written either: {words}"
