"""Where in the resolved model the text of a file ends up: by aliases, merges and `extends`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from composerefactor.compose.file import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merged import merged_entries
from composerefactor.compose.project import Project
from composerefactor.compose.references import extending
from composerefactor.yamltree.nodes import Node, children, resolve

ModelPath: TypeAlias = tuple[str, ...]
"""A place of the resolved model: (section, name, attribute), or less for what is no service's."""


def places(project: Project, path: str) -> Mapping[int, list[ModelPath]]:
    """Return the places of the model that each node written in the file *path* reaches, by id.

    Those of a service also count for the services that extend it, wherever they stand.
    """
    file = project.files[path]
    found: dict[int, list[ModelPath]] = {}
    for place, node in _roots(project, file):
        for each in _below(node):
            known = found.setdefault(id(each), [])
            if place not in known:
                known.append(place)
    return found


def heirs(project: Project, path: str, service: str) -> list[str]:
    """Return the names of the services that extend *service* of the file *path*, in any file."""
    found: dict[tuple[str, str], None] = {}
    todo = [(path, service)]
    while todo:
        target = todo.pop()
        for each in _extending(project, *target):
            if each not in found and each != (path, service):
                found[each] = None
                todo.append(each)
    return list(dict.fromkeys(name for _, name in found))


def _roots(project: Project, file: ComposeFile) -> Iterator[tuple[ModelPath, Node]]:
    for entry in file.root.entries:
        section = entry.name or ""
        if section == "services":
            for service, body in file.services.items():
                names = (service, *heirs(project, file.path, service))
                for key, attribute in merged_entries(body).items():
                    for name in names:
                        yield (section, name, key), attribute.value
        elif section in RESOURCE_SECTIONS:
            for name, node in file.entries(section).items():
                yield (section, name), node
        else:
            yield (section,), entry.value


def _below(node: Node) -> Iterator[Node]:
    """Yield *node* and what is written below it, aliases followed, each once."""
    seen: set[int] = set()
    stack = [resolve(node)]
    while stack:
        current = stack.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            stack.extend(map(resolve, children(current)))


def _extending(project: Project, path: str, service: str) -> Iterator[tuple[str, str]]:
    for other, file in project.files.items():
        for name, parent in extending(file).get(service, ()):
            bases = {*project.directories.get(other, ()), posixpath.dirname(other)}
            named = {posixpath.normpath(posixpath.join(base, parent or "")) for base in bases}
            if path in named if parent else path == other:
                yield other, name
