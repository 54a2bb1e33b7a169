"""Ports are published where they have no effect.

With `network_mode: host` the container is on the host's network already: Docker discards its
published ports.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.LOW, "configuration")
def ports_ignored(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield services on the network of the host that publish ports."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.network_mode == "host" and service.ports:
                yield Occurrence(
                    f"{service.name} is on the host's network, so its ports are ignored",
                    service.ports[0].location,
                    service.name,
                    remedy="remove the ports",
                )
