"""References between the services of a start command, their start order, and cycles.

Services refer to each other in depends_on, links, volumes_from and ``service:`` values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from msgspec import Struct

from composerefactor.compose.interpolation import expand
from composerefactor.compose.services import StartModel
from composerefactor.errors import Location

Kind = Literal[
    "depends_on", "links", "volumes_from", "namespace", "url", "address", "name", "label"
]
_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")


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
        for attribute in ("depends_on", "links", "volumes_from"):
            for text, node in service.names(attribute):
                if attribute == "volumes_from" and text.startswith("container:"):
                    continue
                name = _service_name(model, text)
                yield Reference(service.name, name, Hint(attribute, attribute, node.location))
        for attribute in _NAMESPACES:
            text = service.text(attribute) or ""
            shared = service.value(attribute)
            if shared is not None and text.startswith("service:"):
                hint = Hint("namespace", f"{attribute}: {text}", shared.location)
                yield Reference(service.name, text.removeprefix("service:"), hint)


def _service_name(model: StartModel, text: str) -> str:
    """Return the name at the beginning of *text*, expanded if the result is a known service."""
    resolved = expand(text, model.variables).partition(":")[0] if "$" in text else ""
    return resolved if resolved in model.services else text.partition(":")[0]


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
