"""A health check is switched off.

Nothing then notices when the service hangs, even where its image has a check.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.LOW, "reliability")
def healthcheck_off(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services whose check is switched off."""
    for entry in architecture.entries:
        for health in entry.health:
            if health.state == "off":
                yield Occurrence(
                    f"the health check of {health.service} is switched off",
                    health.location,
                    health.service,
                )
