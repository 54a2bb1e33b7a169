"""A service waits for the health of a service without a health check.

Docker Compose stops with "container has no healthcheck configured": the whole start fails. An image
whose content is unknown may have one, so nothing is reported then.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.catalog import Catalog


@rule(Severity.HIGH, "reliability", transform="add-healthchecks")
def waits_for_unchecked_service(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the dependencies that wait for a health check that does not exist."""
    for entry in architecture.certain:
        for edge in entry.edges:
            health = entry.health_of(edge.callee)
            if edge.condition != "service_healthy" or health is None or health.is_checked:
                continue
            service = entry.service(edge.callee)
            if service is None or not _is_known(service, entry.catalog):
                continue
            yield Occurrence(
                f"{edge.caller} waits until {edge.callee} is healthy, "
                f"but {edge.callee} has no health check",
                edge.location,
                edge.caller,
                edge.callee,
                f"give {edge.callee} a health check",
                is_fixable=bool(health.proposal),
            )


def _is_known(service: ServiceFacts, catalog: Catalog) -> bool:
    """Return whether it is known if the image of *service* has a health check."""
    if service.build is not None:
        return service.build.exists and service.build.base != ""
    return bool(service.image) and catalog.match(service.image) is not None
