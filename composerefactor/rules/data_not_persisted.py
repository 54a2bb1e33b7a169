"""A data store keeps its data in the container.

`docker compose down`, or a new image, then takes the data along.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.architecture.architecture import Architecture
from composerefactor.catalog.catalog import load
from composerefactor.check import Found, check
from composerefactor.findings.severity import Severity
from composerefactor.topology.mounts import covers, mount_targets
from composerefactor.topology.state import data_paths

_SEVERITY = {
    "cache": Severity.LOW,
    "monitoring": Severity.LOW,
    "tracing": Severity.LOW,
    "logging": Severity.LOW,
    "proxy": Severity.LOW,
    "tools": Severity.LOW,
    "ai": Severity.LOW,
    "queue": Severity.MEDIUM,
    "search": Severity.MEDIUM,
    "emulator": Severity.LOW,
}
"""Where losing the data costs less."""


@check(
    Severity.HIGH,
    "data",
    transform="declare-volumes",
    strength="Every data store keeps its data in a volume.",
)
def data_not_persisted(architecture: Architecture) -> Iterator[Found]:
    """Yield data stores with nothing mounted where they keep their data."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.build is not None or not service.image or service.one_shot:
                continue
            paths = data_paths(service.image, load())
            known = entry.stack.services[service.name]
            targets = list(mount_targets(entry.stack, known))
            for path in paths or ():
                if not covers(targets, path.path):
                    yield Found(
                        f"{service.name} keeps its data in the container, at {path.path}",
                        service.location,
                        service.name,
                        path.path,
                        severity=_SEVERITY.get(service.category),
                    )
