"""Define named volumes that are in use, and give databases a named volume for their data.

The engine rejects a project with an undeclared volume ("refers to undefined volume"). The
definition goes to the file that names the volume, or to the first file where several do.

A database, queue or store without a volume at the path where its image keeps its data loses it with
its container, or hides it in a volume without a name. It gets a named one. That changes what runs:
what it has stored so far stays behind, so move it before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.compose.resources import (
    covers,
    home,
    is_part_with,
    mount_targets,
    mounted_elsewhere,
    own_definitions,
    volume_name,
    written_body,
)
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.compose.volumes import volumes
from composerefactor.edit.operations import AddItem, AddKey, Edit
from composerefactor.edit.rendering import Value
from composerefactor.images.catalog import Catalog, load
from composerefactor.images.lookup import data_paths, keeps_nothing
from composerefactor.images.placement import placement
from composerefactor.images.starters import missing_resources
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.yaml.nodes import MappingNode, SequenceNode


@dataclass(frozen=True, slots=True)
class Options:
    """How the volumes are defined. *catalog* has what is known about images."""

    catalog: Catalog = field(default_factory=load)
    external: bool = option(default=False, help="Declare that undeclared volumes exist already.")


@fixer(Options)
def declare_volumes(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a definition for each volume that is in use, and volumes for data without one."""
    all_stacks = start_models(project)
    yield from _undeclared(all_stacks, options)
    known = {name for s in all_stacks for name in s.declared("volumes")}
    known |= {m.name for s in all_stacks for m in missing_resources(s, "volumes")}
    done: set[tuple[str, str]] = set()
    for model in all_stacks:
        for service in model.services.values():
            first = own_definitions(service)[0].file.path
            if (first, service.name) not in done:
                done.add((first, service.name))
                yield from _data(model, service, known, options.catalog, all_stacks)


def _undeclared(all_stacks: list[StartModel], options: Options) -> Iterator[Change]:
    seen: set[tuple[str, str]] = set()
    for model in all_stacks:
        for missing in missing_resources(model, "volumes"):
            if is_part_with(model, all_stacks, "volumes", missing.name):
                continue
            file = home(model, missing.users)
            if (file.path, missing.name) in seen:
                continue
            seen.add((file.path, missing.name))
            service, definition = missing.users[0]
            value: Value = {"external": True} if options.external else None
            if any(s.declares("volumes", missing.name) for s in all_stacks):
                value = None
            at = definition.file.location_of("services", service)
            for volume in volumes(definition.body):
                if volume.text.source == missing.name:
                    at = definition.file.source.location(volume.node.start)
            yield Change(
                f"volume {missing.name} is declared",
                at,
                [AddKey(file.path, ("volumes",), missing.name, value)],
                [Effect(("volumes", missing.name), "adds")],
                evidence=f"{service} uses it, and nothing declares it",
                repairs=True,
            )


def _data(
    model: StartModel,
    service: Service,
    known: set[str],
    catalog: Catalog,
    all_stacks: list[StartModel],
) -> Iterator[Change | Refusal]:
    """Yield what gives *service*, if it is a data store, named volumes; *known* names grow.

    In *all_stacks* the same file may be merged with others, and have a volume there.
    """
    image = service.text("image")
    place = placement(model, service)
    if not image or place.counts_as != "data stores" or place.category == "emulator":
        return
    if service.value("volumes_from") or keeps_nothing(service):
        return
    at = service.value("image")
    location = at.location if at else own_definitions(service)[0].file.location_of("services")
    paths = data_paths(expand(image, model.variables), catalog)
    targets = list(mount_targets(model, service))
    if paths is None:
        if not targets:
            yield Refusal(
                f"{service.name} has no volume, and the tag of {image} does not tell where it "
                "keeps its data",
                location,
                f"mount a named volume at the data directory of {service.name}",
            )
        return
    lacking = [path.path for path in paths if not covers(targets, path.path)]
    if not lacking:
        return
    reason = _replicated(service)
    place_of = _writable(service)
    if reason or place_of is None:
        yield Refusal(
            f"{service.name} keeps its data in its container: "
            + (reason or "its text is shared by an anchor, which others use"),
            location,
            f"mount a named volume at {lacking[0]}",
        )
        return
    file, body = place_of
    elsewhere = mounted_elsewhere(all_stacks, file, service.name, lacking)
    if None in elsewhere.values():
        yield Refusal(
            f"{service.name} keeps its data in its container where {file.path} is used alone",
            location,
            f"mount at {lacking[0]} what is mounted there where other files are merged with it",
        )
        return
    names = {p: elsewhere.get(p) or volume_name(service.name, p, known) for p in lacking}
    edits: list[Edit] = [
        AddKey(file.path, ("volumes",), name, None)
        for name in names.values()
        if name not in file.entries("volumes")
    ]
    yield Change(
        f"{service.name} keeps its data in a named volume",
        location,
        [*_mounts(file, service.name, body, names), *edits],
        [
            Effect(("services", service.name, "volumes"), "changes"),
            *(Effect(("volumes", name), "adds") for name in names.values()),
        ],
        evidence=f"{image} keeps it at {', '.join(lacking)}, where nothing is mounted; "
        "what it has stored so far stays behind",
    )


def _mounts(
    file: ComposeFile, service: str, body: MappingNode, names: dict[str, str]
) -> Iterator[Edit]:
    path = ("services", service, "volumes")
    present = body.get("volumes")
    items = present.items if isinstance(present, SequenceNode) else []
    is_long = bool(items) and all(isinstance(item, MappingNode) for item in items)
    values: list[Value] = [
        {"type": "volume", "source": name, "target": target} if is_long else f"{name}:{target}"
        for target, name in names.items()
    ]
    if items:
        for value in values:
            yield AddItem(file.path, path, value)
    else:
        yield AddKey(file.path, path[:-1], "volumes", values, SERVICE_ORDER)


def _writable(service: Service) -> tuple[ComposeFile, MappingNode] | None:
    """Return the file and the body in which the volumes of *service* belong, or None."""
    found = own_definitions(service)
    having = [d for d in found if merged_get(d.body, "volumes") is not None]
    definition = (having or [d for d in found if merged_get(d.body, "image")] or found)[0]
    body = written_body(definition.file, service.name)
    if body is None:
        return None
    present = body.get("volumes")
    is_free = present is None and merged_get(body, "volumes") is None
    is_list = isinstance(present, SequenceNode) and bool(present.items) and not present.anchor
    return (definition.file, body) if is_free or is_list else None


def _replicated(service: Service) -> str:
    """Return why several containers would share the volume, or ``""``."""
    deploy = service.value("deploy")
    counts = [
        service.text("scale"),
        scalar_text(merged_get(deploy.node, "replicas")) if deploy else None,
    ]
    many = [count for count in counts if count not in {None, "0", "1"}]
    return f"it runs {many[0]} times, and the copies would share one volume" if many else ""
