"""A Dockerfile stores a credential in the image.

ENV and the default of ARG stay in the image and its history: everybody who can pull the image can
read them. A build secret (`RUN --mount=type=secret`) leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.HIGH, "security")
def secret_in_image(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the ARG and ENV instructions with credentials."""
    for entry in architecture.entries:
        for build in entry.builds:
            for secret in build.secrets:
                yield Occurrence(
                    f"{secret.instruction} {secret.name} stores its value in the image",
                    secret.location,
                    build.service,
                    secret.name,
                    "use a build secret, or set it when the container starts",
                    Severity.LOW if secret.instruction == "ARG" else None,
                )
