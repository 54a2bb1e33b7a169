"""A Dockerfile starts from an image without a fixed version."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.image_references import parse_image


@rule(Severity.LOW, "builds")
def floating_base_image(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield base images that are not tied to a version."""
    for entry in architecture.entries:
        for build in entry.builds:
            if not build.base or build.base == "scratch" or "$" in build.base:
                continue
            reference = parse_image(build.base)
            if reference.digest is None and reference.tag in {None, "latest"}:
                yield Occurrence(
                    f"the image of {build.service} starts from {build.base}, "
                    f"whichever version that is",
                    build.base_location or build.location,
                    build.service,
                    build.base,
                    "name the version",
                )
