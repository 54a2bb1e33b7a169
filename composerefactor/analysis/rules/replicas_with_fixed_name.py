"""A service with several replicas has a fixed port or container name.

The second container cannot start: a host port and a container name can each be used only once.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.HIGH, "configuration")
def replicas_with_fixed_name(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services with several replicas of which only one can start."""
    for entry in architecture.certain:
        for resource in entry.resources:
            service = entry.service(resource.service)
            if service is None or resource.replicas < 2:  # noqa: PLR2004 - more than one
                continue
            fixed = [port for port in service.ports if port.published.isdigit()]
            single = f"container name {service.container_name}" if service.container_name else ""
            single = single or (f"host port {fixed[0].published}" if fixed else "")
            if single:
                yield Occurrence(
                    f"{service.name} has {resource.replicas} replicas, but the fixed {single}",
                    service.location,
                    service.name,
                    remedy="remove container_name, or let Docker choose the port",
                )
