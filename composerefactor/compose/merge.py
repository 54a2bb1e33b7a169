"""How Docker Compose merges the definitions of a service.

:class:`DefinitionMerge` orders them over ``-f`` files, ``include`` and ``extends``.
:func:`effective` says which of the values of one key count. How these are merged depends on the
attribute: :mod:`~composerefactor.compose.attributes` has the table, and
:mod:`~composerefactor.compose.service_values` the results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from composerefactor.compose.definitions import Definition, LocatedNode
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import FileReading, Project, Scope, extended_scope
from composerefactor.compose.references import extends_target
from composerefactor.errors import InputError
from composerefactor.yaml.nodes import Entry, Node, resolve
from composerefactor.yaml.values import merged_entries, merged_mappings

_MAX_EXTENDS = 100
"""Services that extend one another, at most."""


class DefinitionMerge:
    """Merges the definitions of services as Docker Compose does, over include and extends.

    Attributes:
        files: The files of ``-f`` and ``include`` by path, included ones before their includer.
        extended_files: The files that services extend, by path.
        scopes: The scopes of all these files by path; the first one of a file.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.files: dict[str, ComposeFile] = {}
        self.extended_files: dict[str, ComposeFile] = {}
        self.scopes: dict[str, Scope] = {}
        self.loaded: dict[int, dict[str, list[Definition]]] = {}
        self.parents = {
            (extension.location, extension.service): path
            for path, extensions in project.extensions.items()
            for extension in extensions
        }

    def services(self, reading: FileReading) -> dict[str, list[Definition]]:
        """Return the definitions of each service of a file and of its includes, in merge order.

        Of two includes the first one has precedence, and an included service that the file itself
        defines is merged before the service that it extends (observed: v5.6.1).
        """
        known = self.loaded.get(id(reading))
        if known is not None:
            return known
        parts = [self.merged(item) for item in reading.includes]
        included: dict[str, list[Definition]] = {}
        for part in reversed(parts):
            for name, definitions in part.items():
                target = included.setdefault(name, [])
                target += (d for d in definitions if not _contains(target, d))
        file = self.files.setdefault(reading.path, self.project.files[reading.path])
        self.scopes.setdefault(file.path, reading.scope)
        merged = dict(included)
        for name in file.services:
            merged[name] = self.definitions(file, name, reading.scope, included, frozenset())
        self.loaded[id(reading)] = merged
        return merged

    def merged(self, readings: Iterable[FileReading]) -> dict[str, list[Definition]]:
        """Return the definitions of files that are merged, in merge order."""
        merged: dict[str, list[Definition]] = {}
        for reading in readings:
            for name, definitions in self.services(reading).items():
                merged.setdefault(name, []).extend(definitions)
        return merged

    def definitions(
        self,
        file: ComposeFile,
        name: str,
        scope: Scope,
        included: Mapping[str, list[Definition]],
        trail: frozenset[tuple[str, str]],
    ) -> list[Definition]:
        """Return the definitions of the service *name* of *file*, in merge order.

        *included* are the definitions in the files that *file* includes. *trail* contains the
        (path, service) pairs already followed, so that cycles end.
        """
        imported = included.get(name, [])
        body = file.services.get(name)
        step = (file.path, name)
        if body is None or step in trail:
            return imported
        if len(trail) == _MAX_EXTENDS:
            raise InputError(
                f"a service extends more than {_MAX_EXTENDS} others, one after another",
                location=file.source.location(body.start),
                remedy="let services extend a common one",
            )
        inherited = self.inherited(file, body, scope, included, trail | {step})
        return [*inherited, *imported, Definition(file, body, scope)]

    def inherited(
        self,
        file: ComposeFile,
        body: Node,
        scope: Scope,
        included: Mapping[str, list[Definition]],
        trail: frozenset[tuple[str, str]],
    ) -> list[Definition]:
        """Return the definitions that *body* inherits by ``extends``, in merge order."""
        parent = extends_target(body)
        if parent is None or not parent[1]:
            return []
        target = file
        if parent[0] is not None:
            path = self.parents.get((file.source.location(parent[2].start), parent[1]), "")
            written = scope.path(scope.expand(parent[0]))
            path = written if written in self.project.files else path
            if path not in self.project.files:
                return []
            target = self.extended_files.setdefault(path, self.project.files[path])
            scope, included = extended_scope(path, scope), {}
            self.scopes.setdefault(path, scope)
        definitions = self.definitions(target, parent[1], scope, included, trail)
        at = file.source.location(merged_entries(body)["extends"].start)
        return [Definition(d.file, d.body, d.scope, d.extended_at or at) for d in definitions]


def _contains(definitions: list[Definition], definition: Definition) -> bool:
    """Return whether one of *definitions* is *definition*, read in the same directory.

    Docker Compose accepts a file that is included twice only once if both results are equal.
    """
    directory = definition.scope.directory
    return any(d.body is definition.body and d.scope.directory == directory for d in definitions)


def values_below(nodes: Iterable[LocatedNode], key: str) -> list[LocatedNode]:
    """Return the values of *key* in the mappings *nodes*, which are in merge order.

    ``!reset`` and ``!override`` discard the values before them.
    """
    return effective(key, ((n.file, n.scope, n.node, merged_entries(n.node)) for n in nodes))


def effective(
    key: str, mappings: Iterable[tuple[ComposeFile, Scope, Node, Mapping[str, Entry]]]
) -> list[LocatedNode]:
    """Return the values of *key* in *mappings*, each with its entries, in merge order.

    ``!reset`` and ``!override`` discard the values before them. A ``!reset`` key is removed before
    merge keys are resolved: a value that its mapping merges stays (observed: v2.24.7, v5.6.1).
    """
    values: list[LocatedNode] = []
    for file, scope, mapping, entries in mappings:
        entry = entries.get(key)
        if entry is not None and entry.value.tag in {"!reset", "!override"}:
            values.clear()
        if entry is not None and entry.value.tag == "!reset":
            merged = (each.entry(key) for each in merged_mappings(mapping))
            entry = next((e for e in merged if e and e.value.tag != "!reset"), None)
        if entry is not None:
            values.append(LocatedNode(file, resolve(entry.value), entry.start, scope))
    return values
