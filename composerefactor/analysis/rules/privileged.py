"""A service runs with all privileges of the host.

`privileged: true` switches off what separates a container from the host: a break-in there is one
into the machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.HIGH, "security", strength="No service is privileged.")
def privileged(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the privileged services."""
    for entry in architecture.entries:
        for service in entry.services:
            found = entry.model.services[service.name].value("privileged")
            if service.privileged and found is not None:
                yield Occurrence(
                    f"{service.name} is privileged",
                    found.location,
                    service.name,
                    remedy="name the capabilities and devices that it needs instead",
                )
