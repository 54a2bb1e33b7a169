"""A path exists on only one person's machine.

A home directory such as `/Users/ada` is not on other machines: a build fails there, and Docker
creates an empty directory for a mount.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.services import Service
from composerefactor.compose.short_forms import parse_volume
from composerefactor.errors import Location

_PERSONAL = re.compile(r"(?:/home|/Users|/mnt/[a-z]/Users)/[^/$]+/.+|[A-Za-z]:[\\/].+")
"""Home directories, and the drives of Windows."""


@rule(Severity.MEDIUM, "configuration")
def personal_path(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the personal paths in builds, mounts and env files."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for attribute, path, location in _paths(service):
                if _PERSONAL.fullmatch(path):
                    yield Occurrence(
                        f"the {attribute} of {service.name} is on one person's machine: {path}",
                        location,
                        service.name,
                        path,
                        "use a path relative to the project, or a variable",
                    )


def _paths(service: Service) -> Iterator[tuple[str, str, Location]]:
    """Yield (attribute, path as written, location) of the paths on the host."""
    if service.build is not None:
        context = service.build.at.below("context") or service.build.at
        yield "build context", context.written or "", context.location
    for volume in service.volumes:
        written = (volume.at.below("source") or volume.at).written or ""
        text = parse_volume(written)
        yield "mount", (text.source if text else None) or written, volume.location
    for env_file in service.env_file:
        path = env_file.at.below("path") or env_file.at
        yield "env_file", path.written or "", env_file.location
