"""A read-only service uses a secret or config whose content comes from no file.

Docker Compose copies such a content into the container, and refuses to start the service if its
root file system is read-only. `docker compose config` accepts it.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.HIGH, "validity")
def inline_file_in_read_only_service(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the read-only services with such a secret or config."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            read_only = service.read_only
            names = entry.model.inline_files(service)
            if read_only is not None and read_only.value and names:
                files = ", ".join(names)
                yield Occurrence(
                    f"{service.name} is read-only, so that `up` cannot create {files} in it",
                    read_only.location,
                    service.name,
                    remedy="write the content to a file, and use `file`",
                )
