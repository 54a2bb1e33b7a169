"""Words on a review that all its forms share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from composerefactor.impact.change import Risk, listed
from composerefactor.report.rows import counted
from composerefactor.review.reviewed import Review, Reviewed

MOST_RECREATED = 8

MOST_NAMES = 3
"""More services that one change concerns are counted."""

_NOUNS = {"networks": "network", "volumes": "volume", "secrets": "secret", "configs": "config"}


def headline(found: Review) -> str:
    """Return how much changed and how risky it is, in one sentence."""
    entries = counted(len(found.compared), "entry point")
    if not found.changes:
        if any(each.reason for each in found.compared):
            return f"nothing could be told to have changed in {entries}"
        return f"nothing that runs changed in {entries}"
    counts = Counter(each.change.risk for each in found.changes)
    parts = ", ".join(f"{counts[risk]} {risk.word}" for risk in reversed(Risk) if counts[risk])
    words = f"{counted(len(found.changes), 'change')} in {entries}; risk: {parts}"
    known = [each for each in found.compared if each.recreated is not None]
    names = sorted({name for each in known for name in each.recreated or ()})
    if known:
        words += f"; {counted(len(names), 'container')} recreated"
        words += f": {listed(names, MOST_RECREATED)}" if names else ""
    return words


def about(each: Reviewed) -> str:
    """Return what a change is about: services by their names, else with the kind of thing."""
    change = each.change
    if each.services:
        return listed(each.services, MOST_NAMES)
    if len(change.path) > 1:
        noun = _NOUNS.get(change.path[0], change.path[0].removesuffix("s"))
        return f"{noun} {change.path[1]}"
    return "project"


def entries_of(each: Reviewed, found: Review) -> str:
    """Return the entry points that show a change, ``""`` where all that were compared do."""
    if len(each.entries) == len(found.compared) or not each.change.path:
        return ""
    if len(each.entries) == 1:
        return each.entries[0].title
    return f"{len(each.entries)} of {len(found.compared)} entry points"


def uncompared(found: Review) -> Iterator[str]:
    """Yield what was not compared, with the reason."""
    reasons: dict[str, list[str]] = {}
    for each in found.compared:
        if each.left_out:
            words = f"not compared: {', '.join(each.left_out)}, which the engine resolves with no "
            reasons.setdefault(f"{words}profile in one state at least", []).append(each.entry.title)
        if each.reason:
            reasons.setdefault(each.reason, []).append(each.entry.title)
    for reason, titles in reasons.items():
        yield f"{titles[0] if len(titles) == 1 else counted(len(titles), 'entry point')}: {reason}"
