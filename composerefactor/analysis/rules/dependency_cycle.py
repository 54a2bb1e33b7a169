"""Services wait for each other in a circle.

Docker Compose rejects a cycle of depends_on, links, volumes_from and shared namespaces.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.connections import references


@rule(Severity.HIGH, "validity")
def dependency_cycle(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the cycles of each entry point."""
    for entry in architecture.certain:
        for cycle in entry.dependencies.cycles:
            first = next(
                each.hint
                for each in references(entry.model)
                if (each.caller, each.name) == (cycle[0], cycle[1])
            )
            yield Occurrence(
                f"services wait for each other: {' -> '.join(cycle)}",
                first.location,
                cycle[0],
                " ".join(sorted(set(cycle))),
                "take one of these dependencies away",
            )
