"""Words on a review that all its forms share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from composerefactor.impact.change import Change, Risk
from composerefactor.proposal.review import Review, Reviewed
from composerefactor.report.rows import counted

_NOUNS = {"networks": "network", "volumes": "volume", "secrets": "secret", "configs": "config"}


def headline(found: Review) -> str:
    """Return how much changed and how risky it is, in one sentence."""
    entries = counted(len(found.compared), "entry point")
    if not found.changes:
        if any(each.reason for each in found.compared):
            return f"nothing could be told to have changed in {entries}"
        return f"nothing that runs changed in {entries}"
    counts = Counter(each.change.risk for each in found.changes)
    parts = ", ".join(
        f"{counts[risk]} {risk.word if risk else 'without'}"
        for risk in reversed(Risk)
        if counts[risk]
    )
    words = f"{counted(len(found.changes), 'change')} in {entries}; risk: {parts}"
    known = [each for each in found.compared if each.recreated is not None]
    names = sorted({name for each in known for name in each.recreated or ()})
    if known:
        words += f"; {counted(len(names), 'container')} recreated"
        words += f": {', '.join(names)}" if names else ""
    return words


def about(change: Change) -> str:
    """Return what *change* is about: a service by its name, else with the kind of thing."""
    if not change.path:
        return "project"
    if change.service:
        return change.service
    if len(change.path) > 1:
        noun = _NOUNS.get(change.path[0], change.path[0].removesuffix("s"))
        return f"{noun} {change.path[1]}"
    return "project"


def entries_of(each: Reviewed, found: Review) -> str:
    """Return the entry points that show a change, ``""`` where all that were compared do."""
    if len(each.entries) == len(found.compared):
        return ""
    return "; ".join(entry.title for entry in each.entries)


def uncompared(found: Review) -> Iterator[str]:
    """Yield what was not compared, with the reason."""
    for each in found.compared:
        if each.reason:
            yield f"{each.entry.title}: {each.reason}"
