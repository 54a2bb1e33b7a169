"""A service has the Docker socket.

Who can speak to the daemon is root on the host, and `:ro` changes nothing about that. A socket
proxy lets through only what a proxy or a monitor needs.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule

_KNOWN = "infrastructure"
"""What watches, routes or administers containers needs the socket more often than not."""


@rule(Severity.HIGH, "security", strength="No service has the Docker socket.")
def docker_socket(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that mount the Docker socket."""
    for entry in architecture.entries:
        for service in entry.services:
            for mount in service.mounts:
                if mount.is_docker_socket:
                    yield Occurrence(
                        f"{service.name} has the Docker socket, which is root on the host",
                        mount.location,
                        service.name,
                        remedy="put a socket proxy in between, or do without",
                        severity=Severity.MEDIUM if service.counts_as == _KNOWN else None,
                    )
