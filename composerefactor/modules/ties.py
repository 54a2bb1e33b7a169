"""Services that cannot be told apart into files without copying text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.references import extended
from composerefactor.modules.anchors import AnchorIndex
from composerefactor.yamltree.nodes import Node

MAX_TIED = 6
"""More services than this in one module would be a monolith again."""

MAX_DETAIL = 8
"""Lines of an attribute that are copied rather than tie services that have no more in common."""


def tied_groups(
    file: ComposeFile,
    anchors: AnchorIndex,
    names: Iterable[str],
    directory_of: Callable[[str], str] | None = None,
) -> list[list[str]]:
    """Divide the services *names* of *file* into groups that stay in one module each.

    ``extends`` without a file sees only its own file (Compose specification), so both ends stay
    together. Services that share an anchor written in one of them do, where it is that service or
    more than :data:`MAX_DETAIL` lines of it, as long as the group is no more than half of all and
    at most :data:`MAX_TIED`; beyond that the anchor is copied. *directory_of* tells what kind a
    service is; no anchor ties services of two kinds.
    """
    order = list(names)
    groups = _Groups(order)
    for name in order:
        parent = extended(file.services[name])
        if parent and parent[0] is None and parent[1] in groups.of:
            groups.join(name, parent[1] or "")
    limit = limit_of(len(order))
    for user, owner, anchored in anchors.shared_nodes():
        if user not in groups.of or owner not in groups.of:
            continue
        alike = directory_of is None or directory_of(user) == directory_of(owner)
        if alike and not _is_detail(file, owner, anchored):
            together = {
                id(groups.of[user]): groups.of[user],
                id(groups.of[owner]): groups.of[owner],
            }
            if sum(map(len, together.values())) <= limit:
                groups.join(user, owner)
    seen: dict[int, list[str]] = {}
    for name in order:
        seen.setdefault(id(groups.of[name]), groups.of[name])
    return [sorted(group, key=order.index) for group in seen.values()]


def limit_of(services: int) -> int:
    """Return how many of *services* one module may take that need not stay together."""
    return min(MAX_TIED, max(3, services // 2))


def _is_detail(file: ComposeFile, owner: str, anchored: Node) -> bool:
    """Return whether *anchored* is a few lines of the service *owner*, not what makes it one."""
    source = file.source
    if anchored is file.services[owner]:
        return False
    return source.line_index(anchored.end) - source.line_index(anchored.start) < MAX_DETAIL


class _Groups:
    def __init__(self, names: list[str]) -> None:
        self.of = {name: [name] for name in names}

    def join(self, one: str, other: str) -> None:
        if self.of[one] is self.of[other]:
            return
        merged = self.of[one] + self.of[other]
        for name in merged:
            self.of[name] = merged
