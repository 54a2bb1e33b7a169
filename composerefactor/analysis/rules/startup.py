"""The order in which services start, and what they wait for."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.networks import Edge
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.dependencies import service_references
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog
from composerefactor.images.health.check import reports_health
from composerefactor.images.readiness import can_start_first


@rule(Severity.HIGH, "validity")
def dependency_cycle(architecture: Architecture) -> Iterator[Occurrence]:
    """Services depend on each other in a cycle.

    Docker Compose rejects a cycle of depends_on, links, volumes_from and shared namespaces.
    """
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


@rule(Severity.LOW, "reliability", transform="wait-for-healthy")
def starts_too_early(architecture: Architecture) -> Iterator[Occurrence]:
    """A service starts before its dependency is ready.

    `depends_on` alone waits until the other container has started, not until its server answers.
    With `condition: service_healthy` Docker Compose waits for the health check. Monitoring, a proxy
    of several services, and the nodes of a cluster are right not to wait, and `condition:
    service_started` is a decision.
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


@rule(Severity.HIGH, "reliability", transform="add-healthchecks")
def waits_for_unchecked_service(architecture: Architecture) -> Iterator[Occurrence]:
    """A service waits for the health of a service without a health check.

    Docker Compose stops with "container has no healthcheck configured": the whole start fails. An
    image whose content is unknown may have one, so nothing is reported then.
    """
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
