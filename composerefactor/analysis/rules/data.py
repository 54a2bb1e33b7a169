"""Data that a container leaves behind, or loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.facts.volumes import Mount
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule
from composerefactor.compose.definitions import text_of
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.compose.project import Project
from composerefactor.compose.resources import mount_targets, overlap
from composerefactor.images.catalog import service_placement
from composerefactor.images.health.usage import usage
from composerefactor.images.lookup import (
    data_paths,
    has_no_own_data,
    lasting_paths,
    may_configure_data,
    runs_server,
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
    """A service does not find its data in a new container.

    Data in the container layer is lost when the container is recreated, for example by `docker
    compose down` and `up`, or for a new image. RabbitMQ does not find the data in its volume
    either, unless `hostname` is set: it searches below the name of the host, and each new container
    has another one. Prometheus, Grafana, Loki, Keycloak with its file database and applications
    such as Gitea count as well.
    """
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


@rule(Severity.MEDIUM, "data")
def anonymous_data_volume(architecture: Architecture) -> Iterator[Occurrence]:
    """A data store keeps its data in an anonymous volume.

    The next container gets a new, empty volume. The old one remains, without a name that shows what
    it contains. Such a volume is also there where a named one is mounted above the directory for
    which the image declares a volume of its own: `/data` for `/data/db` of MongoDB.
    """
    for entry in architecture.entries:
        for service in entry.services:
            if service.counts_as == "data stores" and service.image:
                yield from _anonymous_volumes(architecture, entry, service)


def _anonymous_volumes(
    architecture: Architecture, entry: InvocationFacts, service: ServiceFacts
) -> Iterator[Occurrence]:
    """Yield the mounts of *service* that leave its data to an anonymous volume."""
    definition = entry.model.services[service.name]
    environment = usage(architecture.project, entry.model, definition).environment
    paths = data_paths(service.image, entry.catalog, environment) or ()
    for mount in service.mounts:
        if mount.kind == "anonymous" and any(path.is_mounted([mount.target]) for path in paths):
            yield Occurrence(
                f"{service.name} stores {mount.target} in an anonymous volume",
                mount.location,
                service.name,
                mount.target,
                "give the volume a name",
            )
    for path in paths:
        mounts = [mount for mount in service.mounts if overlap(mount.target, path.path)]
        if path.own_volume and all(len(m.target.rstrip("/")) < len(path.path) for m in mounts):
            for mount in mounts:
                yield Occurrence(
                    f"{service.name} mounts {mount.target}, but its image has a volume of its own "
                    f"at {path.path}, which is anonymous",
                    mount.location,
                    service.name,
                    path.path,
                    f"copy the data, and mount the volume at {path.path}",
                )


_SHARED_ON_PURPOSE = frozenset({"certificates", "backups"})
"""The content of volumes that several data stores may use."""


@rule(Severity.HIGH, "data")
def shared_data_volume(architecture: Architecture) -> Iterator[Occurrence]:
    """Two data stores write to the same volume.

    A database server assumes that nothing else writes to its files: the data is damaged. Services
    that prepare the files and exit, or run a tool of the image, are no servers.
    """
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
                if mount.service in stores
                and not (mount.read_only or mount.names_file)
                and _may_be_data(entry, mount)
            }
            is_data = volume.content not in _SHARED_ON_PURPOSE
            if volume.kind == "volume" and is_data and not _are_apart(entry, writers):
                names = sorted(writers)
                yield Occurrence(
                    f"{' and '.join(names)} write to the same volume {volume.name}",
                    writers[names[-1]].location,
                    names[-1],
                    volume.name,
                    "give each its own volume",
                    None if _same_paths(writers) else Severity.INFO,
                )


def _may_be_data(entry: InvocationFacts, mount: Mount) -> bool:
    """Return whether *mount* may be where its service stores data, as far as its image is known."""
    image = entry.catalog.match(text_of(entry.model.services[mount.service].image))
    return image is None or any(path.is_mounted([mount.target]) for path in image.data)


def _are_apart(entry: InvocationFacts, writers: Mapping[str, Mount]) -> bool:
    """Return whether each of *writers* works in a directory of its own below the mounted one."""
    nodes = [entry.model.services[name].value("working_dir") for name in writers]
    directories = [(node.known_text or "") if node is not None else "" for node in nodes]
    is_below = all(
        directory.startswith(f"{mount.target.rstrip('/')}/")
        for directory, mount in zip(directories, writers.values(), strict=True)
    )
    return len(writers) < 2 or (is_below and len(set(directories)) == len(writers))  # noqa: PLR2004


def _is_server(entry: InvocationFacts, name: str) -> bool:
    """Return whether nothing says that service *name* exits, or runs another program."""
    service = entry.model.services[name]
    known = entry.catalog.match(text_of(service.image))
    return not reason_it_may_exit(entry.model, name) and runs_server(service, known)


def _same_paths(writers: dict[str, Mount]) -> bool:
    """Return whether all *writers* mount it at one path; different paths are seldom both data."""
    return len({mount.target for mount in writers.values()}) == 1
