"""In which column a service stands, by who needs whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from composerefactor.pictures.graph import Line


def without_cycles(names: Sequence[str], lines: Iterable[Line]) -> dict[str, list[str]]:
    """Return what each of *names* needs, without the lines that would close a cycle.

    What the engine knows of counts before what was only found in settings.
    """
    numbers = {name: number for number, name in enumerate(names)}
    needs: dict[str, list[str]] = {name: [] for name in names}
    reached = [1 << number for number in range(len(names))]  # a bit for each service
    for line in sorted(lines, key=lambda line: line.kind == "found"):
        caller, callee = numbers[line.caller], numbers[line.callee]
        if reached[callee] >> caller & 1:
            continue
        needs[line.caller].append(line.callee)
        if not reached[caller] >> callee & 1:
            more = reached[callee]
            reached = [each | more if each >> caller & 1 else each for each in reached]
    return needs


def columns(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the column of each service, from 0: the last one for those that need nothing.

    *needs* has no cycle.
    """
    heights: dict[str, int] = {}
    for root in needs:
        stack = [root]
        while stack:
            missing = [below for below in needs[stack[-1]] if below not in heights]
            if missing:
                stack += missing
            else:
                name = stack.pop()
                heights[name] = max((heights[below] + 1 for below in needs[name]), default=0)
    most = max(heights.values(), default=0)
    return {name: most - heights[name] for name in needs}
