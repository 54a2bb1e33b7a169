"""A service shares a namespace with the host.

With `network_mode: host` it is on all networks of the machine and its published ports are ignored;
with `pid: host` it can see, and end, every process.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.MEDIUM, "security")
def host_namespace(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that share a namespace with the host."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            namespaces = {
                "network_mode": service.network_mode,
                "pid": service.pid,
                "ipc": service.ipc,
                "userns_mode": service.userns_mode,
                "uts": service.uts,
            }
            for attribute, value in namespaces.items():
                if value is None or value.value != "host":
                    continue
                facts = entry.service(service.name)
                is_infrastructure = facts is not None and facts.counts_as == "infrastructure"
                yield Occurrence(
                    f"{service.name} shares a namespace with the host ({attribute}: host)",
                    value.location,
                    service.name,
                    attribute,
                    severity=Severity.LOW if is_infrastructure else None,
                )
