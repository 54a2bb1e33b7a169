"""A data store keeps its data in an anonymous volume.

The next container gets a new, empty volume. The old one remains, without a name that shows what it
contains.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.lookup import data_paths


@rule(Severity.MEDIUM, "data")
def anonymous_data_volume(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the data stores whose volume has no name."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.counts_as != "data stores":
                continue
            data_directories = data_paths(service.image, entry.catalog) if service.image else None
            for mount in service.mounts:
                is_data = any(path.is_mounted([mount.target]) for path in data_directories or ())
                if mount.kind == "anonymous" and is_data:
                    yield Occurrence(
                        f"{service.name} stores {mount.target} in an anonymous volume",
                        mount.location,
                        service.name,
                        mount.target,
                        "give the volume a name",
                    )
