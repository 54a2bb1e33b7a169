"""A service is privileged.

`privileged: true` disables the isolation of the container: an attacker who breaks into it controls
the host.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.HIGH, "security", strength="No service is privileged.")
def privileged(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the privileged services."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            if service.privileged is not None and service.privileged.value:
                yield Occurrence(
                    f"{service.name} is privileged",
                    service.privileged.location,
                    service.name,
                    remedy="grant only the capabilities and devices that it needs",
                )
