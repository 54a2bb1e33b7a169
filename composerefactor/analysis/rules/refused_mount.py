"""A volume is mounted where the image refuses a mount.

The container exits at once, with a new volume and with an existing one. The image of PostgreSQL
does so since version 18, if anything is mounted at the former data directory.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.health.usage import usage
from composerefactor.images.lookup import refused_mounts


@rule(Severity.HIGH, "data")
def refused_mount(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the mounts with which the server of an image does not start."""
    for entry in architecture.entries:
        for facts in entry.services:
            service, build = entry.model.services[facts.name], facts.build
            image = (service.image.at.known_text if service.image else None) or ""
            name = facts.image
            environment = usage(architecture.project, entry.model, service).environment
            if build is not None:
                image, name = build.base, f"its image (built from {build.base})"
                environment = {**dict.fromkeys(build.variables), **environment}
            mounts = refused_mounts(service, image, environment, entry.catalog)
            for location, target, refused in mounts:
                yield Occurrence(
                    f"{facts.name} mounts {target}, with which {name} does not start",
                    location,
                    facts.name,
                    refused.path,
                    refused.remedy,
                )
