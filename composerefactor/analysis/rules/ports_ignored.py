"""A service publishes ports that have no effect.

With `network_mode: host` the container uses the network of the host: Docker discards its published
ports.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.LOW, "configuration")
def ports_ignored(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services on the network of the host that publish ports."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.network_mode == "host" and service.ports:
                yield Occurrence(
                    f"{service.name} uses the host's network, so its published ports are ignored",
                    service.ports[0].location,
                    service.name,
                    remedy="remove the ports",
                )
