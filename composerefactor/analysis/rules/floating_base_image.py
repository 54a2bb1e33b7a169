"""A base image has no fixed version.

The next build may start from another version of it, on another machine or on the same one.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.image_references import parse_image


@rule(Severity.LOW, "builds")
def floating_base_image(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the base images without a fixed version."""
    for entry in architecture.entries:
        for build in entry.builds:
            if not build.base or build.base == "scratch" or "$" in build.base:
                continue
            reference = parse_image(build.base)
            if reference.digest is None and reference.tag in {None, "latest"}:
                yield Occurrence(
                    f"the image of {build.service} is built from {build.base}, "
                    f"which has no fixed version",
                    build.base_location or build.location,
                    build.service,
                    build.base,
                    "pin a version",
                )
