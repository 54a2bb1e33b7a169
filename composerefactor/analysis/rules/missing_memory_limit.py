"""A service may take all memory of the machine.

One leak then takes down all other services. Sizes are a start: compare them with `docker stats`.
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
    """Yield the services without a limit of memory."""
    for entry in architecture.entries:
        for service, resource in zip(entry.services, entry.resources, strict=True):
            if resource.memory_limit is None and not service.one_off and not service.is_provider:
                yield Occurrence(
                    f"{service.name} has no memory limit", service.location, service.name
                )
