"""A build copies files with secrets into the image.

`COPY . .` copies everything that `.dockerignore` does not exclude, including `.env` files.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.paths import path_from


@rule(Severity.HIGH, "security")
def secret_file_in_image(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the secret files that builds copy from their context."""
    for entry in architecture.entries:
        for build in entry.builds:
            if build.copies_context is None:
                continue
            for path in build.exposed_secrets:
                yield Occurrence(
                    f"the build of {build.service} copies {path} into the image",
                    build.copies_context,
                    build.service,
                    path,
                    f"add {path.rpartition('/')[2]} to "
                    f"{build.ignore_file or _ignore_file(build.context)}",
                )


def _ignore_file(context: str | None) -> str:
    """Return the path of the .dockerignore of *context*."""
    return path_from(context or "", ".dockerignore")
