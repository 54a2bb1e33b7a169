"""A data store keeps its data in the container.

`docker compose down`, or a new image, then takes the data along.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, EntryArchitecture
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.project import Project
from composerefactor.compose.resources import covers, mount_targets
from composerefactor.images.catalog import load
from composerefactor.images.health.usage import usage
from composerefactor.images.lookup import data_paths, keeps_nothing, starts_server

_SEVERITY = {"cache": Severity.LOW, "queue": Severity.MEDIUM, "search": Severity.MEDIUM}
"""Where losing the data costs less."""


@rule(
    Severity.HIGH,
    "data",
    transform="declare-volumes",
    strength="Every data store keeps its data in a volume.",
)
def data_not_persisted(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield data stores with nothing mounted where they keep their data."""
    for entry in architecture.entries:
        for service in entry.services:
            if service.counts_as != "data stores" or service.category == "emulator":
                continue
            if service.build is None and service.image and not service.one_off:
                for path in _lacking(architecture.project, entry, service):
                    yield Occurrence(
                        f"{service.name} keeps its data in the container, at {path}",
                        service.location,
                        service.name,
                        path,
                        severity=_SEVERITY.get(service.category),
                    )


def _lacking(project: Project, entry: EntryArchitecture, service: ServiceFacts) -> Iterator[str]:
    """Yield the paths at which the server of *service* keeps data, if nothing is mounted at any."""
    known = entry.model.services[service.name]
    image = load().match(service.image)
    use = usage(project, entry.model, known)
    command = (*(use.entrypoint or ()), *(use.command or ()))
    if image is None or not starts_server(image, command) or keeps_nothing(known):
        return
    if known.value("volumes_from") is not None:
        return
    targets = list(mount_targets(entry.model, known))
    paths = [path.path for path in data_paths(service.image, load()) or ()]
    if not any(covers(targets, path) for path in paths):
        yield from paths[:1]
