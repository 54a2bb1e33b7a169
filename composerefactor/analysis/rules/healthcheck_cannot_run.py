"""A health check uses a program that its image does not contain.

The container stays unhealthy, and services that wait for it never start. Minimal images contain
neither curl nor wget.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.builds import PROBES
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.catalog import load_catalog
from composerefactor.images.dockerfiles import Chain
from composerefactor.images.entries import CatalogEntry
from composerefactor.images.health.probes import missing_programs


@rule(Severity.HIGH, "reliability")
def healthcheck_cannot_run(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the checks whose program is known to be missing from the image."""
    for entry in architecture.entries:
        for health in entry.health:
            service = entry.service(health.service)
            if health.state != "written" or not health.program or service is None:
                continue
            image = _image_without(entry, health.service, health.program)
            if image:
                yield Occurrence(
                    f"the health check of {health.service} uses {health.program}, "
                    f"which {image} does not contain",
                    health.location,
                    health.service,
                    health.program,
                    "use a program that the image contains, or install it in the Dockerfile",
                )


def _image_without(entry: InvocationFacts, name: str, program: str) -> str:
    """Return the image in words if it is known not to contain *program*, otherwise ``""``."""
    service = entry.service(name)
    if service is None or program not in PROBES:
        return ""
    if service.build is not None:
        is_missing = program in service.build.lacks
        return f"its image (built from {service.build.base})" if is_missing else ""
    known = load_catalog().match(service.image) if service.image else None
    if known is not None and known.has.get(program) is False:
        return "" if _some_version_has(known, program) else f"image {known.id}"
    if known is None and program in missing_programs(Chain(service.image, ()), PROBES):
        return f"image {service.image}"
    return ""


def _some_version_has(known: CatalogEntry, program: str) -> bool:
    """Return whether the catalog has a check with *program* for some version of the image."""
    tests = [variant.test or () for variant in known.variants]
    return any(program in word for test in tests for word in test)
