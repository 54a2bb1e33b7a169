"""A Dockerfile puts a credential into the image.

ENV and the default of ARG stay in the image and its history: everybody who can pull it has them. A
build secret (`RUN --mount=type=secret`) leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.HIGH, "security")
def secret_in_image(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield ARG and ENV with secret names and values."""
    for entry in architecture.entries:
        for build in entry.builds:
            for secret in build.secrets:
                yield Occurrence(
                    f"{secret.instruction} {secret.name} leaves its value in the image",
                    secret.location,
                    build.service,
                    secret.name,
                    "take a build secret, or set it when the container starts",
                    Severity.LOW if secret.instruction == "ARG" else None,
                )
