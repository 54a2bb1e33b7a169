"""Two services of one start command publish the same port.

The second one cannot start: the host port is already in use.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule

_COLLECTION = 8
"""With more conflicts, the services of a start command are a collection to choose from."""


@rule(
    Severity.HIGH,
    "configuration",
    strength="No two services of a start command publish the same port.",
)
def port_conflict(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the host ports that two services publish at the same time."""
    for entry in architecture.certain:
        if len(entry.conflicts) > _COLLECTION:
            one = entry.conflicts[0]
            yield Occurrence(
                f"{len(entry.conflicts)} pairs of services publish the same port, so they cannot "
                f"all run together ({one.first.service} and {one.second.service} on port "
                f"{one.number}, and others)",
                one.second.location,
                None,
                entry.invocation.title,
                "give alternatives a profile each, or start services by name",
                Severity.MEDIUM,
            )
            continue
        for conflict in entry.conflicts:
            first, second = conflict.first, conflict.second
            yield Occurrence(
                f"{second.service} and {first.service} both publish port {conflict.number}"
                f"{'' if conflict.protocol == 'tcp' else f'/{conflict.protocol}'}",
                second.location,
                second.service,
                f"{conflict.number}/{conflict.protocol} {first.service}",
                f"give one of them another port (the other is at {first.location})",
            )
