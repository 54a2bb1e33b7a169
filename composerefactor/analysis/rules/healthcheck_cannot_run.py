"""A health check calls a program that its image does not hold.

The container is unhealthy for ever, and what waits for it never starts. Images made small have no
curl or wget.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, EntryArchitecture
from composerefactor.analysis.facts.builds import PROBES
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.catalog import load
from composerefactor.images.dockerfiles import Chain
from composerefactor.images.entries import CatalogEntry
from composerefactor.images.health.probes import lacking


@rule(Severity.HIGH, "reliability")
def healthcheck_cannot_run(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the checks whose program is known not to be in the image."""
    for entry in architecture.entries:
        for health in entry.health:
            service = entry.service(health.service)
            if health.state != "written" or not health.program or service is None:
                continue
            lacks = _lacks(entry, health.service, health.program)
            if lacks:
                yield Occurrence(
                    f"the health check of {health.service} calls {health.program}, "
                    f"which {lacks} does not hold",
                    health.location,
                    health.service,
                    health.program,
                    "call a program that is in the image, or install it in the Dockerfile",
                )


def _lacks(entry: EntryArchitecture, name: str, program: str) -> str:
    """Return the image that is known not to hold *program*, or an empty text."""
    service = entry.service(name)
    if service is None or program not in PROBES:
        return ""
    if service.build is not None:
        is_lacking = program in service.build.lacks
        return f"its image, from {service.build.base}," if is_lacking else ""
    known = load().match(service.image) if service.image else None
    if known is not None and known.has.get(program) is False:
        return "" if _some_version_has(known, program) else f"the image {known.id}"
    if known is None and program in lacking(Chain(service.image, ()), PROBES):
        return f"the image {service.image}"
    return ""


def _some_version_has(known: CatalogEntry, program: str) -> bool:
    """Return whether a check for some version of the image calls *program*."""
    tests = [each.test or () for each in known.variants]
    return any(program in word for test in tests for word in test)
