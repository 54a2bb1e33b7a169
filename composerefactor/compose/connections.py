"""The services that services name: depends_on, links, volumes_from and ``service:`` values."""

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
    """Why a service is believed to need another: in *words* without secrets, at *location*."""

    kind: Kind
    words: str
    location: Location

    def __str__(self) -> str:
        return f"{self.location}: {self.words}"


class Reference(Struct, frozen=True):
    """A name of a service that *caller* gives in an attribute in which only services are named."""

    caller: str
    name: str
    hint: Hint


def references(model: StartModel) -> Iterator[Reference]:
    """Yield every name of a service in depends_on, links, volumes_from and ``service:`` values."""
    for service in model.services.values():
        for attribute in ("depends_on", "links", "volumes_from"):
            for text, found in service.names(attribute):
                if attribute == "volumes_from" and text.startswith("container:"):
                    continue
                name = _name(model, text)
                yield Reference(service.name, name, Hint(attribute, attribute, found.location))
        for attribute in _NAMESPACES:
            text = service.text(attribute) or ""
            shared = service.value(attribute)
            if shared is not None and text.startswith("service:"):
                hint = Hint("namespace", f"{attribute}: {text}", shared.location)
                yield Reference(service.name, text.removeprefix("service:"), hint)


def _name(model: StartModel, text: str) -> str:
    """Return the name at the beginning of *text*; variables count where they name a service."""
    resolved = expand(text, model.variables).partition(":")[0] if "$" in text else ""
    return resolved if resolved in model.services else text.partition(":")[0]


def dependencies(model: StartModel) -> dict[str, list[str]]:
    """Return for each service those that the engine starts before it, in the order of the text.

    They are what depends_on, links, volumes_from and ``service:`` values name (observed: the engine
    rejects a cycle of any of these); names that nothing defines are left out.
    """
    found: dict[str, dict[str, None]] = {name: {} for name in model.services}
    for reference in references(model):
        if reference.name in found:
            found[reference.caller][reference.name] = None
    return {name: list(needed) for name, needed in found.items()}


def start_order(dependencies: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the services in steps: each needs only services of the steps before its own.

    Services of a cycle, and those that need them, are in no step.
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
    """Return cycles, each from a service to itself, until removing one edge of each leaves none."""
    edges = {name: list(needed) for name, needed in dependencies.items()}
    found: list[list[str]] = []
    while True:
        try:
            TopologicalSorter(edges).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1][::-1]  # graphlib names what is needed first
            found.append(cycle)
            edges[cycle[0]].remove(cycle[1])
        else:
            return found
