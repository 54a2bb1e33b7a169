"""A build sends its whole context to the builder.

Without `.dockerignore` the `.git` directory, dependencies and local files go to the builder with
each build, and with `COPY . .` into the image.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.LOW, "builds", transform="add-dockerignore")
def missing_dockerignore(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the contexts without a .dockerignore that an image copies as a whole."""
    for entry in architecture.entries:
        for build in entry.builds:
            if not build.exists or build.context is None or build.ignore_file:
                continue
            if build.copies_context is not None:
                yield Occurrence(
                    f"{build.context} has no .dockerignore, but the image of {build.service} "
                    f"copies the whole directory",
                    build.copies_context,
                    build.service,
                    build.context,
                    f"create {posixpath.normpath(posixpath.join(build.context, '.dockerignore'))}",
                )
