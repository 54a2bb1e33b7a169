"""A service has neither an image nor a build.

Docker Compose rejects it.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.starters import missing_services


@rule(Severity.HIGH, "validity")
def no_image_or_build(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services without an image and a build."""
    for entry in architecture.certain:
        if missing_services(entry.model):
            continue
        for service in entry.services:
            if not service.image and service.build is None and not service.is_provider:
                yield Occurrence(
                    f"{service.name} has neither image nor build",
                    service.location,
                    service.name,
                    remedy="add an image or a build",
                )
