"""A service has no health check.

Without one, Docker considers a container healthy as soon as its process runs: services that depend
on it start too early, and nothing notices when it hangs. Where the image is known, or its
Dockerfile is in the project, `composerefactor fix --unsafe` adds a check that can run in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.images.health.built import INHERITED


@rule(
    Severity.MEDIUM,
    "reliability",
    transform="add-healthchecks",
    strength="Every long-running service has a health check.",
)
def missing_healthcheck(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the long-running services without a health check."""
    for entry in architecture.entries:
        needed = {edge.callee for edge in entry.edges}
        for health in entry.health:
            service = entry.service(health.service)
            is_known = service is not None and (service.image or service.build is not None)
            if health.state != "missing" or not is_known:
                continue
            if reason_it_may_exit(entry.model, health.service):
                continue
            reason = "" if health.proposal else f": {health.reason}"
            lacks = "is never healthy" if INHERITED in reason else "has no health check"
            yield Occurrence(
                f"{health.service} {lacks}{reason}",
                health.location,
                health.service,
                remedy=health.remedy,
                severity=None if health.service in needed else Severity.LOW,
                is_fixable=bool(health.proposal),
            )
