"""At which places an attribute is added, so that each service that wants it gets it once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from composerefactor.additions.blocks import Target, homes, is_template, targets
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_get
from composerefactor.errors import Location
from composerefactor.topology.stack import Service, Stack
from composerefactor.yamltree.path import Path, path_of

_SEVERAL = 2

Want = Callable[[Stack, Service], Any]
"""Tells what a service should get; None for one that has something of the kind, or needs none."""


class Site(Struct, frozen=True):
    """A place: *keys* are added below *path* of *file*, which gives *value* to *services*.

    *location* is that of the service, or of the block that the services share.
    """

    file: ComposeFile
    path: Path
    keys: tuple[str, ...]
    value: Any
    services: tuple[str, ...]
    location: Location

    @property
    def is_shared(self) -> bool:
        """True where several services get it by one edit."""
        return len(self.services) > 1

    @property
    def block(self) -> str:
        """The block that is edited, by its name in the file."""
        return str(self.path[1] if self.path[0] == "services" else self.path[0])


class Blocked(Struct, frozen=True):
    """A *service* that gets nothing, since no place is right for it."""

    service: str
    reason: str
    location: Location


class _Member(Struct, eq=False):
    """A service of a stack, with what it *wants*."""

    stack: Stack
    service: Service
    wants: Any
    is_done: bool = False


class _Reach(Struct):
    """Who gets what is added to one node: each member, with the position of its definition."""

    members: list[tuple[_Member, int]] = []

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({member.service.name for member, _ in self.members if member.wants}))


def sites(
    every: Iterable[Stack],
    want: Want,
    keys: tuple[str, ...],
    *,
    replaced: bool = False,
    instead: tuple[str, ...] = (),
) -> Iterator[Site | Blocked]:
    """Yield where *keys* are added for the services of *every* stack that *want* them.

    It is the file that defines the service. A block that several services merge gets the keys where
    all that it reaches want the same. *replaced* is True for an attribute that a later file
    replaces whole; others would be merged with what is there. *instead* are attributes that say the
    same in another form.
    """
    yield from _Finder(every, want, keys, instead, replaced=replaced).sites()


class _Finder:
    def __init__(
        self,
        every: Iterable[Stack],
        want: Want,
        keys: tuple[str, ...],
        instead: tuple[str, ...],
        *,
        replaced: bool,
    ) -> None:
        self.keys, self.instead, self.replaced = keys, instead, replaced
        self.members = [
            _Member(stack, service, want(stack, service) if homes(service) else None)
            for stack in every
            for service in stack.services.values()
        ]
        self.reach: dict[int, _Reach] = {}
        for member in self.members:
            for n, definition in enumerate(member.service.definitions):
                for target in targets(definition, keys):
                    self.reach.setdefault(id(target.node), _Reach()).members.append((member, n))

    def sites(self) -> Iterator[Site | Blocked]:
        blocked: set[tuple[str, Location]] = set()
        for member in self.members:
            if member.wants is None or member.is_done or self.is_given_by_all(member):
                continue
            found = self.site(member)
            if isinstance(found, Site):
                yield found
            elif found is not None and (found.service, found.location) not in blocked:
                blocked.add((found.service, found.location))
                yield found

    def is_given_by_all(self, member: _Member) -> bool:
        """Return whether several commands start the file of *member*, and all bring it along.

        Then the file by itself, which nobody is seen to start, is only their common base.
        """
        if not member.stack.entry.implicit:
            return False
        body = homes(member.service)[0].body
        commands = [
            other
            for other in self.members
            if other.service.name == member.service.name
            and not other.stack.entry.implicit
            and any(definition.body is body for definition in other.service.definitions)
        ]
        return len(commands) >= _SEVERAL and all(other.wants is None for other in commands)

    def site(self, member: _Member) -> Site | Blocked | None:
        name = member.service.name
        found = [targets(home, self.keys) for home in homes(member.service)]
        near = [group[0] for group in found if group]
        shared = [t for group in found for t in group[1:] if self.is_good_block(t, member)]
        shared.sort(key=lambda target: -len(self.reach[id(target.node)].names))
        reasons: list[str] = []
        for target in [*shared, *near]:
            reason = self.conflict(target, member)
            path = path_of(target.file.root, target.node)
            if reason is None and path is not None and not target.file.path.startswith("../"):
                return self.made(target, path, member)
            reasons.append(reason or "it is written where nothing can be added")
        home = homes(member.service)[0].file
        if home.path.startswith("../"):
            return None
        reason = reasons[-1] if reasons else f"{self.keys[0]} is written so that nothing fits in"
        return Blocked(name, reason, home.location_of("services", name))

    def is_good_block(self, target: Target, member: _Member) -> bool:
        path = path_of(target.file.root, target.node) or ()
        return (
            len(self.reach[id(target.node)].names) > 1
            and is_template(target.node, path)
            and self.conflict(target, member) is None
        )

    def conflict(self, target: Target, member: _Member) -> str | None:
        """Return why what *member* wants cannot be added at *target*."""
        for other, n in self.reach[id(target.node)].members:
            if other.wants == member.wants:
                continue
            where = f"{other.service.name} of {other.stack.entry.title}"
            if other.wants is not None:
                return f"{where} would get it as well, and needs another one"
            if not (self.replaced and self.is_replaced(other, n, member.wants)):
                known = (other.service.value(key) for key in (self.keys[0], *self.instead))
                has = next((value for value in known if value is not None), None)
                why = f", which has one at {has.location}" if has else ""
                return (
                    f"{where}{why}, would get it as well"
                    if why
                    else f"{where} would get it as well"
                )
        return None

    def is_replaced(self, other: _Member, n: int, value: Any) -> bool:
        """Return whether what definition *n* of *other* gets changes nothing."""
        later = other.service.definitions[n + 1 :]
        has_later = any(merged_get(each.body, self.keys[0]) is not None for each in later)
        return has_later or other.service.text(self.keys[0]) == value

    def made(self, target: Target, path: Path, member: _Member) -> Site:
        reach = self.reach[id(target.node)]
        for other, _ in reach.members:
            other.is_done = other.is_done or other.wants is not None
        file = target.file
        names = reach.names
        own = len(path) > 1 and path[0] == "services"
        return Site(
            file=file,
            path=path,
            keys=target.rest,
            value=member.wants,
            services=names,
            location=file.location_of("services", str(path[1]))
            if own
            else file.location_of(str(path[0])),
        )
