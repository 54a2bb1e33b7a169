"""A service does not find its data in a new container.

Data in the container layer is lost when the container is recreated, for example by `docker compose
down` and `up`, or for a new image. RabbitMQ does not find the data in its volume either, unless
`hostname` is set: it searches below the name of the host, and each new container has another one.
Prometheus, Grafana, Loki, Keycloak with its file database and applications such as Gitea count as
well.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.project import Project
from composerefactor.compose.resources import mount_targets
from composerefactor.images.catalog import service_placement
from composerefactor.images.health.usage import usage
from composerefactor.images.lookup import (
    data_paths,
    has_no_own_data,
    lasting_paths,
    may_configure_data,
    unsteady_data,
)

_SEVERITY = {
    **dict.fromkeys(("cache", "monitoring", "logging", "tracing"), Severity.LOW),
    **dict.fromkeys(("queue", "search", "auth", "tools", "ai"), Severity.MEDIUM),
}
"""The severity for the categories whose data is less costly to lose."""


@rule(
    Severity.HIGH,
    "data",
    transform="declare-volumes",
    strength="Every data store keeps its data in a volume.",
)
def data_not_persisted(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services with nothing mounted at their data directory."""
    for entry in architecture.entries:
        for service in entry.services:
            if architecture.is_short_lived(service.location.path):
                continue  # its data is meant to go
            if service.build is None and service.image and not service.one_off:
                for path, problem in _lost_data(architecture.project, entry, service):
                    yield Occurrence(
                        f"{service.name} {problem}",
                        service.location,
                        service.name,
                        path,
                        severity=_SEVERITY.get(service.category),
                    )


def _lost_data(
    project: Project, entry: InvocationFacts, service: ServiceFacts
) -> Iterator[tuple[str, str]]:
    """Yield the first data directory of *service* that is empty in a new container, and why.

    Either nothing is mounted at any of them, or the server stores its data by host name.
    """
    definition = entry.model.services[service.name]
    image = entry.catalog.match(service.image)
    if image is None or definition.volumes_from or has_no_own_data(entry.model, definition, image):
        return
    targets = list(mount_targets(definition))
    place = service_placement(definition, entry.catalog)
    if may_configure_data(definition, place):
        return
    environment = usage(project, entry.model, definition).environment
    stored = data_paths(service.image, entry.catalog, environment)
    possible = image.data if stored is None else stored  # None: the version is unknown
    paths = lasting_paths(possible, place)
    if not any(path.is_mounted(targets) for path in paths):
        for path in (path.path for path in paths[:1]):
            lost = "it is lost when the container is recreated"
            yield path, f"stores data in the container layer ({path}); {lost}"
    elif by_host := unsteady_data(definition, stored or ()):
        other = "which is another one when the container is recreated"
        yield by_host, f"finds its data in {by_host} by its host name, {other}"
