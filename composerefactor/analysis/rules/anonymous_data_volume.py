"""A data store keeps its data in a volume without a name.

The next container gets another, empty one; the old one stays behind without anybody to tell what it
is.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.resources import covers
from composerefactor.images.catalog import load
from composerefactor.images.lookup import data_paths


@rule(Severity.MEDIUM, "data")
def anonymous_data_volume(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield data stores whose volume has no name."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.counts_as != "data stores":
                continue
            known = data_paths(service.image, load()) if service.image else None
            for mount in service.mounts:
                is_data = any(covers([mount.target], path.path) for path in known or ())
                if mount.kind == "anonymous" and is_data:
                    yield Occurrence(
                        f"{service.name} keeps {mount.target} in a volume without a name",
                        mount.location,
                        service.name,
                        mount.target,
                        "give the volume a name",
                    )
