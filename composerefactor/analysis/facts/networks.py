"""Networks with their members, and connections between services."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from composerefactor.compose.resources import DEFAULT_NETWORK, networks_of, used_subnets
from composerefactor.compose.service_values import Resource
from composerefactor.compose.services import StartModel
from composerefactor.errors import Location
from composerefactor.images.connections import Connection, HostMention, HostNames, connections


class NetworkFacts(Struct, frozen=True):
    """A network of a start command.

    Attributes:
        name: The key of the network.
        members: The services that are on it.
        location: Where it is declared, or the root file.
        driver: The driver, ``""`` for the default of Docker Compose.
        subnets: The subnets.
        internal: Whether it has no access to the outside.
        external: Whether it is created outside the project.
        declared: Whether a file declares it.
        full_name: The name that the file sets, ``""`` if it sets none.
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
        """True for ``default`` if no file declares it: Docker Compose creates it."""
        return self.name == DEFAULT_NETWORK and not self.declared


class Edge(Struct, frozen=True):
    """One service needs another.

    Attributes:
        caller: The service that needs the other.
        callee: The service that is needed.
        kinds: How that is known: ``depends_on`` and similar settings are read by Docker Compose;
            the others (``url``, ``address``, ``name``, ``label``) are found in texts.
        condition: The condition of ``depends_on``, ``""`` without one.
        location: The dependency that decides the condition, else the first place in the files.
        where: A description of each place, without secrets.
    """

    caller: str
    callee: str
    kinds: tuple[str, ...]
    condition: str
    location: Location
    where: tuple[str, ...] = ()

    @property
    def is_declared(self) -> bool:
        """True if Docker Compose knows about it."""
        return not {"url", "address", "name", "label"}.issuperset(self.kinds)


def networks(model: StartModel) -> tuple[NetworkFacts, ...]:
    """Return the networks of *model*: those declared, and those that services are on."""
    members: dict[str, list[str]] = {}
    for name in model.services:
        for network in networks_of(model, name) or ():
            members.setdefault(network, []).append(name)
    declared = model.resources("networks")
    subnets: dict[str, list[str]] = {}
    for used in used_subnets(model.files):
        subnets.setdefault(used.network, []).append(str(used.subnet))
    facts = []
    for name in dict.fromkeys([*declared, *members]):
        resource = declared.get(name) or Resource(Location(model.entry.root_file))
        facts.append(
            NetworkFacts(
                name,
                tuple(members.get(name, ())),
                resource.location,
                resource.driver,
                tuple(dict.fromkeys(subnets.get(name, ()))),
                internal=resource.internal,
                external=resource.external,
                declared=name in declared,
                full_name=resource.full_name,
            )
        )
    return tuple(facts)


def edges(model: StartModel, mentions: Iterable[HostMention], hosts: HostNames) -> tuple[Edge, ...]:
    """Return which service needs which in *model*, in the order of the files.

    *mentions* are the mentions of host names in the model, *hosts* says where they lead.
    """
    return tuple(_edge(model, each) for each in connections(model, mentions, hosts))


def _edge(model: StartModel, connection: Connection) -> Edge:
    dependency = model.services[connection.caller].depends_on.get(connection.callee)
    return Edge(
        connection.caller,
        connection.callee,
        tuple(dict.fromkeys(hint.kind for hint in connection.hints)),
        dependency.value.condition if dependency else "",
        dependency.location if dependency else connection.hints[0].location,
        tuple(dict.fromkeys(str(hint) for hint in connection.hints)),
    )
