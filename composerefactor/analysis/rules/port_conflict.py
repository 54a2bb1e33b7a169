"""Two services of one start command publish the same port.

The second one cannot start: the host port is already in use.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(
    Severity.HIGH,
    "configuration",
    strength="No two services of a start command publish the same port.",
)
def port_conflict(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the host ports that two services publish at the same time."""
    for entry in architecture.certain:
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
