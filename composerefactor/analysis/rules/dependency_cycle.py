"""Services depend on each other in a cycle.

Docker Compose rejects a cycle of depends_on, links, volumes_from and shared namespaces.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.dependencies import service_references


@rule(Severity.HIGH, "validity")
def dependency_cycle(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the dependency cycles of each start command."""
    for entry in architecture.certain:
        for cycle in entry.dependencies.cycles:
            first = next(
                reference.hint
                for reference in service_references(entry.model)
                if (reference.caller, reference.name) == (cycle[0], cycle[1])
            )
            yield Occurrence(
                f"dependency cycle: {' -> '.join(cycle)}",
                first.location,
                cycle[0],
                " ".join(sorted(set(cycle))),
                "remove one of these dependencies",
            )
