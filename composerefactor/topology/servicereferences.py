"""The services that services name: depends_on, links, volumes_from and ``service:`` values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from composerefactor.compose.expand import expand
from composerefactor.errors import Location
from composerefactor.topology.stack import Stack

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


def references(stack: Stack) -> Iterator[Reference]:
    """Yield every name of a service in depends_on, links, volumes_from and ``service:`` values."""
    for service in stack.services.values():
        for attribute in ("depends_on", "links", "volumes_from"):
            for text, found in service.names(attribute):
                if attribute == "volumes_from" and text.startswith("container:"):
                    continue
                name = _name(stack, text)
                yield Reference(service.name, name, Hint(attribute, attribute, found.location))
        for attribute in _NAMESPACES:
            text = service.text(attribute) or ""
            shared = service.value(attribute)
            if shared is not None and text.startswith("service:"):
                hint = Hint("namespace", f"{attribute}: {text}", shared.location)
                yield Reference(service.name, text.removeprefix("service:"), hint)


def _name(stack: Stack, text: str) -> str:
    """Return the name at the beginning of *text*; variables count where they name a service."""
    resolved = expand(text, stack.variables).partition(":")[0] if "$" in text else ""
    return resolved if resolved in stack.services else text.partition(":")[0]
