"""A service with several replicas has a fixed port or container name.

The second container cannot start: a host port and a container name can each be used only once.
Files for Docker Swarm are exempt: it publishes a port once for all replicas, and ignores
`container_name` (Docker documentation, "Compose file reference 3").
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.discovery.readers import STACK_DEPLOY


@rule(Severity.HIGH, "configuration")
def replicas_with_fixed_name(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services with several replicas of which only one can start."""
    protected = architecture.project.protected_files
    for entry in architecture.certain:
        readers = {protected[path].reader for path in entry.invocation.files if path in protected}
        if STACK_DEPLOY in readers:
            continue
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
