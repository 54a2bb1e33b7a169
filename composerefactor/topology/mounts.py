"""What stands where in the containers of a service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from posixpath import normpath

from composerefactor.compose.expand import expand
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import item_nodes, merged_get, scalar_text
from composerefactor.compose.volumes import volumes
from composerefactor.topology.stack import Service, Stack


def mount_targets(stack: Stack, service: Service) -> Iterator[str]:
    """Yield the container paths at which volumes, binds and tmpfs of *service* stand."""
    for definition in service.definitions:
        for volume in volumes(definition.body):
            yield normpath(expand(volume.text.target, stack.variables))
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
    stacks: Iterable[Stack], file: ComposeFile, name: str, paths: list[str]
) -> dict[str, str | None]:
    """Return the volumes that service *name* has at *paths* where others are merged with *file*.

    None stands for something else than a named volume. A mount in *file* would take its place
    there, and leave the data behind.
    """
    found: dict[str, str | None] = {}
    for stack in stacks:
        service = stack.services.get(name)
        if service is None or all(d.file is not file for d in service.definitions):
            continue
        for path in paths:
            if covers(mount_targets(stack, service), path):
                found[path] = found.get(path) or _named_at(stack, service, path)
    return found


def _named_at(stack: Stack, service: Service, path: str) -> str | None:
    """Return the named volume that stands at *path* itself in *service*, or None."""
    for definition in service.definitions:
        for volume in volumes(definition.body):
            text = volume.text
            is_there = normpath(expand(text.target, stack.variables)) == normpath(path)
            if is_there and text.kind == "volume" and text.source and "$" not in text.source:
                return text.source
    return None
