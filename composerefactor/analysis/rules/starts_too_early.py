"""A service starts before its dependency is ready.

`depends_on` alone waits until the other container has started, not until its server answers. With
`condition: service_healthy` Docker Compose waits for the health check. Monitoring, a proxy of
several services, and the nodes of a cluster are right not to wait, and `condition: service_started`
is a decision.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.networks import Edge
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location
from composerefactor.images.health.check import reports_health
from composerefactor.images.readiness import can_start_first


@rule(Severity.LOW, "reliability", transform="wait-for-healthy")
def starts_too_early(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the dependencies on services with a health check that do not wait for it.

    The check must be able to pass in each start command that has the dependency.
    """
    found: list[Occurrence] = []
    unreliable: set[Location] = set()
    for entry in architecture.entries:
        for edge in entry.edges:
            if not _is_early(entry, edge):
                continue
            if not reports_health(architecture.project, entry.model, edge.callee, entry.catalog):
                unreliable.add(edge.location)
            message = f"{edge.caller} does not wait until {edge.callee} is healthy"
            found.append(Occurrence(message, edge.location, edge.caller, edge.callee))
    yield from (each for each in found if each.location not in unreliable)


def _is_early(entry: InvocationFacts, edge: Edge) -> bool:
    """Return whether the caller of *edge* should wait for the health check, and does not."""
    health = entry.health_of(edge.callee)
    if edge.condition != "service_started" or health is None or not health.is_checked:
        return False
    dependency = entry.model.services[edge.caller].depends_on.get(edge.callee)
    if dependency is not None and dependency.at.below("condition") is not None:
        return False  # `condition: service_started` is the owner's decision
    return not can_start_first(entry.model, edge.caller, edge.callee)
