"""Which services an edit reaches: a mapping can be merged, aliased and extended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_mappings
from composerefactor.topology.stack import Definition, Service, Stack
from composerefactor.yamltree.nodes import Entry, Node
from composerefactor.yamltree.path import Path, path_of


class Reached(Struct, frozen=True):
    """A service of *stack* that has what stands in a mapping or list, by *definition*."""

    stack: Stack
    service: Service
    definition: Definition

    @property
    def key(self) -> tuple[int, str]:
        """What tells it from other services, and from the same one of other stacks."""
        return id(self.stack), self.service.name


def having(stacks: Iterable[Stack], node: Node) -> Iterator[Reached]:
    """Yield the services in whose definition *node*, a mapping, is merged or stands itself."""
    for stack in stacks:
        for service in stack.services.values():
            for definition in service.definitions:
                if any(part is node for part in merged_mappings(definition.body)):
                    yield Reached(stack, service, definition)


def written(file: ComposeFile, body: Node, key: str) -> tuple[Path, Entry] | None:
    """Return the address of the mapping that gives *body* its *key*, and the entry there."""
    for mapping in merged_mappings(body):
        entry = mapping.entry(key)
        if entry is not None:
            path = path_of(file.root, mapping)
            return None if path is None else (path, entry)
    return None
