"""A service is built from a directory or Dockerfile that is not here.

`docker compose build` fails. A context that another repository provides should be said so in a
comment, or come from there by URL.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.MEDIUM, "builds")
def missing_build_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the builds whose context or Dockerfile is missing."""
    for entry in architecture.entries:
        for build in entry.builds:
            if build.context is None or build.context.startswith("../") or build.is_there:
                continue
            what = (
                f"the Dockerfile {build.dockerfile}"
                if build.context_is_there
                else f"the directory {build.context}"
            )
            yield Occurrence(
                f"{build.service} is built from {what}, which is not here",
                build.location,
                build.service,
                build.dockerfile,
            )
