"""The log of a service is not rotated.

The json-file driver, Docker's default, keeps everything until the disk is full. A daemon with its
own log rotation needs no change here.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.one_off import reason_it_may_exit


@rule(
    Severity.LOW,
    "reliability",
    transform="add-logging",
    strength="The logs of all services are rotated.",
)
def unbounded_logs(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that do not configure logging."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.has_logging or architecture.is_short_lived(service.location.path):
                continue
            may_exit = reason_it_may_exit(entry.model, service.name)
            if service.name not in entry.model.without_container and not may_exit:
                yield Occurrence(
                    f"the log of {service.name} is not rotated", service.location, service.name
                )
