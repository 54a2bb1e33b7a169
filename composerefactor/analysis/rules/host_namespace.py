"""A service shares a namespace with the host.

With `network_mode: host` it is on all networks of the machine and its published ports are ignored;
with `pid: host` it sees, and may end, every process.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.MEDIUM, "security")
def host_namespace(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that are not apart from the host."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for attribute in ("network_mode", "pid", "ipc", "userns_mode", "uts"):
                found = service.value(attribute)
                if found is None or service.text(attribute) != "host":
                    continue
                facts = entry.service(service.name)
                is_watching = facts is not None and facts.counts_as == "infrastructure"
                yield Occurrence(
                    f"{service.name} has {attribute}: host",
                    found.location,
                    service.name,
                    attribute,
                    severity=Severity.LOW if is_watching else None,
                )
