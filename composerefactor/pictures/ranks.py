"""In which column a service stands, by who needs whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from composerefactor.pictures.graph import Line


def without_cycles(names: Sequence[str], lines: Iterable[Line]) -> dict[str, list[str]]:
    """Return what each of *names* needs, without the lines that close a cycle."""
    needs: dict[str, list[str]] = {name: [] for name in names}
    for line in lines:
        needs[line.caller].append(line.callee)
    found: dict[str, list[str]] = {name: [] for name in needs}
    on_path: set[str] = set()
    seen: set[str] = set()
    for root, below_root in needs.items():
        stack = [] if root in seen else [(root, iter(below_root))]
        seen.add(root)
        on_path.add(root)
        while stack:
            name, rest = stack[-1]
            below = next(rest, None)
            if below is None:
                on_path.discard(name)
                stack.pop()
            elif below not in on_path:
                found[name].append(below)
                if below not in seen:
                    seen.add(below)
                    on_path.add(below)
                    stack.append((below, iter(needs[below])))
        on_path.discard(root)
    return found


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
