"""A service has a capability that is close to root on the host.

With it a program can leave the container, or change the network or the kernel of the host.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule

_DANGEROUS = frozenset(
    {
        *("ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH"),
        *("NET_ADMIN", "BPF", "SYS_BOOT"),
    }
)


@rule(Severity.MEDIUM, "security")
def dangerous_capability(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the capabilities that allow a program to leave the container."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for capability in service.cap_add:
                text = capability.value
                if text.upper().removeprefix("CAP_") in _DANGEROUS:
                    yield Occurrence(
                        f"{service.name} has the capability {text}",
                        capability.location,
                        service.name,
                        text,
                        "remove the capabilities that it does not need",
                    )
