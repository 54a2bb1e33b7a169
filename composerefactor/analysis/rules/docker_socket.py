"""A service mounts the Docker socket.

A program that can use the socket is root on the host, with `:ro` too. A socket proxy passes only
the requests that a reverse proxy or a monitor needs.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule

_EXPECTED = "infrastructure"
"""Services that watch, route to or administer containers usually need the socket."""


@rule(Severity.HIGH, "security", strength="No service mounts the Docker socket.")
def docker_socket(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that mount the Docker socket."""
    for entry in architecture.entries:
        for service in entry.services:
            for mount in service.mounts:
                if mount.is_docker_socket:
                    yield Occurrence(
                        f"{service.name} mounts the Docker socket (root-equivalent)",
                        mount.location,
                        service.name,
                        remedy="use a socket proxy or remove the mount",
                        severity=Severity.MEDIUM if service.counts_as == _EXPECTED else None,
                    )
