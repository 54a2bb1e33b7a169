"""A service is not started again when it fails.

Without `restart` a container that crashes, or a machine that reboots, leaves the service down.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.one_off import why_it_may_end


@rule(
    Severity.LOW,
    "reliability",
    transform="add-restart-policy",
    strength="Every service that runs on is started again when it fails.",
)
def missing_restart_policy(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield services that run on and have no restart policy."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.restart or service.one_off or service.is_provider or service.profiles:
                continue
            if why_it_may_end(entry.model, service.name) is None:
                yield Occurrence(
                    f"{service.name} has no restart policy", service.location, service.name
                )
