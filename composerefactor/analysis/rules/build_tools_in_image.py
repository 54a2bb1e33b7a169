"""A final image still contains the tools that built it.

With a second stage only the result goes into the image: it is smaller, starts faster on a new
machine, and gives an attacker less to work with.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.image_references import parse_image

_COMPILERS = frozenset({"golang", "rust", "maven", "gradle", "sdk", "gcc"})


@rule(Severity.INFO, "builds")
def build_tools_in_image(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the images of compiled languages that are built in one stage."""
    for entry in architecture.entries:
        for build in entry.builds:
            if not build.exists or build.is_multi_stage or not build.base:
                continue
            name = parse_image(build.base).name.rpartition("/")[2]
            if name in _COMPILERS:
                yield Occurrence(
                    f"the final image of {build.service} still contains "
                    f"the build image {build.base}",
                    build.base_location or build.location,
                    build.service,
                    build.dockerfile,
                    "copy the result into a second stage",
                )
