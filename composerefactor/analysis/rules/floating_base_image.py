"""A Dockerfile starts from an image without a fixed version."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Found, Severity, check
from composerefactor.compose.image_references import parse_image


@check(Severity.LOW, "builds")
def floating_base_image(architecture: Architecture) -> Iterator[Found]:
    """Yield base images that are not tied to a version."""
    for entry in architecture.entries:
        for build in entry.builds:
            if not build.base or build.base == "scratch" or "$" in build.base:
                continue
            reference = parse_image(build.base)
            if reference.digest is None and reference.tag in {None, "latest"}:
                yield Found(
                    f"the image of {build.service} starts from {build.base}, "
                    f"whichever version that is",
                    build.base_location or build.location,
                    build.service,
                    build.base,
                    "name the version",
                )
