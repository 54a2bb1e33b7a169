"""Services that cannot be told apart into files without copying text."""

from __future__ import annotations

from collections.abc import Iterable

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.references import extended
from composerefactor.modules.anchors import AnchorIndex

MAX_TIED = 6
"""More services than this in one module would be a monolith again."""


def tied_groups(file: ComposeFile, anchors: AnchorIndex, names: Iterable[str]) -> list[list[str]]:
    """Divide the services *names* of *file* into groups that stay in one module each.

    ``extends`` without a file sees only its own file (Compose specification), so both ends stay
    together. Services that share an anchor written in one of them do, as long as the group is no
    more than half of all and at most :data:`MAX_TIED`; beyond that the anchor is copied.
    """
    order = list(names)
    groups = _Groups(order)
    for name in order:
        parent = extended(file.services[name])
        if parent and parent[0] is None and parent[1] in groups.of:
            groups.join(name, parent[1] or "")
    limit = min(MAX_TIED, max(3, len(order) // 2))
    for user, owner in anchors.shared_services():
        if user in groups.of and owner in groups.of:
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


class _Groups:
    def __init__(self, names: list[str]) -> None:
        self.of = {name: [name] for name in names}

    def join(self, one: str, other: str) -> None:
        if self.of[one] is self.of[other]:
            return
        merged = self.of[one] + self.of[other]
        for name in merged:
            self.of[name] = merged
