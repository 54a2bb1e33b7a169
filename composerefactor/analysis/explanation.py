"""Where each line of a service comes from, and what uses the service.

:func:`explain` returns an :class:`Explanation`, whose texts contain no secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.definitions import Definition
from composerefactor.compose.env_files import assignment_place, assignment_places
from composerefactor.compose.interpolation import expand
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import Masking
from composerefactor.compose.origins import (
    Origin,
    ValueOrigin,
    VariableOrigin,
    VariableSource,
    is_list_of_scalars,
    list_texts,
    origins,
    resolved,
    variable_origins,
)
from composerefactor.compose.project import FileReading, Project, Scope
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location
from composerefactor.images.connections import connections
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode

Manner = Literal["file", "override", "include", "extends", "env file"]


class DefinitionOrigin(Struct, frozen=True):
    """A definition of the service.

    Attributes:
        location: Where it begins.
        service: The name that the service has there.
        manner: How it becomes part of the service: its ``file`` is the first one of the start
            command, an ``override`` file, or included; or the service ``extends`` it.
        through: The ``include`` or ``extends`` that leads to it.
    """

    location: Location
    service: str
    manner: Manner
    through: Location | None


class Overridden(Struct, frozen=True):
    """A value that has no effect.

    Attributes:
        location: Where it is set.
        value: The value without secrets; for a mapping or list, the number of its entries.
        anchor: The anchor that contains it, or ``""``.
    """

    location: Location
    value: str
    anchor: str = ""


class UsedVariable(Struct, frozen=True):
    """A variable in a value.

    Attributes:
        written: The expression as written, without secrets.
        name: The name of the variable.
        source: What decides its value.
        location: The line of the env file that sets it.
    """

    written: str
    name: str
    source: VariableSource
    location: Location | None


class ExplainedLine(Struct, frozen=True):
    """A line of the resolved service.

    Attributes:
        path: The keys and positions from the service.
        value: The value without secrets; None for null, and for a mapping or list whose entries
            are lines of their own.
        location: Where it is set. A mapping or list is set where the last file adds to it.
        manner: How that place becomes part of the service.
        source: The service that is extended, or ``""``.
        anchor: The anchor that contains the place, or ``""``.
        alias: The anchor that the value refers to, or ``""``.
        is_item: Whether it is an item of a list.
        is_removed: Whether ``!reset`` removes it.
        also_at: The other places that add entries to the mapping or list.
        overridden: Values that have no effect, in merge order.
        variables: The variables in the value.
    """

    path: tuple[str | int, ...]
    value: str | list[str] | None
    location: Location
    manner: Manner
    source: str
    anchor: str
    alias: str
    is_item: bool
    is_removed: bool
    also_at: tuple[Location, ...]
    overridden: tuple[Overridden, ...]
    variables: tuple[UsedVariable, ...]

    @property
    def key(self) -> str:
        """The path with dots."""
        return ".".join(map(str, self.path))


class User(Struct, frozen=True):
    """A place at which another service uses the service.

    Attributes:
        service: The other service.
        how: The attribute, variable or command, without secrets.
        location: The file and line.
    """

    service: str
    how: str
    location: Location


class Explanation(Struct, frozen=True):
    """A service as one start command resolves it.

    Attributes:
        entry: The start command.
        service: The name of the service.
        profiles: The profiles without which it is not started by itself.
        definitions: The definitions in the order in which they are merged.
        lines: The lines of the resolved service.
        users: What uses the service.
    """

    entry: Invocation
    service: str
    profiles: tuple[str, ...]
    definitions: tuple[DefinitionOrigin, ...]
    lines: tuple[ExplainedLine, ...]
    users: tuple[User, ...]


def explain(
    project: Project,
    model: StartModel,
    name: str,
    environ: Mapping[str, str],
    masking: Masking,
) -> Explanation:
    """Return where the lines of the service *name* of *model* come from, and what uses it.

    *environ* are the variables of the shell, *masking* masks the secrets of the project.
    """
    service = model.services[name]
    found = origins(service)
    explainer = _Explainer(project, model, service, environ, masking)
    parents = {origin.path[:-1] for origin in found}
    return Explanation(
        model.entry,
        name,
        tuple(masking.text(profile.value) for profile in service.profiles),
        tuple(explainer.definitions.values()),
        tuple(explainer.line(o, is_parent=o.path in parents) for o in found),
        tuple(_users(model, service, masking)),
    )


class _Explainer:
    """Turns the origins of one service into lines without secrets."""

    def __init__(
        self,
        project: Project,
        model: StartModel,
        service: Service,
        environ: Mapping[str, str],
        masking: Masking,
    ) -> None:
        self.model = model
        self.environ = environ
        self.masking = masking
        includes = dict(_include_locations(project, project.readings[model.entry]))
        self.definitions = {
            id(each): _definition_origin(model.entry, each, includes)
            for each in service.definitions
        }
        paths = {path for each in service.definitions for path in each.scope.env_files}
        self.assignments = assignment_places(project, paths)
        self.root = Scope(variables=model.variables, env_files=tuple(paths))
        self.env_file_variables = dict(model.variables)
        for lines in service.env_files.values():
            for line in lines:
                value = expand(line.value, {**self.env_file_variables, **environ})
                self.env_file_variables.setdefault(line.name, value)

    def line(self, origin: Origin, *, is_parent: bool) -> ExplainedLine:
        """Return *origin* as a line; *is_parent* says whether its entries are lines, too."""
        place = origin.place
        definition = self.definitions.get(id(place.definition))
        return ExplainedLine(
            origin.path,
            None if is_parent else self.value(origin),
            place.location,
            definition.manner if definition else "env file",
            definition.service if definition and definition.manner == "extends" else "",
            place.inside,
            place.alias,
            origin.is_item,
            origin.is_removed,
            tuple(each.location for each in origin.places[:-1]),
            tuple(self.overridden(origin, each) for each in origin.overridden),
            () if is_parent else tuple(self.variables(origin)),
        )

    def value(self, origin: Origin) -> str | list[str] | None:
        """Return the value of a line without secrets."""
        node = origin.place.yaml
        name = _name_of(origin)
        if is_list_of_scalars(node) and not origin.is_removed:
            scope = self.scope(origin.place)
            texts = [
                expand(t, {**scope.variables, **self.environ}) for t in list_texts(origin.place)
            ]
            masked: list[str] = self.masking.value(texts, name)
            return masked
        text = resolved(origin, self.environ, self.env_file_variables)
        return None if text is None else str(self.masking.value(text, name))

    def overridden(self, origin: Origin, place: ValueOrigin) -> Overridden:
        """Return a value that *origin* overrides."""
        size = _size(place.yaml)
        name = _name_of(origin)
        value = str(self.masking.value(place.written or "", name)) if size is None else size
        return Overridden(place.location, value, place.inside)

    def variables(self, origin: Origin) -> Iterator[UsedVariable]:
        """Yield the variables in the value of *origin*."""
        place = origin.place
        texts = [place.written or ""]
        if is_list_of_scalars(place.yaml):
            texts = list_texts(place)
        scope = self.scope(place)
        found = {
            use: None
            for text in texts
            for use in variable_origins(
                text,
                scope.variables,
                self.environ,
                lambda name: assignment_place(name, scope, self.assignments),
            )
        }
        yield from (self.variable(use) for use in found)

    def variable(self, use: VariableOrigin) -> UsedVariable:
        """Return *use* without secrets."""
        written = self.masking.text(use.written)
        if not written.startswith("$"):  # its default is a secret
            written = f"${{{use.name}}}"
        return UsedVariable(written, use.name, use.source, use.location)

    def scope(self, place: ValueOrigin) -> Scope:
        """Return what the variables at *place* refer to."""
        return place.node.scope if place.node else self.root


def _name_of(origin: Origin) -> str:
    """Return the last key of *origin*, by which secrets are recognised."""
    return next((step for step in reversed(origin.path) if isinstance(step, str)), "")


def _size(node: Node | None) -> str | None:
    """Return the number of entries of a mapping or list, as text; None for a scalar."""
    if isinstance(node, MappingNode):
        count, noun = len(node.entries), "entry" if len(node.entries) == 1 else "entries"
    elif isinstance(node, SequenceNode):
        count, noun = len(node.items), "item" if len(node.items) == 1 else "items"
    else:
        return None
    return f"{count} {noun}"


def _definition_origin(
    entry: Invocation, definition: Definition, includes: Mapping[str, Location]
) -> DefinitionOrigin:
    file = definition.file
    name = next(
        (name for name, body in file.services.items() if body is definition.body), "service"
    )
    location = file.location_of("services", name)
    if definition.extended_at is not None:
        return DefinitionOrigin(location, name, "extends", definition.extended_at)
    if file.path in entry.files:
        manner: Manner = "file" if file.path == entry.root_file else "override"
        return DefinitionOrigin(location, name, manner, None)
    return DefinitionOrigin(location, name, "include", includes.get(file.path))


def _include_locations(
    project: Project, readings: Iterable[FileReading]
) -> Iterator[tuple[str, Location]]:
    """Yield (path, location of the ``include``) for each included file of *readings*."""
    for reading in readings:
        file = project.files[reading.path]
        include = file.root.get("include")
        items = include.items if isinstance(include, SequenceNode) else []
        for item, included in zip(items, reading.includes, strict=False):
            for each in included:
                yield each.path, file.source.location(item.start)
            yield from _include_locations(project, included)


def _users(model: StartModel, service: Service, masking: Masking) -> Iterator[User]:
    """Yield what uses *service*: references, hosts in values, labels of a proxy, ``extends``."""
    for connection in connections(model):
        if connection.callee != service.name:
            continue
        caller = model.services[connection.caller]
        for hint in connection.hints:
            how = masking.text(hint.message)
            if hint.kind == "depends_on" and service.name in caller.depends_on:
                how += f" ({caller.depends_on[service.name].value.condition})"
            yield User(connection.caller, how, hint.location)
    own = {id(each.body) for each in service.own_definitions}
    for other in model.services.values():
        for definition in other.definitions:
            if definition.extended_at is not None and id(definition.body) in own:
                yield User(other.name, "extends", definition.extended_at)


def lines_of(explanation: Explanation, key: str) -> list[ExplainedLine]:
    """Return the lines of *key*: a path with dots, or a single key wherever it is.

    Lines below and the mappings and lists around it are returned, too; [] if there is no such key.
    """
    lines = explanation.lines
    chosen = [line.path for line in lines if line.key == key]
    chosen = chosen or [line.path for line in lines if line.path[-1] == key]
    return [
        line
        for line in lines
        if any(_is_prefix(line.path, path) or _is_prefix(path, line.path) for path in chosen)
    ]


def _is_prefix(first: tuple[str | int, ...], second: tuple[str | int, ...]) -> bool:
    return second[: len(first)] == first


def differing(explanation: Explanation, main: Explanation) -> list[ExplainedLine]:
    """Return the lines of *explanation* whose value is not that of *main*, with those around them.

    A line that only *main* has is returned as removed, with nothing that removes it.
    """
    known = {line.path: line for line in main.lines}
    own = {line.path for line in explanation.lines}
    changed = [
        line.path
        for line in explanation.lines
        if line.path not in known or known[line.path].value != line.value
    ]
    missing = [
        replace(line, is_removed=True, overridden=(), variables=())
        for line in main.lines
        if line.path not in own and (line.path[:-1] in own or len(line.path) == 1)
    ]
    kept = (n for n in explanation.lines if any(_is_prefix(n.path, path) for path in changed))
    return [*kept, *missing]
