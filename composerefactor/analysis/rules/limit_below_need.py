"""A service is told to use more memory than its limit allows.

A Java heap or the cache of a database that does not fit into the limit ends in an out-of-memory
kill.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.memory import shown

_SLACK = 1.5
"""What a program needs is reckoned with room to spare: only what exceeds that is told."""


@rule(Severity.HIGH, "reliability")
def limit_below_need(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services whose own settings ask for more than their limit."""
    for entry in architecture.entries:
        for resource in entry.resources:
            limit, needs = resource.memory_limit, resource.needs
            if limit is not None and needs is not None and needs > limit * _SLACK:
                yield Occurrence(
                    f"{resource.service} may take {shown(limit)}, and is told to use more: "
                    f"{resource.needs_by} needs about {shown(needs)}",
                    resource.location,
                    resource.service,
                    remedy="raise the limit, or lower what it is told to use",
                    severity=None if needs >= limit * 2 else Severity.MEDIUM,
                )
