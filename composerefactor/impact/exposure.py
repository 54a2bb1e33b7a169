"""What can be reached from outside: published ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from composerefactor.impact.change import Change, ServicePair, change
from composerefactor.impact.rules import (
    PORT_CLOSED,
    PORT_MOVED,
    PORT_NARROWED,
    PORT_OPENED_LOCALLY,
    PORT_OPENED_ON_ADDRESS,
    PORT_OPENED_TO_WORLD,
)

_ALL = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104 - recognised, not bound
_LOCAL = ("127.", "::1", "[::1]", "localhost")


class _Published(Struct, frozen=True, order=True):
    """A container port on the host; *host* is ``""`` where the engine chooses the port."""

    target: str
    protocol: str
    host: str
    address: str

    @property
    def reach(self) -> int:
        """Who reaches it: 0 the host, 1 the network of one address, 2 everybody."""
        if self.address in _ALL:
            return 2
        return 0 if self.address.startswith(_LOCAL) else 1

    @property
    def name(self) -> str:
        """The port in words."""
        end = "" if self.protocol == "tcp" else f"/{self.protocol}"
        return f"port {self.host}{end}" if self.host else f"container port {self.target}{end}"

    @property
    def scope(self) -> str:
        """Who reaches it, in words."""
        if self.reach == 0:
            return "to the host alone"
        return "to the world" if self.reach else f"on {self.address}"


def published_ports(pair: ServicePair) -> Iterator[Change]:
    """Yield the ports that were opened, closed or moved."""
    old, new = _ports(pair.old), _ports(pair.new)
    gone, come = sorted(old - new), sorted(new - old)
    place = pair.at("ports")
    for port in come:
        likes = (_same_port, _same_service, _maybe_same)
        found = (one for alike in likes for one in gone if alike(one, port))
        before = next(found, None)
        if before is None:
            widest = max((one.reach for one in old if _same_port(one, port)), default=-1)
            if widest < port.reach:
                yield _opened(port, place)
            continue
        gone.remove(before)
        yield _moved(before, port, place)
    for port in gone:
        if any(_same_port(port, one) and one.reach >= port.reach for one in new):
            continue
        words = f"{port.name}, which was open {port.scope}, is closed"
        yield change(PORT_CLOSED, place, words, was=not new, marks=_marks(port) if not new else ())


def _opened(port: _Published, place: tuple[str, ...]) -> Change:
    rule = (PORT_OPENED_LOCALLY, PORT_OPENED_ON_ADDRESS, PORT_OPENED_TO_WORLD)[port.reach]
    inside = f"container port {port.target}" if port.host else "a port that the engine chooses"
    words = f"{port.name} opened {port.scope} ({inside})"
    return change(rule, place, words, marks=_marks(port))


def _moved(before: _Published, port: _Published, place: tuple[str, ...]) -> Change:
    if port.reach > before.reach:
        found = _opened(port, place)
        words = f"{found.words}; it was {before.name}, open {before.scope}"
        return change(found.rule, place, words, marks=_marks(port))
    if port.reach < before.reach:
        words = f"{port.name} is open {port.scope}, no more {before.scope}"
        return change(PORT_NARROWED, place, words, marks=_marks(port))
    if port.host == before.host and port.target != before.target:
        words = f"{port.name} leads to container port {port.target} instead of {before.target}"
        return change(PORT_MOVED, place, words, marks=_marks(port))
    was, now = (f"{each.address or '*'}:{each.host or 'any'}" for each in (before, port))
    if before.address == port.address:
        was, now = (each.host or "any" for each in (before, port))
    words = f"container port {port.target} is published as {now} instead of {was}"
    return change(PORT_MOVED, place, words, marks=_marks(port))


def _same_port(one: _Published, other: _Published) -> bool:
    return (one.host, one.protocol) == (other.host, other.protocol) and bool(one.host)


def _same_service(one: _Published, other: _Published) -> bool:
    return (one.target, one.protocol) == (other.target, other.protocol)


def _maybe_same(one: _Published, other: _Published) -> bool:
    """Return whether a variable without a value may stand for what the other says."""
    unknown = "$" in one.host + one.target or "$" in other.host + other.target
    return unknown and one.protocol == other.protocol and one.reach >= other.reach


def _marks(port: _Published) -> tuple[str, ...]:
    return tuple(part for part in (port.host, port.target) if part)


def _ports(service: Mapping[str, Any]) -> set[_Published]:
    return {
        _Published(
            str(port.get("target", "")),
            str(port.get("protocol") or "tcp"),
            str(port.get("published") or ""),
            str(port.get("host_ip") or ""),
        )
        for port in service.get("ports") or ()
        if isinstance(port, dict)
    }
