"""A service starts before its dependency is ready.

`depends_on` alone waits until the other container has started, not until its server answers. With
`condition: service_healthy` Docker Compose waits for the health check. Monitoring, a proxy of
several services, and the nodes of a cluster are right not to wait, and `condition: service_started`
is a decision.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.catalog import load_catalog
from composerefactor.images.health.check import reports_health
from composerefactor.images.readiness import can_start_first


@rule(Severity.LOW, "reliability", transform="wait-for-healthy")
def starts_too_early(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the dependencies on services with a health check that do not wait for it."""
    for entry in architecture.entries:
        for edge in entry.edges:
            health = entry.health_of(edge.callee)
            if edge.condition != "service_started" or health is None or not health.is_checked:
                continue
            dependency = entry.model.services[edge.caller].depends_on.get(edge.callee)
            if dependency is not None and dependency.at.below("condition") is not None:
                continue  # `condition: service_started` is the owner's decision
            model, project = entry.model, architecture.project
            if can_start_first(model, edge.caller, edge.callee):
                continue
            if reports_health(project, model, edge.callee, load_catalog()):
                yield Occurrence(
                    f"{edge.caller} does not wait until {edge.callee} is healthy",
                    edge.location,
                    edge.caller,
                    edge.callee,
                )
