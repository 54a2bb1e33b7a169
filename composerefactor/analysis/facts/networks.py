"""Networks with their members, connections between services, and published ports.

:func:`networks` and :func:`edges` read the first two from a start model, :func:`published_ports`
the ports of one service, and :func:`conflicts` finds ports that cannot both be published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Literal

from msgspec import Struct

from composerefactor.compose.definitions import LocatedNode
from composerefactor.compose.forms import parse_port
from composerefactor.compose.resources import DEFAULT_NETWORK, networks_of, used_subnets
from composerefactor.compose.service_values import Resource
from composerefactor.compose.services import Service, StartModel
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


EVERYWHERE = frozenset({"", "0.0.0.0", "::", "[::]", "*"})  # noqa: S104 - recognised, not bound
"""Host addresses that mean all interfaces."""
_LOCAL = ("127.", "::1", "localhost")


class PublishedPort(Struct, frozen=True):
    """A port of a service that is published on the host; variables are replaced.

    Attributes:
        service: The service.
        target: The port in the container.
        published: The port on the host: ``""`` if the daemon chooses one, a range if it chooses
            one of the range.
        host_ip: The address on the host, ``""`` for all addresses. One that only a variable without
            a value says is as the file has it.
        protocol: ``tcp`` or ``udp``.
        location: Where it is published.
        written: The port of the host as the file has it, if it contains a variable, else ``""``.
    """

    service: str
    target: str
    published: str
    host_ip: str
    protocol: str
    location: Location
    written: str = ""

    @property
    def shown(self) -> str:
        """The published port as people see it; the container's port if the daemon chooses one."""
        return self.written or self.published or self.target

    @property
    def is_open(self) -> bool:
        """True if it is reachable from every network of the host."""
        return self.host_ip in EVERYWHERE

    @property
    def is_local(self) -> bool:
        """True if it is reachable only from the host itself."""
        return self.host_ip.startswith(_LOCAL)

    @property
    def text(self) -> str:
        """The short syntax: ``127.0.0.1:8080:80/udp``."""
        protocol = "" if self.protocol == "tcp" else f"/{self.protocol}"
        host = f"{self.host_ip}:" if self.host_ip else ""
        published = f"{self.published}:" if self.published else ("" if not host else ":")
        return f"{host}{published}{self.target}{protocol}"


class PortConflict(Struct, frozen=True):
    """Two services of one start command publish the same port; the second cannot start.

    Attributes:
        number: The port of the host.
        protocol: ``tcp`` or ``udp``.
        first: The port of the service that comes first.
        second: The port of the other service.
    """

    number: str
    protocol: str
    first: PublishedPort
    second: PublishedPort


def published_ports(service: Service) -> tuple[PublishedPort, ...]:
    """Return the published ports of *service*; a range becomes one port per container port."""
    return tuple(
        PublishedPort(
            service.name,
            str(port.value.target),
            port.value.published or "",
            port.value.host_ip or _written(port.at, "host_ip"),
            port.value.protocol,
            port.location,
            _written(port.at, "published"),
        )
        for port in service.ports
    )


def _written(item: LocatedNode, key: Literal["host_ip", "published"]) -> str:
    """Return that part of a port as written if it contains a variable, else ``""``."""
    if item.is_mapping:
        node = item.below(key)
        written = node.written if node else None
    else:
        text = parse_port(item.written or "")
        written = (text.host_ip if key == "host_ip" else text.published) if text else None
    return written if written and "$" in written else ""


def conflicts(
    ports: Iterable[PublishedPort], together: Callable[[str, str], bool] | None = None
) -> list[PortConflict]:
    """Return the pairs of *ports* that cannot both be published.

    Each pair of services appears once per port. *together* returns whether two services run at the
    same time; without it, all do.
    """
    taken: dict[tuple[str, str], list[PublishedPort]] = {}
    for port in ports:
        if port.published and "-" not in port.published and "$" not in port.published:
            taken.setdefault((port.published, port.protocol), []).append(port)
    pairs: dict[tuple[str, str, frozenset[str]], PortConflict] = {}
    for (number, protocol), users in taken.items():
        for first, second in combinations(users, 2):
            pair = frozenset({first.service, second.service})
            if len(pair) < 2 or not _overlap(first, second):  # noqa: PLR2004 - a pair
                continue
            if together is None or together(first.service, second.service):
                conflict = PortConflict(number, protocol, first, second)
                pairs.setdefault((number, protocol, pair), conflict)
    return list(pairs.values())


def _overlap(first: PublishedPort, second: PublishedPort) -> bool:
    return first.is_open or second.is_open or first.host_ip == second.host_ip
