"""A declared volume or network is not used.

It misleads readers; Docker Compose does not create it.
"""

from __future__ import annotations

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
        if (noun, name) not in used:
            yield Occurrence(
                f"the {noun} {name} is declared but not used",
                location,
                None,
                f"{noun} {name}",
                "remove it",
            )
