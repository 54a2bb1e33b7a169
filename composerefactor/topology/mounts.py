"""What stands where in the containers of a service."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath

from composerefactor.compose.expand import expand
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
