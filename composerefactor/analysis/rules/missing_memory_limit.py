"""A service has no memory limit.

A leak in it can take down all other services of the machine. The sizes that `composerefactor fix
--unsafe` adds are a start: compare them with `docker stats`.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(
    Severity.LOW,
    "reliability",
    transform="add-resource-limits",
    strength="Every service has a memory limit.",
)
def missing_memory_limit(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services without a memory limit."""
    for entry in architecture.entries:
        for service, resource in zip(entry.services, entry.resources, strict=True):
            if architecture.is_short_lived(service.location.path):
                continue
            is_needed = service.name not in entry.model.without_container and not service.one_off
            if resource.memory_limit is None and is_needed:
                yield Occurrence(
                    f"{service.name} has no memory limit", service.location, service.name
                )
