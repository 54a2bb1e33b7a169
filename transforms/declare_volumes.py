"""Declare named volumes that services use, and give databases a named volume for their data.

Docker Compose rejects a project with an undeclared volume ("refers to undefined volume"). The
declaration goes to the file that refers to the volume, or to the first file where several do. A
placeholder for a path (`your_path:/data`) is not declared.

A database, queue or store without a volume at the path where its image keeps its data loses the
data with its container, or keeps it in an anonymous volume. It gets a named volume, unless one of
its settings names another directory that is mounted, and a fixed host name where the image finds
its data by that name (RabbitMQ), also one that has a volume already. Where the only volume of a
data store is mounted at a wrong path, that is corrected. Others that keep what nobody can create
again get a volume, too: Prometheus, Grafana, Keycloak with its file database, Gitea ... It is a
guess for Loki with a configuration, which may name another directory. That changes what runs: the
data stored so far is not moved, so copy it first. Another file that mounts a volume for the same
service and image gives it its name. Where a data store beside it has an anonymous volume, losing
the data may be intended, and half of it kept is worse than none: the volume is a guess. So it is
where a script of the project fills the database, which each new container then starts with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.definitions import known_text_of, text_of
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.hosts import name_words
from composerefactor.compose.project import Project
from composerefactor.compose.resources import (
    mount_targets,
    mounted_elsewhere,
    unshared_body,
    volume_mounted_at,
    volume_name,
)
from composerefactor.compose.secrets import is_placeholder
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.edit.operations import AddItem, AddKey, Edit, Replace
from composerefactor.edit.rendering import Value
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog, Placement, catalog_of, service_placement
from composerefactor.images.entries import DataPath
from composerefactor.images.health.usage import usage
from composerefactor.images.lookup import (
    data_paths,
    has_no_own_data,
    is_for_data,
    lasting_paths,
    may_configure_data,
    unsteady_data,
)
from composerefactor.images.starters import missing_resources, undeclared_resources
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.transforms._attribute import list_edits
from composerefactor.yaml.nodes import MappingNode, ScalarNode, SequenceNode, path_of


@dataclass(frozen=True, slots=True)
class Options:
    """How the volumes are declared."""

    external: bool = option(default=False, help="Declare that undeclared volumes already exist.")


@fixer(
    Options,
    lasting=True,
    purpose="availability",
    cause="data without a named volume is lost with its container",
)
def declare_volumes(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a declaration for each undeclared volume, and a volume for data without one."""
    models = start_models(project)
    yield from _declarations(models, options)
    names = {name for s in models for name in s.declared("volumes")}
    names |= {m.name for s in models for m in missing_resources(s, "volumes")}
    catalog = catalog_of(project)
    names_of = _mounted_volumes(models, catalog)
    done: set[tuple[str, str]] = set()
    for model in models:
        for service in model.services.values():
            first = service.own_definitions[0].file.path
            if (first, service.name) in done or model.runs_windows:
                continue
            image = known_text_of(service.image)
            known = catalog.match(image)
            if has_no_own_data(model, service, known):
                continue
            done.add((first, service.name))
            environment = usage(project, model, service).environment
            paths = data_paths(image, catalog, environment)
            yield from _data_volumes(project, model, service, paths, names, names_of)


def _declarations(models: list[StartModel], options: Options) -> Iterator[Change | Refusal]:
    """Yield a declaration for each volume that services use and nothing declares."""
    for model, missing, file in undeclared_resources(models, "volumes"):
        service, definition = missing.users[0]
        location = definition.file.location_of("services", service)
        if is_placeholder(missing.name):
            yield Refusal(
                f"{service} mounts {missing.name}, which stands for a path of yours",
                location,
                "write the path, with ./ before it",
                repairs=True,
            )
            continue
        elsewhere = any(s.declares("volumes", missing.name) for s in models)
        value: Value = {"external": True} if options.external and not elsewhere else None
        for volume in model.services[service].volumes:
            if volume.value.source == missing.name and volume.at.file is definition.file:
                location = volume.location
        yield Change(
            f"Declare volume {missing.name}",
            location,
            [AddKey(file.path, ("volumes",), missing.name, value)],
            [Effect(("volumes", missing.name), "adds")],
            evidence=f"{service} uses it, but nothing declares it",
            repairs=True,
        )


def _mounted_volumes(models: list[StartModel], catalog: Catalog) -> dict[tuple[str, str, str], str]:
    """Return the volumes that services mount for their data, by service, image and path.

    Only those of the project under their own name: another file can declare them in the same way.
    """
    names_of: dict[tuple[str, str, str], str] = {}
    for model in models:
        resources = model.resources("volumes")
        for service in model.services.values():
            image = known_text_of(service.image)
            for path in data_paths(image, catalog) or ():
                name = volume_mounted_at(service, path.path)
                resource = resources.get(name or "")
                if name and resource and not (resource.full_name or resource.external):
                    names_of.setdefault((service.name, image, path.path), name)
    return names_of


def _data_volumes(
    project: Project,
    model: StartModel,
    service: Service,
    paths: list[DataPath] | None,
    taken: set[str],
    names_of: dict[tuple[str, str, str], str],
) -> Iterator[Change | Refusal]:
    """Yield the change that gives *service*, if it is a data store, named volumes, or a refusal.

    It stores data at *paths*, None if they are unknown. The names of the new volumes are added to
    *taken*, and to *names_of* by service, image and path: files that are alternatives of each other
    use one volume for the same data. In another start model the same file may be merged with
    others, and have a volume there.
    """
    models, catalog = start_models(project), catalog_of(project)
    image = service.image
    if image is None or service.volumes_from:
        return
    location = image.location
    targets = list(mount_targets(service))
    place = service_placement(service, catalog)
    is_store = place.counts_as == "data stores"
    if paths is None:
        if is_store and not targets:
            yield _unknown_place(service, image.at.written or "", location)
        return
    paths = lasting_paths(paths, place)
    lacking = [path.path for path in paths if not path.is_mounted(targets)]
    if not lacking:
        if unsteady := unsteady_data(service, paths):
            yield from _steady_host_name(service, unsteady)
        return
    reason = _replication_reason(service)
    destination = _destination(service)
    if reason or destination is None:
        yield Refusal(
            f"{service.name} keeps its data in the container layer: "
            + (reason or "other services share its definition by an anchor"),
            location,
            f"mount a named volume at {lacking[0]}",
        )
        return
    file, body = destination
    elsewhere = mounted_elsewhere(models, file, service.name, lacking)
    if None in elsewhere.values():
        yield Refusal(
            f"{service.name} keeps its data in the container layer where {file.path} is used alone",
            location,
            f"mount at {lacking[0]} the volume that other files mount there",
        )
        return
    if is_store and (corrected := _corrected(model, service, file, lacking)) is not None:
        yield corrected
        return
    names = {
        path: elsewhere.get(path)
        or names_of.get((service.name, image.value, path))
        or volume_name(service.name, path, taken)
        for path in lacking
    }
    names_of |= {(service.name, image.value, path): name for path, name in names.items()}
    edits: list[Edit] = [
        AddKey(file.path, ("volumes",), name, None)
        for name in names.values()
        if name not in file.entries("volumes")
    ]
    effects = [
        Effect(("services", service.name, "volumes"), "changes"),
        *(Effect(("volumes", name), "adds") for name in names.values()),
    ]
    if unsteady_data(service, paths):
        edits.append(_host_name(file, service))
        effects.append(Effect(("services", service.name, "hostname"), "adds"))
    doubt = _doubt(project, model, service, place, catalog)
    yield Change(
        f"Add a named volume for the data of {service.name}",
        location,
        [*_mount_edits(file, service.name, body, names), *edits],
        effects,
        evidence=f"{image.value} keeps its data at {', '.join(lacking)}, where nothing is mounted; "
        f"the data stored so far is not moved{doubt}",
        confidence="guess" if doubt else "verified" if is_store else "likely",
        leaves_data=True,
    )


def _unknown_place(service: Service, image: str, location: Location) -> Refusal:
    """Return that *service* has no volume, and its *image* does not say where its data is."""
    return Refusal(
        f"{service.name} has no volume, and the tag of {image} does not show where it keeps its "
        "data",
        location,
        f"mount a named volume at the data directory of {service.name}",
    )


def _doubt(
    project: Project, model: StartModel, service: Service, place: Placement, catalog: Catalog
) -> str:
    """Return why the data of *service* may not need a volume at the usual path, or ``""``."""
    if may_configure_data(service, place):
        return "; its configuration may name another directory"
    temporary = _temporary_store(model, catalog)
    if temporary:
        return f"; {temporary} has an anonymous volume, so the data may be meant to go"
    script = _filled_by(project, service)
    return f"; {script} fills a new one, so the data may be meant to go" if script else ""


_REASON = "Keeps its data when the container is created again."
_INIT_DIRECTORY = "/docker-entrypoint-initdb.d"
_FILLS = r"(?im)^\s*(?:insert\s+into|copy\s+[\w.\"]+)\b|\binsert(?:One|Many)\("


def _filled_by(project: Project, service: Service) -> str:
    """Return the script that puts data into the new database of *service*, or ``""``."""
    for mount in (each.value for each in service.volumes):
        if mount.kind == "bind" and mount.source and mount.target.startswith(_INIT_DIRECTORY):
            for path in (mount.source, *project.files_in(mount.source)):
                if re.search(_FILLS, project.text(path) or ""):
                    return path
    return ""


def _corrected(
    model: StartModel, service: Service, file: ComposeFile, lacking: list[str]
) -> Change | None:
    """Return the change that mounts at *lacking* the volume of *service* that nothing uses.

    None if it is not clear that the volume is for the data.
    """
    named = [
        volume
        for volume in service.volumes
        if volume.value.kind == "volume"
        and volume.value.source
        and not volume.value.read_only
        and is_for_data(volume.value.target)
    ]
    if len(named) != 1 or len(lacking) != 1 or named[0].at.file is not file:
        return None
    source, wrong, node = named[0].value.source or "", named[0].value.target, named[0].at.node
    words = {*name_words(source)}
    users = [
        each.name
        for each in model.services.values()
        if any(volume.value.source == source for volume in each.volumes)
    ]
    path = path_of(file.root, node)
    is_its_data = "data" in words or bool(words.intersection(name_words(service.name)))
    if path is None or users != [service.name] or not is_its_data:
        return None
    if isinstance(node, ScalarNode):
        if f":{wrong}" not in node.value or "$" in node.value:
            return None
        edit = Replace(file.path, path, node.value.replace(f":{wrong}", f":{lacking[0]}", 1))
    else:
        edit = Replace(file.path, (*path, "target"), lacking[0])
    return Change(
        f"Mount the volume {source} of {service.name} at {lacking[0]}",
        named[0].location,
        [edit],
        [Effect(("services", service.name, "volumes"), "changes")],
        evidence=f"its image keeps its data there, and nothing at {wrong}; the data stored so far "
        "is not moved",
        leaves_data=True,
    )


def _steady_host_name(service: Service, path: str) -> Iterator[Change]:
    """Yield the change that gives *service* a host name, if one container can have it."""
    destination = _destination(service)
    if destination is None or _replication_reason(service):
        return
    file, _ = destination
    yield Change(
        f"Set the host name of {service.name}, by which it finds its data",
        file.location_of("services", service.name),
        [_host_name(file, service)],
        [Effect(("services", service.name, "hostname"), "adds")],
        evidence=f"each new container has another host name, and its own data at {path}; "
        "the data stored so far is not moved",
        leaves_data=True,
    )


def _host_name(file: ComposeFile, service: Service) -> AddKey:
    path, reason = ("services", service.name), "It stores its data by host name."
    return AddKey(file.path, path, "hostname", service.name, SERVICE_ORDER, reason)


def _temporary_store(model: StartModel, catalog: Catalog) -> str | None:
    """Return the name of a data store of *model* with an anonymous volume, or None."""
    return next(
        (
            service.name
            for service in model.services.values()
            if service_placement(service, catalog).counts_as == "data stores"
            for volume in service.volumes
            if volume.value.kind == "volume" and volume.value.source is None
        ),
        None,
    )


def _mount_edits(
    file: ComposeFile, service: str, body: MappingNode, names: dict[str, str]
) -> list[AddItem | AddKey]:
    """Return the edits that mount the volumes in *names*, by path, in the form of the others."""
    present = body.get("volumes")
    items = present.items if isinstance(present, SequenceNode) else []
    is_long = bool(items) and all(isinstance(item, MappingNode) for item in items)
    values: list[Value] = [
        {"type": "volume", "source": name, "target": target} if is_long else f"{name}:{target}"
        for target, name in names.items()
    ]
    return list_edits(file, ("services", service), "volumes", values, _REASON)


def _destination(service: Service) -> tuple[ComposeFile, MappingNode] | None:
    """Return the file and the mapping to which volumes of *service* can be added, or None."""
    own = service.own_definitions
    with_volumes = [d for d in own if "volumes" in d.entries]
    definition = (with_volumes or [d for d in own if "image" in d.entries] or own)[0]
    body = unshared_body(definition.file, service.name)
    if body is None:
        return None
    present = body.get("volumes")
    is_free = "volumes" not in definition.entries
    is_list = isinstance(present, SequenceNode) and bool(present.items) and not present.anchor
    return (definition.file, body) if is_free or is_list else None


def _replication_reason(service: Service) -> str:
    """Return why several containers would share a volume of *service*, or ``""``."""
    counts = [text_of(service.scale), text_of(service.deploy.replicas)]
    several = [count for count in counts if count not in {"", "0", "1"}]
    return f"it has {several[0]} replicas, which would share one volume" if several else ""
