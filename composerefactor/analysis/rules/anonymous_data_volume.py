"""A data store keeps its data in an anonymous volume.

The next container gets a new, empty volume. The old one remains, without a name that shows what it
contains. Such a volume is also there where a named one is mounted above the directory for which the
image declares a volume of its own: `/data` for `/data/db` of MongoDB.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.resources import overlap
from composerefactor.images.health.usage import usage
from composerefactor.images.lookup import data_paths


@rule(Severity.MEDIUM, "data")
def anonymous_data_volume(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the data stores whose volume has no name."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.counts_as == "data stores" and service.image:
                yield from _anonymous_volumes(architecture, entry, service)


def _anonymous_volumes(
    architecture: Architecture, entry: InvocationFacts, service: ServiceFacts
) -> Iterator[Occurrence]:
    """Yield the mounts of *service* that leave its data to an anonymous volume."""
    definition = entry.model.services[service.name]
    environment = usage(architecture.project, entry.model, definition).environment
    paths = data_paths(service.image, entry.catalog, environment) or ()
    for mount in service.mounts:
        if mount.kind == "anonymous" and any(path.is_mounted([mount.target]) for path in paths):
            yield Occurrence(
                f"{service.name} stores {mount.target} in an anonymous volume",
                mount.location,
                service.name,
                mount.target,
                "give the volume a name",
            )
    for path in paths:
        mounts = [mount for mount in service.mounts if overlap(mount.target, path.path)]
        if path.own_volume and all(len(m.target.rstrip("/")) < len(path.path) for m in mounts):
            for mount in mounts:
                yield Occurrence(
                    f"{service.name} mounts {mount.target}, but its image has a volume of its own "
                    f"at {path.path}, which is anonymous",
                    mount.location,
                    service.name,
                    path.path,
                    f"copy the data, and mount the volume at {path.path}",
                )
