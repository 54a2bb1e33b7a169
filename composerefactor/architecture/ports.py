"""Published ports, and which of them get in each other's way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from msgspec import Struct

from composerefactor.compose.expand import expand
from composerefactor.compose.merged import scalar_text
from composerefactor.compose.ports import Port, listed_ports, parse_port
from composerefactor.errors import Location
from composerefactor.topology.stack import Service, Stack

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


def published_ports(stack: Stack, service: Service) -> tuple[PublishedPort, ...]:
    """Return the ports of *service*, each container port of a range for itself."""
    found: dict[tuple[str, ...], PublishedPort] = {}
    for value in service.values("ports"):
        for port in listed_ports(value.node):
            at = value.file.source.location(port.node.start)
            for each in _bindings(stack, service.name, port, at):
                key = (each.host_ip, each.published, each.target, each.protocol)
                found.setdefault(key, each)
    return tuple(found.values())


def _bindings(stack: Stack, service: str, port: Port, at: Location) -> Iterator[PublishedPort]:
    text = port.text
    written = text.published if text.published and "$" in text.published else ""
    if not port.is_long:
        short = parse_port(expand(scalar_text(port.node) or "", stack.variables))
        if short is None:
            return
        text = short
    values = [expand(t or "", stack.variables) for t in (text.target, text.published, text.host_ip)]
    known = Port(port.node, type(text)(values[0], values[1] or None, values[2] or None))
    bindings = known.bindings()
    protocol = expand(text.protocol, stack.variables) or "tcp"
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
