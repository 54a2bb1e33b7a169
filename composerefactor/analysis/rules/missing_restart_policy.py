"""A service has no restart policy.

Without `restart` the service stays down after a crash of the container or a reboot of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.one_off import reason_it_may_exit


@rule(
    Severity.LOW,
    "reliability",
    transform="add-restart-policy",
    strength="Every long-running service is restarted when it fails.",
)
def missing_restart_policy(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the long-running services without a restart policy."""
    for entry in architecture.entries:
        for service in entry.services:
            has_container = service.name not in entry.model.without_container
            if service.restart or service.one_off or service.profiles or not has_container:
                continue
            if architecture.is_short_lived(service.location.path):
                continue
            if reason_it_may_exit(entry.model, service.name) is None:
                yield Occurrence(
                    f"{service.name} has no restart policy", service.location, service.name
                )
