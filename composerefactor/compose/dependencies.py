"""References between the services of a start command, their start order, cycles and groups.

Services refer to each other in depends_on, links, volumes_from and ``service:`` values.
:func:`connected` puts items together that have something in common.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal, TypeVar

from msgspec import Struct

from composerefactor.compose.definitions import Value
from composerefactor.compose.references import NAMESPACES
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location

Kind = Literal[
    "depends_on", "links", "volumes_from", "namespace", "url", "address", "name", "label"
]


class Hint(Struct, frozen=True):
    """Evidence that one service needs another.

    Attributes:
        kind: The attribute or text that contains the reference.
        message: The evidence as text for messages, without secrets.
        location: The location of the reference.
    """

    kind: Kind
    message: str
    location: Location

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"


class Reference(Struct, frozen=True):
    """A reference to a service, in an attribute whose values are names of services.

    Attributes:
        caller: The service that contains the reference.
        name: The service that it refers to.
        hint: The attribute and its location.
    """

    caller: str
    name: str
    hint: Hint


def service_references(model: StartModel) -> Iterator[Reference]:
    """Yield the references in depends_on, links, volumes_from and ``service:`` values."""
    for service in model.services.values():
        for name, dependency in service.depends_on.items():
            yield _reference(service, "depends_on", name or dependency.at.written, dependency)
        for link in service.links:
            yield _reference(service, "links", link.value or link.at.written, link)
        for source in service.volumes_from:
            if not source.value.startswith("container:"):
                yield _reference(service, "volumes_from", source.value or source.at.written, source)
        for attribute in NAMESPACES:
            shared: Value[str] | None = getattr(service, attribute)
            if shared is not None and shared.value.startswith("service:"):
                hint = Hint("namespace", f"{attribute}: {shared.value}", shared.location)
                yield Reference(service.name, shared.value.removeprefix("service:"), hint)


def _reference(service: Service, attribute: Kind, text: str | None, value: Value[Any]) -> Reference:
    """Return the reference of *service* in *attribute* to the name with which *text* begins."""
    hint = Hint(attribute, attribute, value.location)
    return Reference(service.name, (text or "").partition(":")[0], hint)


def dependencies(model: StartModel) -> dict[str, list[str]]:
    """Return for each service the services that Docker Compose starts before it, in text order.

    These are the references in depends_on, links, volumes_from and ``service:`` values (observed:
    Docker Compose rejects a cycle of any of these). Undefined services are omitted.
    """
    needed_by_service: dict[str, dict[str, None]] = {name: {} for name in model.services}
    for reference in service_references(model):
        if reference.name in needed_by_service:
            needed_by_service[reference.caller][reference.name] = None
    return {name: list(needed) for name, needed in needed_by_service.items()}


def start_order(dependencies: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the services in steps; each service needs only services of earlier steps.

    Services in a cycle, and services that need them, are in no step.
    """
    remaining = {name: set(needed) for name, needed in dependencies.items()}
    steps: list[list[str]] = []
    done: set[str] = set()
    while step := [name for name, needed in remaining.items() if needed <= done]:
        steps.append(step)
        done.update(step)
        for name in step:
            del remaining[name]
    return steps


def cycles(dependencies: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return cycles, each as a path from a service to itself.

    Removing the first edge of each returned cycle removes all cycles.
    """
    edges = {name: list(needed) for name, needed in dependencies.items()}
    found_cycles: list[list[str]] = []
    while True:
        try:
            TopologicalSorter(edges).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1][::-1]  # graphlib lists the needed service first
            found_cycles.append(cycle)
            edges[cycle[0]].remove(cycle[1])
        else:
            return found_cycles


Item = TypeVar("Item")


def connected(
    items: Iterable[Item], keys: Callable[[Item], Collection[Hashable]]
) -> list[list[Item]]:
    """Return *items* in groups: two of which *keys* returns a common key are in the same group.

    An item that connects earlier groups follows their items. The groups are in the order of their
    last items.
    """
    groups: dict[int, tuple[set[Hashable], list[Item]]] = {}  # by the number of their last items
    group_of: dict[Hashable, int] = {}
    for number, item in enumerate(items):
        own = set(keys(item))
        near = [groups.pop(n) for n in sorted({group_of[key] for key in own if key in group_of})]
        known = own.union(*(earlier for earlier, _ in near))
        groups[number] = (known, [*(member for _, earlier in near for member in earlier), item])
        group_of.update(dict.fromkeys(known, number))
    return [members for _, members in groups.values()]


def unions(links: Iterable[set[str]]) -> list[set[str]]:
    """Return the unions of those *links* that are connected by their members."""
    return [set().union(*group) for group in connected(links, lambda link: link)]
