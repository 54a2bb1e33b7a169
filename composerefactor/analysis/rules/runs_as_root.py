"""An image that the project builds runs as root.

Neither its Dockerfile nor the service sets another user. An attacker who breaks into the program
then controls the whole container.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.image_references import parse_image

_ROOT_IMAGES = frozenset(
    {
        *("alpine", "debian", "ubuntu", "node", "python", "golang", "rust", "ruby", "php"),
        *("openjdk", "eclipse-temurin", "amazoncorretto", "maven", "gradle", "scratch"),
        *("aspnet", "runtime", "sdk", "bun", "buster", "bookworm", "caddy", "centos", "fedora"),
    }
)
"""Base images that are known to run as root.

nginx and httpd are not among them: what serves their clients runs as another user. That is true for
the variants of PHP with a server, too.
"""
_PHP_SERVERS = ("fpm", "apache")


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
            location = build.base_location or build.location
            yield Occurrence(
                f"{service.name} runs as root: {build.dockerfile} sets no other user",
                location,
                service.name,
                build.dockerfile,
                "add USER to the last stage",
            )


def _has_own_user(base: str) -> bool:
    """Return whether the image *base* may itself set another user than root."""
    name = parse_image(base).name
    short_name = name.rpartition("/")[2]
    if short_name == "php" and any(word in base for word in _PHP_SERVERS):
        return True
    return short_name not in _ROOT_IMAGES or any(
        word in base for word in ("nonroot", "unprivileged")
    )
