"""Changes that add one attribute to the services that lack it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from composerefactor.compose.attributes import DEPLOY_ORDER, SERVICE_ORDER
from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merge_keys import merged_entries, merged_get, merged_mappings
from composerefactor.compose.project import Project
from composerefactor.compose.references import extending
from composerefactor.compose.services import Definition, Service, StartModel
from composerefactor.edit.operations import AddKey, Edit
from composerefactor.edit.rendering import Flow, Value
from composerefactor.errors import Location
from composerefactor.images.entries import Command, Times
from composerefactor.refactoring.contract import Change, Effect, Refusal
from composerefactor.yaml.nodes import (
    Entry,
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    children,
    path_of,
    resolve,
    walk,
)

_NO_POLICY = frozenset(
    {
        *("environment", "env_file", "labels", "annotations", "volumes", "secrets", "configs"),
        *("ports", "expose", "networks", "depends_on", "extra_hosts", "links"),
    }
)
"""A block with nothing but these says what a service is given, not how it is run."""

_ATTRIBUTES = frozenset(
    {
        *("image", "build", "env", "environment", "vars", "variables", "logging", "log", "deploy"),
        *("healthcheck", "volumes", "volume", "ports", "networks", "network", "labels", "secrets"),
        *("depends", "command", "restart", "security", "resources", "limits", "user"),
    }
)
"""A top-level block that is named after one of these is for that and nothing else."""


class Target(Struct, frozen=True):
    """A mapping, or an empty value, *node* of *file*, that gives a service what is added to it.

    *rest* are the keys that lead from there to what is added.
    """

    file: ComposeFile
    node: Node
    rest: tuple[str, ...]


def merged_blocks(body: Node) -> Iterator[MappingNode]:
    """Yield *body* and the mappings that it merges by ``<<``, those that win first."""
    yield from _merged(body, set())


def _merged(node: Node, seen: set[int]) -> Iterator[MappingNode]:
    node = resolve(node)
    if isinstance(node, SequenceNode):
        for item in node.items:
            yield from _merged(item, seen)
    elif isinstance(node, MappingNode) and id(node) not in seen:
        seen.add(id(node))
        yield node
        for entry in node.entries:
            if entry.is_merge:
                yield from _merged(entry.value, seen)


def targets(definition: Definition, keys: tuple[str, ...]) -> list[Target]:
    """Return where *keys* can be added so that *definition* has them, the nearest place first.

    [] where it has them already, and where an alias, a list or a tag stands in the way.
    """
    found: list[Target] = []
    for block in merged_blocks(definition.body):
        entry = block.entry(keys[0])
        if entry is None:
            found.append(Target(definition.file, block, keys))
            continue
        value = resolve(entry.value)
        if len(keys) == 1 or entry.value.tag:
            return found
        # What is nearer would hide this whole mapping.
        if isinstance(value, ScalarNode) and value.is_null and not value.anchor:
            return [Target(definition.file, value, keys[1:])]
        if isinstance(value, MappingNode) and value.entry(keys[1]) is None:
            return [Target(definition.file, value, keys[1:])]
        return []
    return found


def is_template(block: Node, path: Path) -> bool:
    """Return whether *block*, at *path*, is the common part of services, not one attribute."""
    if not isinstance(block, MappingNode) or not path:
        return False
    if path[0] != "services" and _ATTRIBUTES.intersection(re.split(r"[-_.]", str(path[-1]))):
        return False
    names = {entry.name for entry in block.entries if not entry.is_merge}
    return len(names) > 1 and not names <= _NO_POLICY


def has_body(definition: Definition) -> bool:
    """Return whether *definition* says what is run: an image or a build."""
    return any(
        block.entry(k) for block in merged_blocks(definition.body) for k in ("image", "build")
    )


def destinations(service: Service) -> list[Definition]:
    """Return the definitions in which an attribute of *service* belongs, the best first.

    That is the first that has the image or the build: its own, or one that it extends. Then the
    first of its own.
    """
    own = [each for each in service.definitions if not each.inherited]
    found = [each for each in (*own, *service.definitions) if has_body(each)][:1]
    return found + [each for each in own[:1] if each not in found] if found else []


_SEVERAL = 2

Want = Callable[[StartModel, Service], Any]
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


class BlockedSite(Struct, frozen=True):
    """A *service* that gets nothing, since no place is right for it."""

    service: str
    reason: str
    location: Location


class _Member(Struct, eq=False):
    """A service of a stack, with what it *wants*."""

    model: StartModel
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
    every: Iterable[StartModel],
    want: Want,
    keys: tuple[str, ...],
    *,
    replaced: bool = False,
    instead: tuple[str, ...] = (),
) -> Iterator[Site | BlockedSite]:
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
        every: Iterable[StartModel],
        want: Want,
        keys: tuple[str, ...],
        instead: tuple[str, ...],
        *,
        replaced: bool,
    ) -> None:
        self.keys, self.instead, self.replaced = keys, instead, replaced
        self.members = [
            _Member(model, service, want(model, service) if destinations(service) else None)
            for model in every
            for service in model.services.values()
        ]
        self.reach: dict[int, _Reach] = {}
        for member in self.members:
            for n, definition in enumerate(member.service.definitions):
                for target in targets(definition, keys):
                    self.reach.setdefault(id(target.node), _Reach()).members.append((member, n))

    def sites(self) -> Iterator[Site | BlockedSite]:
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
        if not member.model.entry.implicit:
            return False
        body = destinations(member.service)[0].body
        commands = [
            other
            for other in self.members
            if other.service.name == member.service.name
            and not other.model.entry.implicit
            and any(definition.body is body for definition in other.service.definitions)
        ]
        return len(commands) >= _SEVERAL and all(other.wants is None for other in commands)

    def site(self, member: _Member) -> Site | BlockedSite | None:
        name = member.service.name
        found = [targets(home, self.keys) for home in destinations(member.service)]
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
        home = destinations(member.service)[0].file
        if home.path.startswith("../"):
            return None
        reason = reasons[-1] if reasons else f"{self.keys[0]} is written so that nothing fits in"
        return BlockedSite(name, reason, home.location_of("services", name))

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
            where = f"{other.service.name} of {other.model.entry.title}"
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


def addition(
    site: Site, value: Value, title: str, evidence: str = "", *, more: Sequence[Edit] = ()
) -> Change:
    """Return the change that adds *value* at *site*; *title* says what the services lack.

    *more* are edits that it needs as well, as that of an anchor.
    """
    key, *below = site.keys
    for name in reversed(below):
        value = {name: value}
    order = DEPLOY_ORDER if site.path[-1:] == ("deploy",) else SERVICE_ORDER
    return Change(
        title=f"{listed(site.services)}: {title}{_where(site)}",
        location=site.location,
        edits=[*more, AddKey(site.file.path, site.path, key, value, order)],
        effects=effects(site),
        evidence=evidence,
    )


def effects(site: Site) -> list[Effect]:
    """Return what an addition at *site* changes in the model."""
    whole = ("deploy", *site.keys) if site.path[-1:] == ("deploy",) else site.keys
    found = [Effect(("services", name, *whole), "adds") for name in site.services]
    if site.path[0] != "services":  # top-level x-* are part of the model
        found.append(Effect((*map(str, site.path), *site.keys), "adds"))
    return found


def refusal(blocked: BlockedSite, what: str) -> Refusal:
    """Return *blocked* in words; *what* is missing."""
    return Refusal(
        f"{blocked.service}: {what}: {blocked.reason}", blocked.location, "write it by hand"
    )


def listed(names: Sequence[str]) -> str:
    """Return *names* as a person lists them."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _where(site: Site) -> str:
    return f" (one edit, in {site.block})" if site.is_shared else ""


def usable_anchor(
    file: ComposeFile, before: int, fits: Callable[[MappingNode], bool]
) -> str | None:
    """Return an anchor of *file* on a mapping that *fits*, and that an alias at *before* means."""
    found: dict[str, MappingNode | None] = {}
    for node in walk(file.root):
        if node.anchor and node.outer_start < before:
            found[node.anchor] = (
                node if isinstance(node, MappingNode) and node.end <= before else None
            )
    fitting = [name for name, node in found.items() if node is not None and fits(node)]
    return fitting[0] if fitting else None


def free_anchor(file: ComposeFile, name: str) -> str:
    """Return *name*, with a number behind it where *file* has such an anchor."""
    taken = {node.anchor for node in walk(file.root)}
    found, n = name, 2
    while found in taken:
        found, n = f"{name}-{n}", n + 1
    return found


def healthcheck_value(test: Command, times: Times) -> Value:
    """Return the body of ``healthcheck`` in the order in which people write it."""
    return {
        "test": Flow(test),
        "interval": times.interval,
        "timeout": times.timeout,
        "retries": times.retries,
        "start_period": times.start_period,
    }


class ReachedService(Struct, frozen=True):
    """A service of *model* that has what stands in a mapping or list, by *definition*."""

    model: StartModel
    service: Service
    definition: Definition

    @property
    def key(self) -> tuple[int, str]:
        """What tells it from other services, and from the same one of other stacks."""
        return id(self.model), self.service.name


def having(models: Iterable[StartModel], node: Node) -> Iterator[ReachedService]:
    """Yield the services in whose definition *node*, a mapping, is merged or stands itself."""
    for model in models:
        for service in model.services.values():
            for definition in service.definitions:
                if any(part is node for part in merged_mappings(definition.body)):
                    yield ReachedService(model, service, definition)


def written(file: ComposeFile, body: Node, key: str) -> tuple[Path, Entry] | None:
    """Return the address of the mapping that gives *body* its *key*, and the entry there."""
    for mapping in merged_mappings(body):
        entry = mapping.entry(key)
        if entry is not None:
            path = path_of(file.root, mapping)
            return None if path is None else (path, entry)
    return None


ModelPath: TypeAlias = tuple[str, ...]
"""A place of the resolved model: (section, name, attribute), or less for what is no service's."""


def places(project: Project, path: str) -> Mapping[int, list[ModelPath]]:
    """Return the places of the model that each node written in the file *path* reaches, by id.

    Those of a service also count for the services that extend it, wherever they stand.
    """
    file = project.files[path]
    found: dict[int, list[ModelPath]] = {}
    for place, node in _roots(project, file):
        for each in _below(node):
            known = found.setdefault(id(each), [])
            if place not in known:
                known.append(place)
    return found


def heirs(project: Project, path: str, service: str) -> list[str]:
    """Return the names of the services that extend *service* of the file *path*, in any file."""
    found: dict[tuple[str, str], None] = {}
    todo = [(path, service)]
    while todo:
        target = todo.pop()
        for each in _extending(project, *target):
            if each not in found and each != (path, service):
                found[each] = None
                todo.append(each)
    return list(dict.fromkeys(name for _, name in found))


def _roots(project: Project, file: ComposeFile) -> Iterator[tuple[ModelPath, Node]]:
    for entry in file.root.entries:
        section = entry.name or ""
        if section == "services":
            for service, body in file.services.items():
                names = (service, *heirs(project, file.path, service))
                for key, attribute in merged_entries(body).items():
                    for name in names:
                        yield (section, name, key), attribute.value
        elif section in RESOURCE_SECTIONS:
            for name, node in file.entries(section).items():
                yield (section, name), node
        else:
            yield (section,), entry.value


def _below(node: Node) -> Iterator[Node]:
    """Yield *node* and what is written below it, aliases followed, each once."""
    seen: set[int] = set()
    model = [resolve(node)]
    while model:
        current = model.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            model.extend(map(resolve, children(current)))


def _extending(project: Project, path: str, service: str) -> Iterator[tuple[str, str]]:
    for other, file in project.files.items():
        for name, parent in extending(file).get(service, ()):
            bases = {*project.directories.get(other, ()), posixpath.dirname(other)}
            named = {posixpath.normpath(posixpath.join(base, parent or "")) for base in bases}
            if path in named if parent else path == other:
                yield other, name
