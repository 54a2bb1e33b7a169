"""A service lets its programs gain privileges by setuid.

`no-new-privileges` works with nearly all images, and blocks one way from a break-in to root in the
container.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.lookup import gains_privileges


@rule(
    Severity.INFO,
    "security",
    transform="harden",
    strength="No program can gain privileges in a container.",
)
def privileges_can_be_gained(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services without no-new-privileges."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.name in entry.model.without_container:
                continue
            options = entry.model.services[service.name].security_opt
            if any(option.value.startswith("no-new-privileges") for option in options):
                continue
            if not service.privileged and not gains_privileges(service.image):
                yield Occurrence(
                    f"programs in {service.name} can gain privileges",
                    service.location,
                    service.name,
                )
