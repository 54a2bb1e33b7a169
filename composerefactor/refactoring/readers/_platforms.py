"""Platforms that are recognised by what a Compose file says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, State, Surroundings


def mentions(
    around: Surroundings,
    split: PlannedSplit,
    pattern: re.Pattern[str],
    state: State,
    statement: str,
    action: str = "",
) -> Iterator[Outcome]:
    """Yield an outcome for each split file of which it, or one of its modules, has *pattern*."""
    for each in split.splits:
        for place in (each.path, *each.modules):
            file = around.file(place)
            match = pattern.search(file.text) if file is not None else None
            if file is not None and match is not None:
                at = file.location(match.start())
                yield Outcome(state, at, statement, action, breaks=False)
                break
