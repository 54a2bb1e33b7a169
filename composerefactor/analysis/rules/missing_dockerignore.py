"""A build sends its whole context to the builder.

Without `.dockerignore` the `.git` directory, dependencies and local files go to the builder with
each build, and with `COPY . .` into the image.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.paths import path_from
from composerefactor.errors import Location


@rule(Severity.LOW, "builds", transform="add-dockerignore")
def missing_dockerignore(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the contexts without a .dockerignore that an image copies as a whole."""
    copied: dict[str, dict[str, Location]] = {}
    for entry in architecture.entries:
        for build in entry.builds:
            if not build.exists or build.ignore_file or build.context is None:
                continue
            if build.copies_context is not None:
                services = copied.setdefault(build.context, {})
                services.setdefault(build.service, build.copies_context)
    for context, services in copied.items():
        first = next(iter(services))
        path = path_from(context, ".dockerignore")
        is_one = len(services) == 1
        subject = f"the image of {first} copies" if is_one else "the images built there copy"
        where = "the project directory" if context == "." else context
        yield Occurrence(
            f"{where} has no .dockerignore, but {subject} the whole directory",
            services[first],
            first,
            context,
            f"create {path}",
        )
