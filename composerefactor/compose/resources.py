"""Mounts, networks and subnets of a project, and the file that declares a resource.

The parts of the module: where services mount volumes and which name a new volume gets; which
networks services are on; free subnets; and the file in which a new declaration belongs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import chain, count
from posixpath import basename, normpath

from msgspec import Struct

from composerefactor.compose.definitions import Definition, text_of
from composerefactor.compose.dependencies import service_references
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import expand
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location, RefusedError
from composerefactor.yaml.nodes import MappingNode
from composerefactor.yaml.values import item_nodes, merged_get, scalar_text


def mount_targets(service: Service) -> Iterator[str]:
    """Yield the container paths of the volumes, bind mounts and tmpfs mounts of *service*."""
    yield from (normpath(volume.value.target) for volume in service.volumes)
    yield from (normpath(mount.value.partition(":")[0]) for mount in service.tmpfs)


def is_mounted(targets: Iterator[str] | list[str], path: str) -> bool:
    """Return whether one of the mount points *targets* is *path*, or above or below it."""
    searched = normpath(path)
    return any(overlap(target, searched) for target in targets)


def overlap(one: str, other: str) -> bool:
    """Return whether one of two paths is the other one, or is below it."""
    one, other = one.rstrip("/"), other.rstrip("/")
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def mounted_elsewhere(
    models: Iterable[StartModel], file: ComposeFile, name: str, paths: list[str]
) -> dict[str, str | None]:
    """Return the volumes that service *name* mounts at *paths* when *file* is merged with others.

    The result maps a path to the named volume, or to None for any other mount. A new mount in
    *file* would replace it, and the data would be left behind.
    """
    mounted: dict[str, str | None] = {}
    for model in models:
        service = model.services.get(name)
        if service is None or all(d.file is not file for d in service.definitions):
            continue
        for path in paths:
            if is_mounted(mount_targets(service), path):
                mounted[path] = mounted.get(path) or volume_mounted_at(service, path)
    return mounted


def volume_mounted_at(service: Service, path: str) -> str | None:
    """Return the named volume that *service* mounts exactly at *path*, or None."""
    for volume in (each.value for each in service.volumes):
        if normpath(volume.target) == normpath(path) and volume.kind == "volume" and volume.source:
            return volume.source
    return None


def volume_name(service: str, path: str, known: set[str]) -> str:
    """Return a name for the volume of *service* at *path*, and add it to *known*.

    The name ends in ``data``, or in the last part of *path* if that name is already known. Words
    are joined by ``-`` or ``_``, as in most of the *known* names.
    """
    dashes = sum("-" in name for name in known)
    joint = "-" if dashes > sum("_" in name for name in known) else "_"
    stem = service.replace("-" if joint == "_" else "_", joint)
    candidates = (f"{stem}{joint}data", f"{stem}{joint}{basename(path)}")
    numbered = (f"{stem}{joint}data{joint}{number}" for number in count(2))
    name = next(name for name in chain(candidates, numbered) if name not in known)
    known.add(name)
    return name


DEFAULT_NETWORK = "default"
"""The network of services without ``networks`` (Compose specification)."""


def networks_of(model: StartModel, name: str) -> list[str] | None:
    """Return the networks of service *name*; None if it is not on a network of the project."""
    owner = network_owner(model, name)
    return None if owner is None else list(model.services[owner].networks) or [DEFAULT_NETWORK]


def network_owner(model: StartModel, name: str) -> str | None:
    """Return the service whose networks service *name* uses: itself, another one, or None."""
    seen: set[str] = set()
    while name in model.services and name not in seen:
        seen.add(name)
        mode = text_of(model.services[name].network_mode)
        if not mode:
            return name
        if not mode.startswith("service:"):
            return None
        name = mode.removeprefix("service:")
    return None


def networks_to_reach(model: StartModel, callers: Iterable[str]) -> list[str]:
    """Return a small set of networks that contains a network of every caller.

    Callers that are not on a network of the project are ignored. The choice is greedy.
    """
    groups = [names for caller in callers if (names := networks_of(model, caller)) is not None]
    chosen: list[str] = []
    while groups:
        candidates = list(dict.fromkeys(name for group in groups for name in group))
        best = max(candidates, key=lambda name: sum(name in group for group in groups))
        chosen.append(best)
        groups = [group for group in groups if best not in group]
    return chosen


SUBNET_POOL = "172.16.0.0/16"
"""The range for new subnets: private, and outside the pools from which the Docker daemon assigns
subnets by default (172.17.0.0 to 172.31.255.255 and 192.168.0.0/16)."""

PREFIX_LENGTH = 24


class UsedSubnet(Struct, frozen=True):
    """A subnet that a network of the project uses.

    Attributes:
        subnet: The subnet.
        network: The name of the network.
        location: The location of the ``subnet`` attribute.
    """

    subnet: IPv4Network | IPv6Network
    network: str
    location: Location


def used_subnets(files: Iterable[ComposeFile]) -> list[UsedSubnet]:
    """Return the subnets in ``ipam`` of the networks in *files*; variables have their defaults."""
    return [used for file in files for used in _subnets_of(file)]


def _subnets_of(file: ComposeFile) -> Iterator[UsedSubnet]:
    """Yield the subnets in ``ipam`` of the networks in *file*."""
    for name, body in file.entries("networks").items():
        for config in item_nodes(merged_get(merged_get(body, "ipam"), "config")):
            node = merged_get(config, "subnet")
            text = expand(scalar_text(node) or "", {})
            if node is None or not text:
                continue
            try:
                subnet = ip_network(text, strict=False)
            except ValueError:
                continue
            yield UsedSubnet(subnet, name, file.source.location(node.start))


def free_subnet(used: Iterable[IPv4Network | IPv6Network]) -> IPv4Network:
    """Return the first subnet of :data:`SUBNET_POOL` that does not overlap with one of *used*.

    Raises RefusedError if there is no free subnet.
    """
    taken = [subnet for subnet in used if isinstance(subnet, IPv4Network)]
    for subnet in IPv4Network(SUBNET_POOL).subnets(new_prefix=PREFIX_LENGTH):
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise RefusedError(
        f"no free /{PREFIX_LENGTH} subnet is left in {SUBNET_POOL}",
        remedy="configure a subnet that is free in your network",
    )


def destination_file(model: StartModel, users: Iterable[tuple[str, Definition]]) -> ComposeFile:
    """Return the file in which to declare a resource that *users* (service, definition) refer to.

    This is the file that refers to it, if there is only one, else the first file of the start
    command. An inherited definition counts as part of the file of the service that extends it.
    """
    files = {
        file.path: file
        for name, definition in users
        for file in [_defining_file(model, name, definition)]
    }
    if len(files) == 1:
        return next(iter(files.values()))
    return next(file for file in model.files if file.path == model.entry.root_file)


def _defining_file(model: StartModel, name: str, definition: Definition) -> ComposeFile:
    """Return the file of the service *name* that contains or inherits *definition*."""
    if not definition.inherited:
        return definition.file
    return model.services[name].own_definitions[0].file


def is_only_part_of_another(
    model: StartModel, others: Iterable[StartModel], section: str, name: str
) -> bool:
    """Return whether *model* is only a part of another model that declares *name* in *section*.

    This is the case if the other model reads all of its files and more, and if *model* refers to
    services that it does not define.
    """
    paths = {file.path for file in model.files}
    return any(
        other.declares(section, name) and paths < {file.path for file in other.files}
        for other in others
    ) and any(reference.name not in model.services for reference in service_references(model))


def unshared_body(file: ComposeFile, name: str) -> MappingNode | None:
    """Return the body of service *name* if it is written in *file* for this service alone.

    Returns None if the body is an alias, or if an alias refers to it or to the section around it.
    """
    section = file.root.get("services")
    body = section.get(name) if isinstance(section, MappingNode) else None
    if not isinstance(body, MappingNode):
        return None
    return None if {id(body), id(section)} & file.aliased else body
