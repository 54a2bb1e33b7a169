"""Groups of items that are connected: that have something in common, directly or through others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def connected(
    items: Iterable[Item], keys: Callable[[Item], Collection[Hashable]]
) -> list[list[Item]]:
    """Return *items* in groups: two of which *keys* returns a common key are in the same group.

    An item that connects earlier groups follows their items. The groups are in the order of their
    last items.
    """
    groups: list[tuple[set[Hashable], list[Item]]] = []
    for item in items:
        own = set(keys(item))
        near = [group for group in groups if not own.isdisjoint(group[0])]
        groups = [group for group in groups if own.isdisjoint(group[0])]
        members = [member for _, earlier in near for member in earlier]
        groups.append((own.union(*(known for known, _ in near)), [*members, item]))
    return [members for _, members in groups]


def unions(links: Iterable[set[str]]) -> list[set[str]]:
    """Return the unions of those *links* that are connected by their members."""
    return [set().union(*group) for group in connected(links, lambda link: link)]
