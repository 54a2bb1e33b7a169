"""A volume is mounted where the image refuses a mount.

The container exits at once, with a new volume and with an existing one. The image of PostgreSQL
does so since version 18, if anything is mounted at the former data directory.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.catalog import load_catalog
from composerefactor.images.health.usage import usage
from composerefactor.images.lookup import refused_mounts


@rule(Severity.HIGH, "data")
def refused_mount(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the mounts with which the server of an image does not start."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            environment = usage(architecture.project, entry.model, service).environment
            for volume, refused in refused_mounts(service, environment, load_catalog()):
                image = entry.service(service.name)
                yield Occurrence(
                    f"{service.name} mounts {volume.value.target}, with which "
                    f"{image.image if image else 'its image'} does not start",
                    volume.location,
                    service.name,
                    refused.path,
                    refused.remedy,
                )
