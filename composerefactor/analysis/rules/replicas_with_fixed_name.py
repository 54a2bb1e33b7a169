"""A service with several replicas has a fixed port or container name.

The second container cannot start: a port of the host and a container's name can be had once.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.HIGH, "configuration")
def replicas_with_fixed_name(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that cannot be started more than once, and are to be."""
    for entry in architecture.certain:
        for resource in entry.resources:
            service = entry.service(resource.service)
            if service is None or resource.replicas < 2:  # noqa: PLR2004 - more than one
                continue
            fixed = [port for port in service.ports if port.published.isdigit()]
            what = f"the name {service.container_name}" if service.container_name else ""
            what = what or (f"port {fixed[0].published}" if fixed else "")
            if what:
                yield Occurrence(
                    f"{service.name} has {resource.replicas} replicas, and {what} once",
                    service.location,
                    service.name,
                    remedy="take the container_name away, or let the daemon choose the port",
                )
