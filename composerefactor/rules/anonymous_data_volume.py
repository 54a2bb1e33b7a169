"""A data store keeps its data in a volume without a name.

The next container gets another, empty one; the old one stays behind without anybody to tell what it
is.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.architecture.architecture import Architecture
from composerefactor.check import Found, check
from composerefactor.findings.severity import Severity


@check(Severity.MEDIUM, "data")
def anonymous_data_volume(architecture: Architecture) -> Iterator[Found]:
    """Yield data stores whose volume has no name."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.counts_as != "data stores":
                continue
            for mount in service.mounts:
                if mount.kind == "anonymous":
                    yield Found(
                        f"{service.name} keeps {mount.target} in a volume without a name",
                        mount.location,
                        service.name,
                        mount.target,
                        "give the volume a name",
                    )
