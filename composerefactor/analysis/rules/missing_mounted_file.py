"""A file that a service mounts does not exist.

Docker creates an empty directory in its place, and the container fails or runs without its
configuration.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.paths import is_inside


@rule(Severity.MEDIUM, "configuration")
def missing_mounted_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the mounts of single files that do not exist and that git would not ignore."""
    project = architecture.project
    for entry in architecture.entries:
        for service in entry.services:
            for mount in service.mounts:
                is_file_inside = mount.names_file and is_inside(mount.source)
                if mount.kind != "bind" or not is_file_inside:
                    continue
                if mount.source.partition(":")[0] != mount.source or "$" in mount.source:
                    continue
                is_there = project.exists(mount.source) or project.has_directory(mount.source)
                if not is_there and not project.is_ignored(mount.source):
                    yield Occurrence(
                        f"{service.name} mounts {mount.source}, which does not exist",
                        mount.location,
                        service.name,
                        mount.source,
                        "create the file; otherwise Docker creates an empty directory",
                    )
