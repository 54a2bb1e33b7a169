"""A build context, a Dockerfile or a stage of it does not exist.

`docker compose build` fails. If another repository provides the context, say so in a comment, or
build from its URL.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.paths import is_outside
from composerefactor.compose.services import Service


@rule(Severity.MEDIUM, "builds")
def missing_build_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the builds whose context, Dockerfile or target does not exist."""
    for entry in architecture.entries:
        for build in entry.builds:
            target = _target(entry.model.services[build.service])
            if build.exists and target and not build.stages:
                yield Occurrence(
                    f"{build.service} is built from stage {target}, which "
                    f"{build.dockerfile} does not contain",
                    build.location,
                    build.service,
                    target,
                    "correct target, or add the stage",
                )
            if build.context is None or is_outside(build.context) or build.exists:
                continue
            missing = (
                f"Dockerfile {build.dockerfile}"
                if build.context_exists
                else f"directory {build.context}"
            )
            yield Occurrence(
                f"{build.service} is built from {missing}, which does not exist",
                build.location,
                build.service,
                build.dockerfile,
                "create it, or correct the path",
            )


def _target(service: Service) -> str:
    """Return the stage that *service* is built from, ``""`` for the last one or an unknown one."""
    node = service.build.at.below("target") if service.build else None
    return (node.known_text or "") if node else ""
