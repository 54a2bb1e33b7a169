"""An image has no fixed version.

`latest`, or no tag, may be another image tomorrow: two machines run different software, and nobody
can go back.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.image_references import parse_image

_FLOATING = frozenset({None, "latest", "main", "master", "edge", "nightly", "dev"})


@rule(Severity.LOW, "configuration", strength="Every image has a fixed version.")
def floating_tag(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the images without a fixed version."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.build is not None or not service.image or service.image_location is None:
                continue
            reference = parse_image(service.image)
            if reference.digest or "$" in service.image or reference.tag not in _FLOATING:
                continue
            yield Occurrence(
                f"{service.name} uses {service.image}, which has no fixed version",
                service.image_location,
                service.name,
                reference.name,
                "pin the version that runs now",
            )
