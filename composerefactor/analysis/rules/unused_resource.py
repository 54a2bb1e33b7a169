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
    """Yield top-level volumes and networks that no start command, and no other file, uses."""
    declared: dict[tuple[str, str], Location] = {}
    used: set[tuple[str, str]] = set()
    for key, location, is_used in _declared(architecture):
        declared.setdefault(key, location)
        if is_used:
            used.add(key)
    unused = declared.keys() - used
    elsewhere = architecture.project.all_undefined() if unused else frozenset()
    for (noun, name), location in declared.items():
        if (noun, name) not in unused or name in elsewhere:
            continue
        if not _is_in_comment(architecture, location, name):
            yield Occurrence(
                f"the {noun} {name} is declared but not used",
                location,
                None,
                f"{noun} {name}",
                "remove it",
            )


def _declared(architecture: Architecture) -> Iterator[tuple[tuple[str, str], Location, bool]]:
    """Yield the declared volumes and networks of each start command, and whether it uses them."""
    for entry in architecture.all_entries:
        for volume in entry.volumes:
            if volume.kind == "volume" and volume.declared:
                yield ("volume", volume.name), volume.location, bool(volume.mounts)
        for network in entry.networks:
            if network.declared and network.name != "default":
                yield ("network", network.name), network.location, bool(network.members)


def _is_in_comment(architecture: Architecture, location: Location, name: str) -> bool:
    """Return whether a commented-out line of the file at *location* uses *name*."""
    file = architecture.project.files.get(location.path)
    use = re.compile(rf"\s*#+\s*-\s+[\"']?{re.escape(name)}(?:[:\"']|\s*$)")
    return file is not None and any(use.match(line) for line in file.source.text.splitlines())
