"""A health check calls a program that its image does not hold.

The container is unhealthy for ever, and what waits for it never starts. Images made small have no
curl or wget.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.architecture.architecture import Architecture, EntryArchitecture
from composerefactor.catalog.catalog import load
from composerefactor.check import Found, check
from composerefactor.findings.severity import Severity

_ASKED = frozenset({"curl", "wget", "nc", "bash"})


@check(Severity.HIGH, "reliability")
def healthcheck_cannot_run(architecture: Architecture) -> Iterator[Found]:
    """Yield the checks whose program is known not to be in the image."""
    for entry in architecture.entries:
        for health in entry.health:
            service = entry.service(health.service)
            if health.state != "written" or not health.program or service is None:
                continue
            lacks = _lacks(entry, health.service, health.program)
            if lacks:
                yield Found(
                    f"the health check of {health.service} calls {health.program}, "
                    f"which {lacks} does not hold",
                    health.location,
                    health.service,
                    health.program,
                    "call a program that is in the image, or install it in the Dockerfile",
                )


def _lacks(entry: EntryArchitecture, name: str, program: str) -> str:
    """Return the image that is known not to hold *program*, or an empty text."""
    if program not in _ASKED:
        return ""
    service = entry.service(name)
    if service is None or service.build is not None:
        return ""
    known = load().match(service.image) if service.image else None
    if known is not None and known.has.get(program) is False:
        return f"the image {known.id}"
    return ""
