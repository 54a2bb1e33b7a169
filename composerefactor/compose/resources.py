"""What stands where in the containers of a service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from posixpath import basename, normpath

from msgspec import Struct

from composerefactor.compose.connections import references
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.compose.services import Definition, Service, StartModel
from composerefactor.compose.volumes import volumes
from composerefactor.errors import Location, RefusedError
from composerefactor.yaml.nodes import AliasNode, MappingNode, walk


def mount_targets(model: StartModel, service: Service) -> Iterator[str]:
    """Yield the container paths at which volumes, binds and tmpfs of *service* stand."""
    for definition in service.definitions:
        for volume in volumes(definition.body):
            yield normpath(expand(volume.text.target, model.variables))
        for item in item_nodes(merged_get(definition.body, "tmpfs")):
            yield normpath((scalar_text(item) or "").partition(":")[0])


def covers(targets: Iterator[str] | list[str], path: str) -> bool:
    """Return whether something stands at *path*, above it or below it."""
    wanted = normpath(path)
    return any(
        target == wanted or wanted.startswith(f"{target}/") or target.startswith(f"{wanted}/")
        for target in targets
    )


def mounted_elsewhere(
    models: Iterable[StartModel], file: ComposeFile, name: str, paths: list[str]
) -> dict[str, str | None]:
    """Return the volumes that service *name* has at *paths* where others are merged with *file*.

    None stands for something else than a named volume. A mount in *file* would take its place
    there, and leave the data behind.
    """
    found: dict[str, str | None] = {}
    for model in models:
        service = model.services.get(name)
        if service is None or all(d.file is not file for d in service.definitions):
            continue
        for path in paths:
            if covers(mount_targets(model, service), path):
                found[path] = found.get(path) or _named_at(model, service, path)
    return found


def _named_at(model: StartModel, service: Service, path: str) -> str | None:
    """Return the named volume that stands at *path* itself in *service*, or None."""
    for definition in service.definitions:
        for volume in volumes(definition.body):
            text = volume.text
            is_there = normpath(expand(text.target, model.variables)) == normpath(path)
            if is_there and text.kind == "volume" and text.source and "$" not in text.source:
                return text.source
    return None


def volume_name(service: str, path: str, known: set[str]) -> str:
    """Return a name for the volume of *service* at *path*, and add it to *known*.

    It ends in ``data``, or in the last part of *path* where that name is taken. Words are joined as
    in most of the names that are *known*.
    """
    dashes = sum("-" in name for name in known)
    joint = "-" if dashes > sum("_" in name for name in known) else "_"
    stem = service.replace("-" if joint == "_" else "_", joint)
    candidates = [f"{stem}{joint}data", f"{stem}{joint}{basename(path)}"]
    candidates += [f"{stem}{joint}data{joint}{number}" for number in range(2, len(known) + 3)]
    name = next(name for name in candidates if name not in known)
    known.add(name)
    return name


DEFAULT = "default"
"""The network of services that name none (Compose specification)."""


def networks_of(model: StartModel, name: str) -> list[str] | None:
    """Return the networks of service *name*; None where it is on none of the project's."""
    seen: set[str] = set()
    while name in model.services and name not in seen:
        seen.add(name)
        service = model.services[name]
        mode = service.text("network_mode")
        if not mode:
            return [each for each, _ in service.names("networks")] or [DEFAULT]
        if not mode.startswith("service:"):
            return None
        name = mode.removeprefix("service:")
    return None


def networks_to_reach(model: StartModel, callers: Iterable[str]) -> list[str]:
    """Return the fewest networks on which all *callers* that are on any can be met."""
    groups = [found for name in callers if (found := networks_of(model, name)) is not None]
    chosen: list[str] = []
    while groups:
        candidates = list(dict.fromkeys(name for group in groups for name in group))
        best = max(candidates, key=lambda name: sum(name in group for group in groups))
        chosen.append(best)
        groups = [group for group in groups if best not in group]
    return chosen


POOL = "172.16.0.0/16"
"""Where free subnets are taken from: private, and outside the pools from which the Docker daemon
takes subnets by itself (172.17.0.0 to 172.31.255.255 and 192.168.0.0/16)."""

PREFIX_LENGTH = 24


class UsedSubnet(Struct, frozen=True):
    """A *subnet* that the network called *network* has."""

    subnet: IPv4Network | IPv6Network
    network: str
    location: Location


def used_subnets(files: Iterable[ComposeFile]) -> list[UsedSubnet]:
    """Return the subnets that ``ipam`` of the networks in *files* names, variables by default."""
    return [used for file in files for used in _subnets(file)]


def _subnets(file: ComposeFile) -> Iterator[UsedSubnet]:
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


def free_subnet(
    used: Iterable[IPv4Network | IPv6Network], pool: str = POOL, prefix_length: int = PREFIX_LENGTH
) -> IPv4Network:
    """Return the first subnet of *pool* that overlaps with none of *used*.

    Raises RefusedError where none is left.
    """
    taken = [subnet for subnet in used if isinstance(subnet, IPv4Network)]
    for subnet in IPv4Network(pool).subnets(new_prefix=prefix_length):
        if not any(subnet.overlaps(each) for each in taken):
            return subnet
    raise RefusedError(
        f"no free subnet of {prefix_length} bits is left in {pool}",
        remedy="name one that your network has free",
    )


def home(model: StartModel, users: Iterable[tuple[str, Definition]]) -> ComposeFile:
    """Return the file in which a thing belongs that *users* (service, definition) name.

    It is the one that names it, where there is only one; else the first file of the entry point.
    What ``extends`` brings is needed where the heir stands.
    """
    files = {file.path: file for name, each in users for file in [_written(model, name, each)]}
    if len(files) == 1:
        return next(iter(files.values()))
    return next(file for file in model.files if file.path == model.entry.base)


def own_definitions(service: Service) -> list[Definition]:
    """Return the definitions of *service* that stand in files of its entry point."""
    return [each for each in service.definitions if not each.inherited]


def _written(model: StartModel, name: str, definition: Definition) -> ComposeFile:
    if not definition.inherited:
        return definition.file
    return own_definitions(model.services[name])[0].file


def is_part_with(model: StartModel, others: Iterable[StartModel], section: str, name: str) -> bool:
    """Return whether *model* makes sense only as a part of another that has *name* in *section*.

    That is so where the other reads all of its files, and it names services that it does not have.
    """
    paths = {file.path for file in model.files}
    return any(
        other.declares(section, name) and paths < {file.path for file in other.files}
        for other in others
    ) and any(reference.name not in model.services for reference in references(model))


def written_body(file: ComposeFile, name: str) -> MappingNode | None:
    """Return the body of service *name* where it is written in *file* for this service alone.

    None where an alias stands for it, or where others use it, or what it stands in, by an alias.
    """
    section = file.root.get("services")
    body = section.get(name) if isinstance(section, MappingNode) else None
    if not isinstance(body, MappingNode):
        return None
    shared = {id(node.target) for node in walk(file.root) if isinstance(node, AliasNode)}
    return None if {id(body), id(section)} & shared else body
