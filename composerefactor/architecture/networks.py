"""The networks of an entry point and who is on them, and who talks to whom."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from composerefactor.compose.expand import expand
from composerefactor.compose.merged import merged_get, scalar_text
from composerefactor.errors import Location
from composerefactor.topology.conversations import Conversation, HostMention, conversations
from composerefactor.topology.networks import DEFAULT, networks_of
from composerefactor.topology.stack import Stack
from composerefactor.topology.subnets import used_subnets
from composerefactor.yamltree.nodes import Node


class NetworkFacts(Struct, frozen=True):
    """A network with its *members*; *driver* is ``""`` for the engine's choice.

    *implicit* is True for the network that Compose makes for services that name none.
    """

    name: str
    members: tuple[str, ...]
    location: Location
    driver: str = ""
    subnets: tuple[str, ...] = ()
    internal: bool = False
    external: bool = False
    declared: bool = True
    full_name: str = ""

    @property
    def implicit(self) -> bool:
        """True for ``default`` where no file declares it."""
        return self.name == DEFAULT and not self.declared


class Edge(Struct, frozen=True):
    """The service *caller* needs *callee*.

    *kinds* say how that is known: ``depends_on`` and the like are written for the engine, the
    others (``url``, ``address``, ``name``, ``label``) are what the text gives away. *condition* is
    that of ``depends_on``, ``""`` without one. *where* are the places, in words without secrets.
    """

    caller: str
    callee: str
    kinds: tuple[str, ...]
    condition: str
    location: Location
    where: tuple[str, ...] = ()

    @property
    def is_declared(self) -> bool:
        """True where the engine knows of it."""
        return not {"url", "address", "name", "label"}.issuperset(self.kinds)


def networks(stack: Stack) -> tuple[NetworkFacts, ...]:
    """Return the networks of *stack*: those declared, and those that services are on."""
    members: dict[str, list[str]] = {}
    for name in stack.services:
        for network in networks_of(stack, name) or ():
            members.setdefault(network, []).append(name)
    declared = stack.declared("networks")
    subnets: dict[str, list[str]] = {}
    for used in used_subnets(stack.files):
        subnets.setdefault(used.network, []).append(str(used.subnet))
    found = []
    for name in dict.fromkeys([*declared, *members]):
        bodies = declared.get(name, [])
        body = bodies[-1].node if bodies else None
        at = bodies[0].location if bodies else Location(stack.entry.base)
        found.append(
            NetworkFacts(
                name,
                tuple(members.get(name, ())),
                at,
                expand(scalar_text(merged_get(body, "driver")) or "", stack.variables),
                tuple(dict.fromkeys(subnets.get(name, ()))),
                internal=scalar_text(merged_get(body, "internal")) == "true",
                external=_is_external(body),
                declared=bool(bodies),
                full_name=expand(scalar_text(merged_get(body, "name")) or "", stack.variables),
            )
        )
    return tuple(found)


def _is_external(body: Node | None) -> bool:
    external = merged_get(body, "external")
    return external is not None and scalar_text(external) not in {"false", "False", "no"}


def edges(stack: Stack, mentions: Iterable[HostMention]) -> tuple[Edge, ...]:
    """Return who needs whom in *stack*, which names *mentions*, in the order of the files."""
    conditions = {
        (service.name, name): scalar_text(merged_get(found.node, "condition")) or "service_started"
        for service in stack.services.values()
        for name, found in service.names("depends_on")
    }
    return tuple(_edge(each, conditions) for each in conversations(stack, mentions))


def _edge(found: Conversation, conditions: dict[tuple[str, str], str]) -> Edge:
    return Edge(
        found.caller,
        found.callee,
        tuple(dict.fromkeys(hint.kind for hint in found.hints)),
        conditions.get((found.caller, found.callee), ""),
        found.hints[0].location,
        tuple(dict.fromkeys(str(hint) for hint in found.hints)),
    )
