"""An image that is built here runs as root.

Its Dockerfile names no other user, and neither does the service. A break-in into the program is
then one into all of the container.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.image_references import parse_image

_ROOT_IMAGES = frozenset(
    {
        *("alpine", "debian", "ubuntu", "node", "python", "golang", "rust", "ruby", "php", "nginx"),
        *("openjdk", "eclipse-temurin", "amazoncorretto", "maven", "gradle", "scratch", "httpd"),
        *("aspnet", "runtime", "sdk", "bun", "buster", "bookworm", "caddy", "centos", "fedora"),
    }
)
"""Base images that are known to run as root."""


@rule(Severity.LOW, "security")
def runs_as_root(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the built services that run as root."""
    for entry in architecture.entries:
        for service in entry.services:
            build = service.build
            if build is None or not build.runs_as_root or service.user or not build.base:
                continue
            if _has_own_user(build.base):
                continue
            at = build.base_location or build.location
            yield Occurrence(
                f"{service.name} runs as root: {build.dockerfile} names no other user",
                at,
                service.name,
                build.dockerfile,
                "add USER to its last stage",
            )


def _has_own_user(base: str) -> bool:
    """Return whether an image from *base* may run as another user without saying so."""
    name = parse_image(base).name
    last = name.rpartition("/")[2]
    return last not in _ROOT_IMAGES or any(word in base for word in ("nonroot", "unprivileged"))
