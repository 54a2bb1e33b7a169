"""A health check is disabled.

Docker then does not notice when the service hangs, even where its image has a check. A task that
ends needs none.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.LOW, "reliability")
def healthcheck_off(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services whose health check is disabled."""
    for entry in architecture.entries:
        tasks = {service.name for service in entry.services if service.one_off}
        for health in entry.health:
            if health.state == "off" and health.service not in tasks:
                yield Occurrence(
                    f"the health check of {health.service} is disabled",
                    health.location,
                    health.service,
                )
