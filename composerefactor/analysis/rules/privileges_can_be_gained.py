"""Programs in a service can gain privileges by setuid.

`no-new-privileges` costs nothing for nearly all images and closes a way from a break-in to root in
the container.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.merge_keys import scalar_text
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
            options = (
                scalar_text(each.node) or ""
                for each in entry.model.services[service.name].items("security_opt")
            )
            if any(each.startswith("no-new-privileges") for each in options):
                continue
            if not service.privileged and not gains_privileges(service.image):
                yield Occurrence(
                    f"programs in {service.name} can gain privileges",
                    service.location,
                    service.name,
                )
