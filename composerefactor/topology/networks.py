"""The networks on which services are."""

from __future__ import annotations

from collections.abc import Iterable

from composerefactor.topology.stack import Stack

DEFAULT = "default"
"""The network of services that name none (Compose specification)."""


def networks_of(stack: Stack, name: str) -> list[str] | None:
    """Return the networks of service *name*; None where it is on none of the project's."""
    seen: set[str] = set()
    while name in stack.services and name not in seen:
        seen.add(name)
        service = stack.services[name]
        mode = service.text("network_mode")
        if not mode:
            return [each for each, _ in service.names("networks")] or [DEFAULT]
        if not mode.startswith("service:"):
            return None
        name = mode.removeprefix("service:")
    return None


def networks_to_reach(stack: Stack, callers: Iterable[str]) -> list[str]:
    """Return the fewest networks on which all *callers* that are on any can be met."""
    groups = [found for name in callers if (found := networks_of(stack, name)) is not None]
    chosen: list[str] = []
    while groups:
        candidates = list(dict.fromkeys(name for group in groups for name in group))
        best = max(candidates, key=lambda name: sum(name in group for group in groups))
        chosen.append(best)
        groups = [group for group in groups if best not in group]
    return chosen
