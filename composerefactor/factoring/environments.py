"""The environment files of one base: what it adds to modules, and services that it keeps whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from composerefactor.factoring.places import Piece, Places
from composerefactor.factoring.variants import Variant
from composerefactor.modules.assignment import MAX_SERVICES
from composerefactor.modules.ties import tied_groups

MAX_IN_ENTRY = 12
"""Modules in one include entry with an environment file, which is cut for further ones."""


def pieces(places: Places, owner: int, take: Callable[[], str]) -> Iterator[Piece]:
    """Yield the environment files of *owner*; none becomes a monolith again.

    *take* gives a free path. What ``extends`` ties together stays in one of them.
    """
    own = {v.name: v for v in places.factored.variants if owner in v.owners}
    adding = {v.name for v in own.values() if v.rest(owner)}
    items = [
        (module.path, [name for name in module.services if name in adding])
        for owners, module in places.modules
        if owner in owners and adding & set(module.services)
    ]
    whole = [v.name for v in own.values() if v.shared is None]
    items += [("", t) for t in tied_groups(places.files[owner], places.anchors[owner], whole)]
    defining = {name for name, found in own.items() if defines(found, owner)}
    largest = max(len(file.services) for file in places.files)
    most = min(MAX_SERVICES, max(3, largest // 2))
    names: list[str] = []
    paths: list[str] = []
    for n, (path, services) in enumerate(items):
        names += services
        paths += [path] if path else []
        following = items[n + 1][1] if n + 1 < len(items) else []
        count = sum(name in defining for name in [*names, *following])
        if not following or count > most or len(paths) == MAX_IN_ENTRY:
            yield Piece(take(), tuple(names), tuple(paths))
            names, paths = [], []


def defines(found: Variant, owner: int) -> bool:
    """Return whether *owner* itself says what runs, in what it adds to a service."""
    if found.shared is None:
        return True
    source = found.definition(owner).source
    text = "".join(source.text[a:b] for a, b in found.rest(owner))
    return any(line.strip().startswith(("image:", "build:")) for line in text.splitlines())
