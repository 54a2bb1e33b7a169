"""A build copies files with secrets into the image.

`COPY . .` takes everything that `.dockerignore` does not leave out, `.env` files too.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.HIGH, "security")
def secret_file_in_image(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the builds that copy secret files of their context."""
    for entry in architecture.entries:
        for build in entry.builds:
            if build.copies_context is None:
                continue
            for path in build.exposed_secrets:
                yield Occurrence(
                    f"the image of {build.service} gets {path}",
                    build.copies_context,
                    build.service,
                    path,
                    f"add {path.rpartition('/')[2]} to "
                    f"{build.ignore_file or _ignore_file(build.context)}",
                )


def _ignore_file(context: str | None) -> str:
    return posixpath.normpath(posixpath.join(context or "", ".dockerignore"))
