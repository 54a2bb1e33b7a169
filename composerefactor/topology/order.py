"""In which order services start, and where they wait for each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from composerefactor.topology.servicereferences import references
from composerefactor.topology.stack import Stack


def dependencies(stack: Stack) -> dict[str, list[str]]:
    """Return for each service those that the engine starts before it, in the order of the text.

    They are what depends_on, links, volumes_from and ``service:`` values name (observed: the engine
    rejects a cycle of any of these); names that nothing defines are left out.
    """
    found: dict[str, dict[str, None]] = {name: {} for name in stack.services}
    for reference in references(stack):
        if reference.name in found:
            found[reference.caller][reference.name] = None
    return {name: list(needed) for name, needed in found.items()}


def start_order(dependencies: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the services in steps: each needs only services of the steps before its own.

    Services of a cycle, and those that need them, are in no step.
    """
    remaining = {name: set(needed) for name, needed in dependencies.items()}
    steps: list[list[str]] = []
    done: set[str] = set()
    while step := [name for name, needed in remaining.items() if needed <= done]:
        steps.append(step)
        done.update(step)
        for name in step:
            del remaining[name]
    return steps


def cycles(dependencies: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return cycles, each from a service to itself, until removing one edge of each leaves none."""
    edges = {name: list(needed) for name, needed in dependencies.items()}
    found: list[list[str]] = []
    while True:
        try:
            TopologicalSorter(edges).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1][::-1]  # graphlib names what is needed first
            found.append(cycle)
            edges[cycle[0]].remove(cycle[1])
        else:
            return found
