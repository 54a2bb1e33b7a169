"""Two data stores write to the same volume.

A database server assumes that nothing else writes to its files: the data is damaged. Services that
prepare the files and exit, or run a tool of the image, are no servers.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.volumes import Mount
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.definitions import text_of
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.images.lookup import runs_server

_SHARED_ON_PURPOSE = frozenset({"certificates", "backups"})
"""The content of volumes that several data stores may use."""


@rule(Severity.HIGH, "data")
def shared_data_volume(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the volumes that two data stores of one start command write to."""
    for entry in architecture.certain:
        stores = {
            s.name
            for s in entry.services
            if s.counts_as == "data stores" and not s.profiles and _is_server(entry, s.name)
        }
        for volume in entry.volumes:
            writers = {
                mount.service: mount
                for mount in volume.mounts
                if mount.service in stores and not mount.read_only and not mount.names_file
            }
            is_data = volume.content not in _SHARED_ON_PURPOSE
            if volume.kind == "volume" and is_data and len(writers) > 1:
                names = sorted(writers)
                yield Occurrence(
                    f"{' and '.join(names)} write to the same volume {volume.name}",
                    writers[names[-1]].location,
                    names[-1],
                    volume.name,
                    "give each its own volume",
                    None if _same_paths(writers) else Severity.INFO,
                )


def _is_server(entry: InvocationFacts, name: str) -> bool:
    """Return whether nothing says that service *name* exits, or runs another program."""
    service = entry.model.services[name]
    known = entry.catalog.match(text_of(service.image))
    return not reason_it_may_exit(entry.model, name) and runs_server(service, known)


def _same_paths(writers: dict[str, Mount]) -> bool:
    """Return whether all *writers* mount it at one path; different paths are seldom both data."""
    return len({mount.target for mount in writers.values()}) == 1
