"""A declared volume or network is not used.

It misleads readers; Docker Compose does not create it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location


@rule(Severity.LOW, "maintainability")
def unused_resource(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield top-level volumes and networks that no start command uses."""
    used: set[tuple[str, str]] = set()
    declared: dict[tuple[str, str], Location] = {}
    for entry in architecture.all_entries:
        for volume in entry.volumes:
            if volume.kind == "volume" and volume.declared:
                declared.setdefault(("volume", volume.name), volume.location)
                if volume.mounts:
                    used.add(("volume", volume.name))
        for network in entry.networks:
            if network.declared and network.name != "default":
                declared.setdefault(("network", network.name), network.location)
                if network.members:
                    used.add(("network", network.name))
    for (noun, name), location in declared.items():
        if (noun, name) not in used and not _is_in_comment(architecture, location, name):
            yield Occurrence(
                f"the {noun} {name} is declared but not used",
                location,
                None,
                f"{noun} {name}",
                "remove it",
            )


def _is_in_comment(architecture: Architecture, location: Location, name: str) -> bool:
    """Return whether a commented-out line of the file at *location* uses *name*."""
    file = architecture.project.files.get(location.path)
    use = re.compile(rf"\s*#+\s*-\s+[\"']?{re.escape(name)}(?:[:\"']|\s*$)")
    return file is not None and any(use.match(line) for line in file.source.text.splitlines())
