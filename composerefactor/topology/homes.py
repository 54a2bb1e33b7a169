"""In which file something belongs that several files, or a service of one, need."""

from __future__ import annotations

from collections.abc import Iterable

from composerefactor.compose.file import ComposeFile
from composerefactor.topology.servicereferences import references
from composerefactor.topology.stack import Definition, Service, Stack
from composerefactor.yamltree.nodes import Alias, Mapping, walk


def home(stack: Stack, users: Iterable[tuple[str, Definition]]) -> ComposeFile:
    """Return the file in which a thing belongs that *users* (service, definition) name.

    It is the one that names it, where there is only one; else the first file of the entry point.
    What ``extends`` brings is needed where the heir stands.
    """
    files = {file.path: file for name, each in users for file in [_written(stack, name, each)]}
    if len(files) == 1:
        return next(iter(files.values()))
    return next(file for file in stack.files if file.path == stack.entry.base)


def own_definitions(service: Service) -> list[Definition]:
    """Return the definitions of *service* that stand in files of its entry point."""
    return [each for each in service.definitions if not each.inherited]


def _written(stack: Stack, name: str, definition: Definition) -> ComposeFile:
    if not definition.inherited:
        return definition.file
    return own_definitions(stack.services[name])[0].file


def is_part_with(stack: Stack, others: Iterable[Stack], section: str, name: str) -> bool:
    """Return whether *stack* makes sense only as a part of another that has *name* in *section*.

    That is so where the other reads all of its files, and it names services that it does not have.
    """
    paths = {file.path for file in stack.files}
    return any(
        other.declares(section, name) and paths < {file.path for file in other.files}
        for other in others
    ) and any(reference.name not in stack.services for reference in references(stack))


def written_body(file: ComposeFile, name: str) -> Mapping | None:
    """Return the body of service *name* where it is written in *file* for this service alone.

    None where an alias stands for it, or where others use it, or what it stands in, by an alias.
    """
    section = file.root.get("services")
    body = section.get(name) if isinstance(section, Mapping) else None
    if not isinstance(body, Mapping):
        return None
    shared = {id(node.target) for node in walk(file.root) if isinstance(node, Alias)}
    return None if {id(body), id(section)} & shared else body
