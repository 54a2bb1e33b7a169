"""The log of a service grows without bound.

The json-file driver, Docker's default, keeps everything until the disk is full. A daemon that is
set up otherwise needs nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(
    Severity.LOW,
    "reliability",
    transform="add-logging",
    strength="The logs of all services are bounded.",
)
def unbounded_logs(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield one finding for each file with services that have no logging options."""
    for entry in architecture.entries:
        bare = [s for s in entry.services if not s.has_logging and not s.one_off]
        for service in bare:
            if not service.is_provider:
                yield Occurrence(
                    f"the log of {service.name} is not rotated", service.location, service.name
                )
