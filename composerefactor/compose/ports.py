"""The published ports of services: who reaches them, and which cannot both be published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import chain, combinations
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.definitions import LocatedNode
from composerefactor.compose.services import Service
from composerefactor.compose.short_forms import port_of
from composerefactor.errors import Location

EVERYWHERE = frozenset({"", "0.0.0.0", "::", "[::]", "*"})  # noqa: S104 - recognised, not bound
"""Addresses that mean all interfaces."""
FOR_OUTSIDE = frozenset({"8883"})
"""Container ports that are there for clients elsewhere: MQTT over TLS, for devices."""
FOR_DEVICES = frozenset({"1883"})
"""Container ports to which devices may connect: MQTT."""
_LOCAL = ("127.", "::1", "[::1]", "localhost")


def is_local_address(address: str) -> bool:
    """Return whether *address* is one that only programs on the same machine reach."""
    return address.startswith(_LOCAL)


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


FEW_PORTS = 10
"""A range of more ports is shown as one."""


def in_ranges(
    ports: Iterable[PublishedPort], note: Callable[[PublishedPort], str] = lambda _: ""
) -> list[PublishedPort]:
    """Return *ports* with one port in place of each long range that has the same *note*.

    A media server publishes thousands of ports in one line.
    """
    runs: list[list[PublishedPort]] = []
    for port in ports:
        last = runs[-1][-1] if runs else None
        if last is not None and _follows(last, port) and note(last) == note(port):
            runs[-1].append(port)
        else:
            runs.append([port])
    shown: list[PublishedPort] = []
    for run in runs:
        first, last = run[0], run[-1]
        published = f"{first.published}-{last.published}"
        target = f"{first.target}-{last.target}"
        one = [replace(first, published=published, target=target)]
        shown += one if len(run) > FEW_PORTS else run
    return shown


def _follows(port: PublishedPort, following: PublishedPort) -> bool:
    """Return whether *following* is the next port of the range that *port* is in."""
    return port.published.isdecimal() and following == replace(
        port, target=_next(port.target), published=_next(port.published)
    )


def _next(number: str) -> str:
    return str(int(number) + 1) if number.isdecimal() else ""


def _written(item: LocatedNode, key: Literal["host_ip", "published"]) -> str:
    """Return that part of a port as written if it contains a variable, else ``""``."""
    port = port_of(item.node)
    written = (port.text.host_ip if key == "host_ip" else port.text.published) if port else None
    return written if written and "$" in written else ""


def port_conflicts(services: Collection[Service]) -> list[PortConflict]:
    """Return the pairs of published ports of *services* of which the second cannot be published.

    Each pair of services appears once per port. Two services with different profiles may be
    alternatives. So may a service with a profile and one without: whoever selects the profile knows
    what it is for.
    """
    profiles = {each.name: {profile.value for profile in each.profiles} for each in services}
    taken: dict[tuple[str, str], list[PublishedPort]] = {}
    for port in chain.from_iterable(map(published_ports, services)):
        if port.published and "-" not in port.published and "$" not in port.published:
            taken.setdefault((port.published, port.protocol), []).append(port)
    pairs: dict[tuple[str, str, frozenset[str]], PortConflict] = {}
    for (number, protocol), users in taken.items():
        for first, second in combinations(users, 2):
            one, other = profiles[first.service], profiles[second.service]
            are_two = first.service != second.service
            if are_two and _overlap(first, second) and (one == other or one & other):
                conflict = PortConflict(number, protocol, first, second)
                pair = frozenset({first.service, second.service})
                pairs.setdefault((number, protocol, pair), conflict)
    return list(pairs.values())


def _overlap(first: PublishedPort, second: PublishedPort) -> bool:
    return first.is_open or second.is_open or first.host_ip == second.host_ip
