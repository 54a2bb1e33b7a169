"""A volume or network is declared and nobody uses it."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location


@rule(Severity.LOW, "maintainability")
def unused_resource(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield top-level volumes and networks that no entry point uses."""
    used: set[tuple[str, str]] = set()
    declared: dict[tuple[str, str], Location] = {}
    for entry in architecture.entries:
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
    for (noun, name), at in declared.items():
        if (noun, name) not in used:
            yield Occurrence(
                f"nobody uses the {noun} {name}", at, None, f"{noun} {name}", "remove it"
            )
