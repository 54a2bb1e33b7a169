"""A service is configured to use more memory than its limit.

A Java heap or a database cache that does not fit into the limit ends in an out-of-memory kill.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.sizes import format_size

_ROOM = 1.1
"""A program needs some memory in addition to what is configured."""


@rule(Severity.HIGH, "reliability")
def limit_below_need(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services whose own settings require more memory than their limit."""
    for entry in architecture.entries:
        for resource in entry.resources:
            limit, configured = resource.memory_limit, resource.configured_memory
            if limit is not None and configured is not None and configured * _ROOM > limit:
                yield Occurrence(
                    f"{resource.service} is limited to {format_size(limit)}, but "
                    f"{resource.configured_by} alone is {format_size(configured)}",
                    resource.location,
                    resource.service,
                    remedy="raise the limit, or lower the configured memory",
                    severity=None if configured > limit else Severity.MEDIUM,
                )
