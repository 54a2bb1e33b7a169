"""The services of one entry point, each with every place that says something on it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from composerefactor.compose.dotenv import Assignment, assignments
from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.interpolation import expand
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.project import Project, project_directory
from composerefactor.compose.references import extended
from composerefactor.errors import Location
from composerefactor.yaml.nodes import Entry, MappingNode, Node, resolve


class Definition(Struct, frozen=True, dict=True):
    """One place that says something on a service; *inherited* where ``extends`` brings it."""

    file: ComposeFile
    body: Node
    inherited: bool = False

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Its attributes, merge keys followed."""
        return merged_entries(self.body)


class LocatedNode(Struct, frozen=True):
    """A value of a service: *node* in *file*, aliases followed; *at* is where it is named."""

    file: ComposeFile
    node: Node
    at: int

    @property
    def location(self) -> Location:
        """Where it is written."""
        return self.file.source.location(self.at)


class Setting(Struct, frozen=True):
    """A variable of a service's container. *value* is as written, None where the shell has it."""

    name: str
    value: str | None
    location: Location
    found: LocatedNode | None = None

    def __repr__(self) -> str:  # without the value, which may be a secret
        return f"Setting({self.name!r}, {self.location!r})"


class Service(Struct, frozen=True, dict=True):
    """A service by *name*; of its *definitions* the later ones change the earlier ones.

    *env_files* are the assignments in its env files, by path.
    """

    name: str
    definitions: tuple[Definition, ...]
    env_files: Mapping[str, tuple[Assignment, ...]] = {}

    def values(self, attribute: str) -> list[LocatedNode]:
        """Return every value of *attribute* that counts, in the order in which they are merged."""
        found: list[LocatedNode] = []
        for definition in self.definitions:
            entry = definition.entries.get(attribute)
            if entry is None:
                continue
            if entry.value.tag in {"!reset", "!override"}:
                found.clear()
            if entry.value.tag != "!reset":
                found.append(LocatedNode(definition.file, resolve(entry.value), entry.start))
        return found

    def value(self, attribute: str) -> LocatedNode | None:
        """Return the last value of *attribute*: the one that holds, for what is replaced whole."""
        found = self.values(attribute)
        return found[-1] if found else None

    def text(self, attribute: str) -> str | None:
        """Return the last value of *attribute* as text; None where there is no scalar."""
        found = self.value(attribute)
        return scalar_text(found.node) if found else None

    def items(self, attribute: str) -> Iterator[LocatedNode]:
        """Yield the items of all lists of *attribute*, or the entries' values of mappings."""
        for found in self.values(attribute):
            if isinstance(found.node, MappingNode):
                for entry in merged_entries(found.node).values():
                    yield LocatedNode(found.file, resolve(entry.value), entry.start)
            else:
                for item in item_nodes(found.node):
                    yield LocatedNode(found.file, item, item.start)

    def names(self, attribute: str) -> Iterator[tuple[str, LocatedNode]]:
        """Yield the names that lists of *attribute* hold, or the keys of mappings."""
        for found in self.values(attribute):
            if isinstance(found.node, MappingNode):
                for name, entry in merged_entries(found.node).items():
                    yield name, LocatedNode(found.file, resolve(entry.value), entry.start)
            else:
                for item in item_nodes(found.node):
                    if (text := scalar_text(item)) is not None:
                        yield text, LocatedNode(found.file, item, item.start)

    def pairs(self, attribute: str) -> dict[str, Setting]:
        """Return the ``NAME=value`` pairs of *attribute* in either form, the last of each name."""
        pairs: dict[str, Setting] = {}
        for found in self.values(attribute):
            if isinstance(found.node, MappingNode):
                for name, entry in merged_entries(found.node).items():
                    node = LocatedNode(found.file, resolve(entry.value), entry.start)
                    pairs[name] = Setting(name, scalar_text(node.node), node.location, node)
                continue
            for item in item_nodes(found.node):
                name, equals, value = (scalar_text(item) or "").partition("=")
                node = LocatedNode(found.file, item, item.start)
                pairs[name] = Setting(name, value if equals else None, node.location, node)
        return pairs

    @cached_property
    def settings(self) -> Mapping[str, Setting]:
        """The variables of the container: those of env files, then ``environment``."""
        known = {
            each.name: Setting(each.name, each.value, Location(path, each.line))
            for path, lines in self.env_files.items()
            for each in lines
        }
        return {**known, **self.pairs("environment")}


class StartModel(Struct, frozen=True, dict=True):
    """What *entry* starts.

    *files* are in the order in which they are merged, *variables* are what its env files give for
    interpolation.
    """

    entry: Invocation
    files: tuple[ComposeFile, ...]
    services: Mapping[str, Service]
    variables: Mapping[str, str] = {}

    def __repr__(self) -> str:  # without the values of variables
        return f"Stack({self.entry!r}, {list(self.services)!r})"

    @cached_property
    def dependents(self) -> Mapping[str, list[tuple[str, LocatedNode]]]:
        """Which services name each service in depends_on, and where."""
        found: dict[str, list[tuple[str, LocatedNode]]] = {}
        for service in self.services.values():
            for name, at in service.names("depends_on"):
                found.setdefault(name, []).append((service.name, at))
        return found

    def declares(self, section: str, name: str) -> bool:
        """Return whether a file of the stack has the top-level resource *name* of *section*."""
        return any(name in file.entries(section) for file in self.files)

    def declared(self, section: str) -> dict[str, list[LocatedNode]]:
        """Return what *section*, one of the resource sections, declares, by name."""
        found: dict[str, list[LocatedNode]] = {}
        if section not in RESOURCE_SECTIONS:
            return found
        for file in self.files:
            for name, body in file.entries(section).items():
                found.setdefault(name, []).append(LocatedNode(file, body, body.start))
        return found


def start_model(project: Project, entry: Invocation) -> StartModel:
    """Return the services that *entry* of *project* starts; its files must be readable."""
    reader = _Reader(project, entry)
    files = reader.files()
    services: dict[str, list[Definition]] = {}
    for file in files:
        for name, body in file.services.items():
            definitions = services.setdefault(name, [])
            definitions += reader.inherited(file, body, frozenset())
            definitions.append(Definition(file, body))
    return StartModel(
        entry,
        files,
        {
            name: Service(name, tuple(definitions), reader.env_files(definitions))
            for name, definitions in services.items()
        },
        reader.variables,
    )


def start_models(project: Project) -> list[StartModel]:
    """Return the stack of every readable entry point."""
    return [start_model(project, entry) for entry in project.readable]


class _Reader:
    """Follows what the project knows of one entry point."""

    def __init__(self, project: Project, entry: Invocation) -> None:
        self.project = project
        self.entry = entry
        self.directory = project_directory(entry)
        self.read: Callable[[str], bytes] | None = project.read
        paths = entry.env_files or (posixpath.normpath(posixpath.join(self.directory, ".env")),)
        self.variables: dict[str, str] = {}
        for each in (each for path in paths for each in self.assignments(path)):
            self.variables[each.name] = expand(each.value, self.variables)
        self.parents = {
            (extension.location, extension.service): path
            for path, extensions in project.extensions.items()
            for extension in extensions
        }

    def assignments(self, path: str) -> tuple[Assignment, ...]:
        if self.read is None or path.startswith(("/", "~")) or not self.project.exists(path):
            return ()
        return tuple(assignments(self.read(path).decode("utf-8", "replace")))

    def files(self) -> tuple[ComposeFile, ...]:
        """Return the files of ``-f`` and ``include``, included ones before their includer."""
        found: dict[str, ComposeFile] = {}
        for path in self.entry.files:
            self.collect(path, found, frozenset())
        return tuple(found.values())

    def collect(self, path: str, found: dict[str, ComposeFile], trail: frozenset[str]) -> None:
        if path in trail or path not in self.project.files:
            return
        for target, includers in self.project.included_by.items():
            if path in includers and target not in found:
                self.collect(target, found, trail | {path})
        found[path] = self.project.files[path]

    def inherited(
        self, file: ComposeFile, body: Node, trail: frozenset[tuple[str, str]]
    ) -> list[Definition]:
        """Return what *body* gets by ``extends``, the farthest first."""
        parent = extended(body)
        if parent is None or not parent[1]:
            return []
        target = file
        if parent[0] is not None:
            is_own = posixpath.basename(parent[0]) == posixpath.basename(file.path)
            at = file.source.location(parent[2].start)
            path = self.parents.get((at, parent[1]), file.path if is_own else "")
            known = self.project.files.get(path)
            if known is None:
                return []
            target = known
        step = (target.path, parent[1])
        inner = target.services.get(parent[1])
        if inner is None or step in trail:
            return []
        before = self.inherited(target, inner, trail | {step})
        return [*before, Definition(target, inner, inherited=True)]

    def env_files(self, definitions: list[Definition]) -> dict[str, tuple[Assignment, ...]]:
        found: dict[str, tuple[Assignment, ...]] = {}
        for definition in definitions:
            own = posixpath.dirname(definition.file.path) or "."
            directories = self.project.directories.get(definition.file.path) or {own}
            for item in item_nodes(merged_get(definition.body, "env_file")):
                node = merged_get(item, "path") if isinstance(item, MappingNode) else item
                text = expand(scalar_text(node) or "", self.variables)
                for directory in sorted(directories) if text else ():
                    path = posixpath.normpath(posixpath.join(directory, text))
                    if path not in found and (lines := self.assignments(path)):
                        found[path] = lines
        return found
