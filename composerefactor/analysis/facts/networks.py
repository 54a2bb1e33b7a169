"""The networks of an entry point and who is on them, and who talks to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from msgspec import Struct

from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.compose.ports import Port, listed_ports, parse_port
from composerefactor.compose.resources import DEFAULT, networks_of, used_subnets
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location
from composerefactor.images.connections import Connection, HostMention, connections
from composerefactor.yaml.nodes import Node


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


def networks(model: StartModel) -> tuple[NetworkFacts, ...]:
    """Return the networks of *model*: those declared, and those that services are on."""
    members: dict[str, list[str]] = {}
    for name in model.services:
        for network in networks_of(model, name) or ():
            members.setdefault(network, []).append(name)
    declared = model.declared("networks")
    subnets: dict[str, list[str]] = {}
    for used in used_subnets(model.files):
        subnets.setdefault(used.network, []).append(str(used.subnet))
    found = []
    for name in dict.fromkeys([*declared, *members]):
        bodies = declared.get(name, [])
        body = bodies[-1].node if bodies else None
        at = bodies[0].location if bodies else Location(model.entry.base)
        found.append(
            NetworkFacts(
                name,
                tuple(members.get(name, ())),
                at,
                expand(scalar_text(merged_get(body, "driver")) or "", model.variables),
                tuple(dict.fromkeys(subnets.get(name, ()))),
                internal=scalar_text(merged_get(body, "internal")) == "true",
                external=_is_external(body),
                declared=bool(bodies),
                full_name=expand(scalar_text(merged_get(body, "name")) or "", model.variables),
            )
        )
    return tuple(found)


def _is_external(body: Node | None) -> bool:
    external = merged_get(body, "external")
    return external is not None and scalar_text(external) not in {"false", "False", "no"}


def edges(model: StartModel, mentions: Iterable[HostMention]) -> tuple[Edge, ...]:
    """Return who needs whom in *model*, which names *mentions*, in the order of the files."""
    conditions = {
        (service.name, name): scalar_text(merged_get(found.node, "condition")) or "service_started"
        for service in model.services.values()
        for name, found in service.names("depends_on")
    }
    return tuple(_edge(each, conditions) for each in connections(model, mentions))


def _edge(found: Connection, conditions: dict[tuple[str, str], str]) -> Edge:
    return Edge(
        found.caller,
        found.callee,
        tuple(dict.fromkeys(hint.kind for hint in found.hints)),
        conditions.get((found.caller, found.callee), ""),
        found.hints[0].location,
        tuple(dict.fromkeys(str(hint) for hint in found.hints)),
    )


EVERYWHERE = frozenset({"", "0.0.0.0", "::", "[::]", "*"})  # noqa: S104 - what is told apart
_LOCAL = ("127.", "::1", "localhost")


class PublishedPort(Struct, frozen=True):
    """A port of *service*: *target* in the container, *published* on the host.

    Variables have their values or defaults. *published* is ``""`` where the daemon chooses, and a
    range where one of it is taken; *host_ip* is ``""`` for all addresses. *written* is the text of
    the host's port in the file where a variable stands in it.
    """

    service: str
    target: str
    published: str
    host_ip: str
    protocol: str
    location: Location
    written: str = ""

    @property
    def is_open(self) -> bool:
        """True where every network of the host reaches it."""
        return self.host_ip in EVERYWHERE

    @property
    def is_local(self) -> bool:
        """True where only the host itself reaches it."""
        return self.host_ip.startswith(_LOCAL)

    @property
    def text(self) -> str:
        """The short form: ``127.0.0.1:8080:80/udp``."""
        protocol = "" if self.protocol == "tcp" else f"/{self.protocol}"
        host = f"{self.host_ip}:" if self.host_ip else ""
        published = f"{self.published}:" if self.published else ("" if not host else ":")
        return f"{host}{published}{self.target}{protocol}"


class PortConflict(Struct, frozen=True):
    """Two services of one entry point want the same port of the host; the *second* cannot start."""

    number: str
    protocol: str
    first: PublishedPort
    second: PublishedPort


def published_ports(model: StartModel, service: Service) -> tuple[PublishedPort, ...]:
    """Return the ports of *service*, each container port of a range for itself."""
    found: dict[tuple[str, ...], PublishedPort] = {}
    for value in service.values("ports"):
        for port in listed_ports(value.node):
            at = value.file.source.location(port.node.start)
            for each in _bindings(model, service.name, port, at):
                key = (each.host_ip, each.published, each.target, each.protocol)
                found.setdefault(key, each)
    return tuple(found.values())


def _bindings(model: StartModel, service: str, port: Port, at: Location) -> Iterator[PublishedPort]:
    text = port.text
    written = text.published if text.published and "$" in text.published else ""
    if not port.is_long:
        short = parse_port(expand(scalar_text(port.node) or "", model.variables))
        if short is None:
            return
        text = short
    values = [expand(t or "", model.variables) for t in (text.target, text.published, text.host_ip)]
    known = Port(port.node, type(text)(values[0], values[1] or None, values[2] or None))
    bindings = known.bindings()
    protocol = expand(text.protocol, model.variables) or "tcp"
    if bindings is None:
        yield PublishedPort(service, values[0], values[1], values[2], protocol, at, written)
        return
    for each in bindings:
        yield PublishedPort(
            service, str(each.target), each.published or "", values[2], protocol, at, written
        )


def conflicts(
    ports: Iterable[PublishedPort], together: Iterable[tuple[str, str]] | None = None
) -> list[PortConflict]:
    """Return the pairs of *ports* that cannot both be published, each pair of services once a port.

    *together* are the pairs of services that run at the same time, all pairs if None.
    """
    allowed = None if together is None else {frozenset(pair) for pair in together}
    taken: dict[tuple[str, str], list[PublishedPort]] = {}
    for port in ports:
        if port.published and "-" not in port.published and "$" not in port.published:
            taken.setdefault((port.published, port.protocol), []).append(port)
    found: dict[tuple[str, str, frozenset[str]], PortConflict] = {}
    for (number, protocol), users in taken.items():
        for first, second in combinations(users, 2):
            pair = frozenset({first.service, second.service})
            if len(pair) < 2 or not _overlap(first, second):  # noqa: PLR2004 - a pair
                continue
            if allowed is None or pair in allowed:
                conflict = PortConflict(number, protocol, first, second)
                found.setdefault((number, protocol, pair), conflict)
    return list(found.values())


def _overlap(first: PublishedPort, second: PublishedPort) -> bool:
    return first.is_open or second.is_open or first.host_ip == second.host_ip
