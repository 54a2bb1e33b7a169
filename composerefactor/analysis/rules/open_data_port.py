"""A data store is published on all addresses of the machine.

A port that is published without an address bypasses the rules of most firewalls. Other containers
do not need it: they use the service's name. `127.0.0.1` limits it to the machine itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.ports import FOR_OUTSIDE

_DATA_CATEGORIES = frozenset({"database", "cache", "queue", "search", "vector-db"})


@rule(
    Severity.MEDIUM,
    "security",
    transform="bind-local-ports",
    strength="No data store can be reached from outside the machine.",
)
def open_data_port(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the ports of data stores that are published on all addresses."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.category not in _DATA_CATEGORIES:
                continue
            for port in service.ports:
                is_for_outside = port.target in FOR_OUTSIDE
                if port.is_open and not is_for_outside and service.network_mode != "host":
                    yield Occurrence(
                        f"{service.name} publishes port {port.shown} on all addresses",
                        port.location,
                        service.name,
                        f"{port.target}/{port.protocol}",
                    )
