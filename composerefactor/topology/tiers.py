"""Tiers: a network for what faces the outside, one for applications, one for data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from composerefactor.catalog.placement import APPLICATION, placement
from composerefactor.compose.ports import Port, ports
from composerefactor.topology.conversations import Conversation
from composerefactor.topology.stack import Service, Stack

Tier = Literal["edge", "app", "data"]
TIERS: tuple[Tier, ...] = ("edge", "app", "data")


class Membership(Struct, frozen=True):
    """The *networks* of a service: that of its own *home* tier first; *reasons* say why, in order.

    The first reason is why it belongs to its tier, each other one is why it joins another.
    """

    home: Tier
    networks: tuple[Tier, ...]
    reasons: tuple[str, ...]


def tiers(stack: Stack, conversations: Iterable[Conversation]) -> dict[str, Membership]:
    """Propose networks for the services of *stack*, so that every pair that talks shares one.

    Of a pair in two tiers the one that is farther out joins the other's network, so data stores are
    on ``data`` alone. Proxies, and what watches or administers the others, are configured in files
    that are not read here: they are on every network that they could need. So are applications that
    are not known to call anyone. Services with ``network_mode`` have no networks; whom they share a
    namespace with speaks for them.
    """
    homes = {name: _home(stack, service) for name, service in stack.services.items()}
    speaks_for = {name: _namespace(stack, name) for name in stack.services}
    joined: dict[str, dict[Tier, str]] = {n: {home: why} for n, (home, why) in homes.items()}
    calls: set[str] = set()
    for each in conversations:
        caller, callee = speaks_for[each.caller], speaks_for[each.callee]
        calls.add(each.caller)
        if caller is None or callee is None or not each.needs_network:
            continue
        outer, inner = sorted((caller, callee), key=lambda n: TIERS.index(homes[n][0]))
        joined[outer].setdefault(homes[inner][0], f"{each.caller} talks to {each.callee}")
    present = [tier for tier in TIERS if any(home == tier for home, _ in homes.values())]
    for name, service in stack.services.items():
        for tier, why in _unseen(stack, service, homes[name][0], is_known=name in calls).items():
            if tier in present:
                joined[name].setdefault(tier, why)
    return {
        name: Membership(homes[name][0], tuple(found), tuple(found.values()))
        for name, found in joined.items()
        if speaks_for[name] == name
    }


def _home(stack: Stack, service: Service) -> tuple[Tier, str]:
    place = placement(stack, service)
    if place.counts_as == "data stores":
        return "data", f"a data store ({place.category})"
    if place.category == "proxy":
        return "edge", "a proxy"
    published = [port.text.published or port.text.target for port in _ports(service)]
    if published:
        return "edge", f"publishes {', '.join(published)}"
    return "app", "neither published nor a data store"


def _ports(service: Service) -> list[Port]:
    return [port for definition in service.definitions for port in ports(definition.body)]


def _unseen(stack: Stack, service: Service, home: Tier, *, is_known: bool) -> dict[Tier, str]:
    """Return the networks that *service* could need for what its text does not say."""
    place = placement(stack, service)
    if place.category == "proxy":
        return {"app": "what it is a proxy for is not written here"}
    if place.counts_as == "infrastructure":
        why = "what it looks after is not written here"
        return {"edge": why, "app": why, "data": why}
    if home != "data" and not is_known and place == APPLICATION:
        why = "whom it calls is not written here"
        return {"app": why, "data": why}
    return {}


def _namespace(stack: Stack, name: str) -> str | None:
    """Return the service on whose networks *name* is: itself, another, or None for none."""
    seen: set[str] = set()
    while name in stack.services and name not in seen:
        seen.add(name)
        mode = stack.services[name].text("network_mode")
        if not mode:
            return name
        if not mode.startswith("service:"):
            return None
        name = mode.removeprefix("service:")
    return None
