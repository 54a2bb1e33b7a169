"""Where each line of a merged service comes from, and which values it overrides.

:func:`origins` follows the definitions of a service as Docker Compose merges them, by the table of
:mod:`composerefactor.compose.attributes`, and keeps for each key and each item the place that sets
it. :func:`variable_origins` does the same for the variables in a value.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import SERVICE, SERVICE_ORDER, Attribute, find_attribute
from composerefactor.compose.definitions import Definition, LocatedNode
from composerefactor.compose.interpolation import Expression, expand, expressions
from composerefactor.compose.service_values import (
    read_env_files,
    read_grants,
    read_ports,
    read_volumes,
)
from composerefactor.compose.services import Service
from composerefactor.errors import Location
from composerefactor.yaml.nodes import (
    AliasNode,
    Entry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    resolve,
)
from composerefactor.yaml.values import scalar_text

Step: TypeAlias = str | int
Variables: TypeAlias = Mapping[str, str]


class ValueOrigin(Struct, frozen=True):
    """A value at the place that sets it.

    Attributes:
        location: The location of the key or the item.
        node: The value; None for a line of an env file.
        written: The scalar as written; None for null, mappings and lists.
        definition: The definition of the service to which it belongs; None for an env file.
        inside: The anchor that contains the place, or ``""``.
        alias: The anchor to which the value refers, or ``""``.
        shadowed: The values of the same key in mappings that ``<<`` merges.
    """

    location: Location
    node: LocatedNode | None
    written: str | None
    definition: Definition | None
    inside: str = ""
    alias: str = ""
    shadowed: tuple[ValueOrigin, ...] = ()

    def __repr__(self) -> str:  # without the value, which may be a secret
        return f"ValueOrigin({self.location})"

    @property
    def yaml(self) -> Node | None:
        """The node of the value; None for a line of an env file."""
        return self.node.node if self.node else None

    @property
    def is_null(self) -> bool:
        """True for null."""
        return isinstance(self.yaml, ScalarNode) and self.yaml.is_null


class Origin(Struct, frozen=True):
    """A line of a merged service.

    Attributes:
        path: The keys and positions from the service.
        places: The places that contribute to it: the one that decides it comes last. Only mappings
            and lists have several.
        overridden: The values that have no effect, in merge order.
        is_item: True for an item of a list.
        is_removed: True if ``!reset`` removes the value.
    """

    path: tuple[Step, ...]
    places: tuple[ValueOrigin, ...]
    overridden: tuple[ValueOrigin, ...] = ()
    is_item: bool = False
    is_removed: bool = False

    @property
    def place(self) -> ValueOrigin:
        """The place that decides the line."""
        return self.places[-1]

    @property
    def key(self) -> str:
        """The path with dots."""
        return ".".join(map(str, self.path))


def origins(service: Service) -> list[Origin]:
    """Return the lines of *service*, attributes in the usual order, merged as Docker Compose does.

    ``extends`` is not part of the result, since it is carried out. Variables that only env files
    set are lines of ``environment``.
    """
    attributes: dict[str, list[ValueOrigin]] = {}
    for definition in service.definitions:
        top = LocatedNode(definition.file, definition.body, definition.body.start, definition.scope)
        for name, place in _entries(_place(top, definition)).items():
            attributes.setdefault(name, []).append(place)
    attributes.pop("extends", None)
    if service.env_files:
        attributes.setdefault("environment", [])
    order = {name: n for n, name in enumerate(SERVICE_ORDER)}
    merge = _Merge(service)
    return [
        line
        for name in sorted(attributes, key=lambda name: order.get(name, len(order)))
        for line in merge.attribute((name,), attributes[name])
    ]


def _place(node: LocatedNode, definition: Definition | None, inside: str = "") -> ValueOrigin:
    return ValueOrigin(node.location, node, node.written, definition, inside)


def _child(parent: ValueOrigin, entry: Entry, inside: str) -> ValueOrigin:
    """Return the place of *entry*, a key in the mapping at *parent*, in the anchor *inside*."""
    node, definition = _scope_of(parent)
    located = LocatedNode(node.file, resolve(entry.value), entry.start, node.scope)
    alias = entry.value.name if isinstance(entry.value, AliasNode) else ""
    return replace(_place(located, definition, inside), alias=alias)


def _scope_of(place: ValueOrigin) -> tuple[LocatedNode, Definition | None]:
    if place.node is None:
        raise TypeError(place)
    return place.node, place.definition


def _entries(parent: ValueOrigin) -> dict[str, ValueOrigin]:
    """Return the values of the mapping at *parent* by key, with what they shadow.

    The rules are those of :func:`~composerefactor.yaml.values.merged_entries`.
    """
    found: dict[str, list[ValueOrigin]] = {}
    pending: list[tuple[Node, str]] = [(_scope_of(parent)[0].node, parent.alias or parent.inside)]
    seen: set[int] = set()
    while pending:
        mapping, inside = pending.pop()
        if not isinstance(mapping, MappingNode) or id(mapping) in seen:
            continue
        seen.add(id(mapping))
        merged: list[tuple[Node, str]] = []
        for entry in mapping.entries:
            if entry.is_merge:
                merged += _merged(entry, inside)
            elif entry.name is not None:
                found.setdefault(entry.name, []).append(_child(parent, entry, inside))
        pending += reversed(merged)
    return {name: replace(first, shadowed=tuple(rest)) for name, (first, *rest) in found.items()}


def _merged(entry: Entry, inside: str) -> Iterator[tuple[Node, str]]:
    """Yield the mappings that the merge key *entry* adds, each with the anchor that contains it."""
    value = resolve(entry.value)
    parts = value.items if isinstance(value, SequenceNode) else [entry.value]
    for part in parts:
        yield resolve(part), part.name if isinstance(part, AliasNode) else inside


def _items(parent: ValueOrigin) -> list[ValueOrigin]:
    """Return the items of the list at *parent*; a single scalar is a list of one item."""
    node, definition = _scope_of(parent)
    if isinstance(node.node, ScalarNode):
        return [] if node.node.is_null else [parent]
    items = node.node.items if isinstance(node.node, SequenceNode) else []
    places = []
    for item in items:
        located = LocatedNode(node.file, resolve(item), item.start, node.scope)
        place = _place(located, definition, parent.alias or parent.inside)
        places.append(replace(place, alias=item.name if isinstance(item, AliasNode) else ""))
    return places


Path: TypeAlias = tuple[Step, ...]


class _Merge:
    """Merges the values of one attribute after the other, by the ``merge`` of the attribute.

    Each method takes a path, the values that take part, at least one, and those that ``!reset`` or
    ``!override`` discard.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.methods: Mapping[
            str, Callable[[Path, list[ValueOrigin], list[ValueOrigin]], Iterator[Origin]]
        ] = {
            "keys": self.keys,
            "pairs": self.pairs,
            "driver": self.driver,
            "appended": self.items,
            "unique": self.items,
        }

    def attribute(self, path: Path, values: list[ValueOrigin]) -> Iterator[Origin]:
        """Yield the lines of the attribute at *path* with *values* in merge order."""
        kept: list[ValueOrigin] = []
        dropped: list[ValueOrigin] = []
        for value in values:
            dropped += value.shadowed
            if value.yaml is not None and value.yaml.tag in {"!reset", "!override"}:
                dropped += kept
                kept = []
            if value.yaml is None or value.yaml.tag != "!reset":
                kept.append(value)
        if kept or path == ("environment",):
            attribute = find_attribute(SERVICE, tuple(map(str, path)))
            merge = attribute.merge if attribute else "replaced"
            yield from self.methods.get(merge, self.replaced)(path, kept, dropped)
        elif dropped:
            yield Origin(path, (values[-1],), tuple(dropped), is_removed=True)

    def replaced(
        self, path: Path, kept: list[ValueOrigin], dropped: list[ValueOrigin]
    ) -> Iterator[Origin]:
        """Yield the lines of the last value; null does not replace one, but may clear it."""
        attribute = find_attribute(SERVICE, tuple(map(str, path)))
        is_cleared = attribute is not None and attribute.merge == "cleared"
        present = kept if is_cleared else [v for v in kept if not v.is_null] or kept
        others = [v for v in kept if v is not present[-1] and not v.is_null]
        yield from whole(path, present[-1], (*dropped, *others))

    def keys(
        self, path: Path, kept: list[ValueOrigin], dropped: list[ValueOrigin]
    ) -> Iterator[Origin]:
        """Yield the lines of a mapping that is merged key by key, or of a list of its names."""
        present = [value for value in kept if not value.is_null]
        used, names, items = _named(path, present)
        overridden = (*dropped, *(value for value in present if value not in used))
        if all(isinstance(value.yaml, ScalarNode) for value in used):
            last = used[-1] if used else kept[-1]
            yield Origin(path, (last,), (*overridden, *used[:-1]))
            return
        yield Origin(path, tuple(used), overridden)
        for name, places in names.items():
            if id(places[-1]) in items:
                yield Origin((*path, name), (places[-1],), tuple(places[:-1]), is_item=True)
            else:
                yield from self.attribute((*path, name), places)

    def pairs(
        self, path: Path, kept: list[ValueOrigin], dropped: list[ValueOrigin]
    ) -> Iterator[Origin]:
        """Yield the lines of a list of ``NAME=value`` or a mapping, one per name."""
        names: dict[str, list[ValueOrigin]] = {}
        used: list[ValueOrigin] = []
        if path == ("environment",):
            for file, lines in self.service.env_files.items():
                for line in lines:
                    place = ValueOrigin(Location(file, line.line), None, line.value, None)
                    names.setdefault(line.name, []).append(place)
                    used = [place]
        for value in kept:
            for name, place in _entries(value).items():
                names.setdefault(name, []).append(place)
            for item in _items(value):
                name, equals, text = (item.written or "").partition("=")
                pair = replace(item, written=text if equals else None)
                names.setdefault(name, []).append(pair)
            used = used if value.is_null else [*used, value]
        if not used:
            return
        yield Origin(path, tuple(used), tuple(dropped))
        for name, places in names.items():
            *others, last = places
            if last.yaml is not None and last.yaml.tag == "!reset":
                yield Origin((*path, name), (last,), tuple(others), is_removed=True)
            else:
                overridden = (*others, *last.shadowed)
                yield Origin((*path, name), (last,), overridden)

    def driver(
        self, path: Path, kept: list[ValueOrigin], dropped: list[ValueOrigin]
    ) -> Iterator[Origin]:
        """Yield the lines of a mapping; another driver replaces all that is before it."""
        used: list[ValueOrigin] = []
        overridden = list(dropped)
        driver = ""
        for value in kept:
            named = _entries(value).get("driver") if isinstance(value.yaml, MappingNode) else None
            own = named.written or "" if named else ""
            if own and driver and own != driver:
                overridden, used = [*overridden, *used], []
            driver = own or driver
            used.append(value)
        yield from self.keys(path, used, overridden)

    def items(
        self, path: Path, kept: list[ValueOrigin], dropped: list[ValueOrigin]
    ) -> Iterator[Origin]:
        """Yield the items of all lists; one with the same key as an earlier one replaces it."""
        attribute = find_attribute(SERVICE, tuple(map(str, path)))
        by_key: dict[Hashable, list[ValueOrigin]] = {}
        for value in kept:
            for name, place in _entries(value).items():
                by_key[name, id(value)] = [replace(place, written=f"{name}={place.written or ''}")]
            for item in _items(value):
                by_key.setdefault(_item_key(attribute, item), []).append(item)
        present = [value for value in kept if not value.is_null]
        if not present:
            return
        if len(by_key) == 1 and all(isinstance(value.yaml, ScalarNode) for value in present):
            yield from whole(path, present[-1], (*dropped, *present[:-1]))
            return
        yield Origin(path, tuple(present), tuple(dropped))
        for n, places in enumerate(by_key.values()):
            yield from whole((*path, n), places[-1], tuple(places[:-1]), is_item=True)


def _named(
    path: Path, values: list[ValueOrigin]
) -> tuple[list[ValueOrigin], dict[str, list[ValueOrigin]], dict[int, ValueOrigin]]:
    """Return those of *values* that take part, their entries by name, and the items among these.

    A scalar is the ``context`` of ``build``, and elsewhere replaces the whole mapping, as a limit
    for both ``soft`` and ``hard`` does.
    """
    used: list[ValueOrigin] = []
    names: dict[str, list[ValueOrigin]] = {}
    items: dict[int, ValueOrigin] = {}
    for value in values:
        is_scalar = isinstance(value.yaml, ScalarNode)
        if path == ("build",) and is_scalar:
            names.setdefault("context", []).append(value)
        elif is_scalar or (used and path != ("build",) and isinstance(used[-1].yaml, ScalarNode)):
            used, names = [], {}
        if isinstance(value.yaml, MappingNode):
            for name, place in _entries(value).items():
                names.setdefault(name, []).append(place)
        elif isinstance(value.yaml, SequenceNode):
            for item in _items(value):
                if path == ("depends_on",):  # the short form resets the condition
                    names.pop(item.written or "", None)
                names.setdefault(item.written or "", []).append(item)
                items[id(item)] = item
        used.append(value)
    return used, names, items


def whole(
    path: Path, place: ValueOrigin, overridden: Iterable[ValueOrigin], *, is_item: bool = False
) -> Iterator[Origin]:
    """Yield the lines of a value that one place alone sets.

    A list of scalars is one line.
    """
    yield Origin(path, (place,), tuple(overridden), is_item=is_item)
    if isinstance(place.yaml, MappingNode):
        for name, entry in _entries(place).items():
            yield from whole((*path, name), entry, entry.shadowed)
    elif isinstance(place.yaml, SequenceNode) and not is_list_of_scalars(place.yaml):
        for n, item in enumerate(_items(place)):
            yield from whole((*path, n), item, (), is_item=True)


def is_list_of_scalars(node: Node | None) -> bool:
    """Return whether *node* is a list of scalars."""
    return isinstance(node, SequenceNode) and all(
        isinstance(resolve(item), ScalarNode) for item in node.items
    )


def list_texts(place: ValueOrigin) -> list[str]:
    """Return the items of a list of scalars as written."""
    return [scalar_text(item.yaml) or "" for item in _items(place)]


def _item_key(attribute: Attribute | None, item: ValueOrigin) -> Hashable:
    """Return what tells *item* from others of a list with unique items; else a key of its own."""
    by = attribute.options.get("by") if attribute else None
    node = item.node
    if by is None or node is None or attribute is None:
        return id(node)
    if by in {"text", "name"}:
        return node.text if by == "text" else (node.text or "").partition("=")[0]
    one = [replace(node, node=SequenceNode(node.at, node.at, node.at, items=[node.node]))]
    read = _KEYS.get(attribute.name, _device_key)
    return tuple(read(one))


_KEYS: Mapping[str, Callable[[list[LocatedNode]], Iterable[Hashable]]] = {
    "ports": lambda nodes: (port.value.key for port in read_ports(nodes)),
    "env_file": lambda nodes: (file.value.path for file in read_env_files(nodes)),
    "volumes": lambda nodes: (volume.value.target for volume in read_volumes(nodes)),
    "secrets": lambda nodes: (g.value.target or f"/{g.value.source}" for g in read_grants(nodes)),
    "configs": lambda nodes: (g.value.target or f"/{g.value.source}" for g in read_grants(nodes)),
}
"""What tells two items apart, by attribute. It takes a list with one item."""


def _device_key(nodes: list[LocatedNode]) -> Iterator[Hashable]:
    for node in nodes[0].items:
        yield node.text_below("target") or (node.text or "").split(":")[-1]


VariableSource = Literal["shell", "env file", "default", "alternative", "not set"]


class VariableOrigin(Struct, frozen=True):
    """What decides the value of a variable in a text.

    Attributes:
        written: The expression as written, such as ``${TAG:-3}``.
        name: The name of the variable.
        source: What decides it: the ``default`` in the expression, or the ``alternative`` of
            ``${NAME:+alternative}``, for example.
        location: The line of the env file; None for other sources.
    """

    written: str
    name: str
    source: VariableSource
    location: Location | None = None


def variable_origins(
    text: str,
    variables: Variables,
    shell: Variables,
    locate: Callable[[str], Location | None],
) -> Iterator[VariableOrigin]:
    """Yield the origin of each variable in *text* that has an effect on its value.

    Args:
        text: The text as written.
        variables: The variables of env files.
        shell: The variables of the shell, which have precedence.
        locate: Returns the line of an env file that sets a variable.
    """
    for expression in expressions(text):
        if expression.depth:
            continue
        written = text[expression.start : expression.end]
        source = _source(expression, variables, shell)
        location = locate(expression.name) if source == "env file" else None
        yield VariableOrigin(written, expression.name, source, location)
        if source in {"default", "alternative"}:
            yield from variable_origins(expression.argument or "", variables, shell, locate)


def _source(expression: Expression, variables: Variables, shell: Variables) -> VariableSource:
    both = {**variables, **shell}
    name = expression.name
    is_set = bool(both.get(name)) if expression.operator.startswith(":") else name in both
    if expression.operator.endswith("+"):
        return "alternative" if is_set else "not set"
    if is_set or (name in both and not expression.operator.endswith("-")):
        return "shell" if name in shell else "env file"
    return "default" if expression.operator.endswith("-") else "not set"


def resolved(origin: Origin, shell: Variables, variables: Variables) -> str | None:
    """Return the text of a line with its variables replaced; None for what is no scalar.

    A name without a value in ``environment`` or in the arguments of a build has the value of the
    shell, or of the env files of the start command, whose *variables* are those of its root files.
    """
    place = origin.place
    scope = place.node.scope if place.node else None
    if place.written is not None:
        return expand(place.written, {**(scope.variables if scope else variables), **shell})
    is_pair = origin.path[0] == "environment" or origin.path[:2] == ("build", "args")
    if not is_pair or not isinstance(place.yaml, ScalarNode) or scope is None or place.node is None:
        return None
    name = str(origin.path[-1])
    is_listed = place.node.written == name
    outer = {**(scope.variables if is_listed else scope.root_variables), **shell}
    return outer.get(name)
