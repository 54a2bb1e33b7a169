"""Who reaches whom: networks and what is attached to them. The same name is the same network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composerefactor.impact.change import Change, Effect, Risk, ServicePair, State, change, listed
from composerefactor.impact.resources import Kept, kept
from composerefactor.impact.rules import (
    ALIAS_LOST,
    NETWORK_EXTERNAL,
    NETWORK_JOINED,
    NETWORK_LEFT,
    NETWORK_OPENED,
    NETWORK_RECREATED,
    NETWORK_RENAMED,
    SERVICE_NETWORKS,
)


def attachments(pair: ServicePair) -> Iterator[Change]:
    """Yield networks that the service left or joined, with whom it reaches no more or now."""
    if not pair.old or not pair.new:
        return
    was, now = _attached(pair.before, pair.old), _attached(pair.after, pair.new)
    # One key with another name is the network's own change, and is told once there.
    keys = set(pair.old.get("networks") or {}) & set(pair.new.get("networks") or {})
    same = {
        state.resource_name("networks", key) for state in (pair.before, pair.after) for key in keys
    }
    left = [name for name in was if name not in now and name not in same]
    joined = [name for name in now if name not in was and name not in same]
    place = pair.at("networks")
    lost = [n for n in _peers(pair.before, pair) if n not in _peers(pair.after, pair)]
    lost = [name for name in lost if name in pair.after.services]
    won = [n for n in _peers(pair.after, pair) if n not in _peers(pair.before, pair)]
    won = [name for name in won if name in pair.before.services]
    if lost and left:
        words = f"leaves network {listed(left)}: it and {listed(lost)} no longer reach each other"
        yield change(NETWORK_LEFT, place, words, was="networks" not in pair.new)
    if won and joined:
        words = f"joins network {listed(joined)}: it and {listed(won)} reach each other"
        yield change(NETWORK_JOINED, place, words, marks=())
    if (left or joined) and not (lost and left) and not (won and joined):
        parts = [f"leaves network {listed(left)}"] if left else []
        parts += [f"joins network {listed(joined)}"] if joined else []
        yield change(SERVICE_NETWORKS, place, " and ".join(parts), was="networks" not in pair.new)
    yield from _aliases(pair, was, now)


def network_definitions(before: State, after: State) -> Iterator[Change]:
    """Yield networks that are made anew, renamed, opened, or created elsewhere."""
    for network in kept(before, after, "networks"):
        yield from network.renamed("the same network")
        yield from _redefined(after, network)
    new = {after.resource_name("networks", key) for key in after.section("networks")}
    for key in before.section("networks").keys() & after.section("networks").keys():
        was_name, now_name = (s.resource_name("networks", key) for s in (before, after))
        if was_name != now_name and was_name not in new:
            external = bool(after.section("networks")[key].get("external"))
            words = f"network {key} is {now_name} now, was {was_name}"
            words += ", and has to exist already (external)" if external else ""
            words += _users(after, now_name, "attached anew")
            yield change(NETWORK_RENAMED, ("networks", key), words, effect=Effect.NETWORK)


def _redefined(after: State, network: Kept) -> Iterator[Change]:
    name, path = network.name, network.path
    if network.external == (False, True):
        words = f"network {name} has to exist already (external)"
        yield change(NETWORK_EXTERNAL, path, words, effect=Effect.NOTHING)
    elif network.external == (True, False):
        words = f"network {name} belongs to this project now"
        yield change(NETWORK_EXTERNAL, path, words, effect=Effect.NOTHING)
    elif network.external == (False, False):
        keys = network.differing(driver="bridge")
        if network.was.get("internal") and not network.now.get("internal"):
            words = f"network {name} is no longer internal: its containers reach the outside"
            yield change(NETWORK_OPENED, (*path, "internal"), words, effect=Effect.NETWORK)
            keys.remove("internal")
        if keys:
            words = f"network {name} is made anew with another {listed(keys)}"
            words += _users(after, name, "stopped and attached anew")
            yield change(NETWORK_RECREATED, path, words, effect=Effect.NETWORK)


def _aliases(
    pair: ServicePair, was: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> Iterator[Change]:
    def names(attached: Mapping[str, Mapping[str, Any]]) -> list[str]:
        return [alias for settings in attached.values() for alias in settings.get("aliases") or ()]

    lost = [alias for alias in names(was) if alias not in names(now)]
    if lost:
        words = f"is no longer reached as {listed(dict.fromkeys(lost))}"
        yield change(ALIAS_LOST, pair.at("networks"), words, was=not names(now))
    for key in ("container_name", "hostname"):
        old, new = pair.old.get(key), pair.new.get(key)
        if old and old not in {new, pair.name}:
            name = "container" if key == "container_name" else "host"
            words = (
                f"the {name} is called {new} now, no longer {old}"
                if new
                else (f"the {name} is no longer called {old}")
            )
            yield change(ALIAS_LOST, pair.at(key), words, risk=Risk.MEDIUM, was=not new)


def _attached(state: State, service: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the networks of *service* by the engine's name, with the settings of each."""
    found = service.get("networks") or {}
    return {state.resource_name("networks", key): found[key] or {} for key in found}


def _peers(state: State, pair: ServicePair) -> list[str]:
    """Return the services that share a network with that of *pair*."""
    name = pair.name if state is pair.after else pair.old_name or pair.name
    own = set(_attached(state, state.services.get(name, {})))
    return [
        other
        for other, service in state.services.items()
        if other != name and own.intersection(_attached(state, service))
    ]


def _users(state: State, network: str, what: str) -> str:
    users = [n for n, service in state.services.items() if network in _attached(state, service)]
    return f"; {listed(users)} {'is' if len(users) == 1 else 'are'} {what}" if users else ""
