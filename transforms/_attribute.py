"""Where an attribute is added, so that each service gets it once.

:func:`find_sites` chooses the file and the mapping for each service that needs an attribute, and
:func:`addition` makes a change of it. The other functions answer what several transforms ask of
anchors and merged mappings.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from composerefactor.compose.attributes import DEPLOY_ORDER, SERVICE_ORDER
from composerefactor.compose.definitions import Definition, LocatedNode
from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.paths import path_from
from composerefactor.compose.project import Project, Scope
from composerefactor.compose.references import extending_services
from composerefactor.compose.services import Service, StartModel
from composerefactor.confidence import Confidence
from composerefactor.edit.operations import AddItem, AddKey, Edit
from composerefactor.edit.rendering import AnchorAlias, Anchored, Flow, Value
from composerefactor.errors import Location
from composerefactor.images.entries import Command, Times
from composerefactor.refactoring.contract import Change, Effect, Refusal
from composerefactor.refactoring.modules.anchors import numbered
from composerefactor.yaml.nodes import (
    Entry,
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    children,
    node_at,
    path_of,
    resolve,
    walk,
)
from composerefactor.yaml.values import merged_entries, merged_mappings, names_in

_NO_POLICY = frozenset(
    {
        *("environment", "env_file", "labels", "annotations", "volumes", "secrets", "configs"),
        *("ports", "expose", "networks", "depends_on", "extra_hosts", "links"),
    }
)
"""A block with only these keys describes what a service gets, not how it runs."""

_ATTRIBUTES = frozenset(
    {
        *("image", "build", "env", "environment", "vars", "variables", "logging", "log", "deploy"),
        *("healthcheck", "volumes", "volume", "ports", "networks", "network", "labels", "secrets"),
        *("depends", "command", "restart", "security", "resources", "limits", "user"),
    }
)
"""A top-level block named after one of these holds that attribute and nothing else."""


class Target(Struct, frozen=True):
    """A node whose content a service gets, to which keys can be added.

    Attributes:
        file: The file that contains the node.
        node: A mapping, or an empty value that can become one.
        keys: The keys to add below the node, the outermost first.
    """

    file: ComposeFile
    node: Node
    keys: tuple[str, ...]


def targets(definition: Definition, keys: tuple[str, ...]) -> list[Target]:
    """Return where *keys* can be added so that *definition* has them, the nearest place first.

    The result is empty if the definition already has them, or if an alias, a list or a tag is in
    the way.
    """
    possible: list[Target] = []
    for block in merged_mappings(definition.body):
        entry = block.entry(keys[0])
        if entry is None:
            possible.append(Target(definition.file, block, keys))
            continue
        value = resolve(entry.value)
        if len(keys) == 1 or entry.value.tag:
            return possible
        # The key in a nearer block would hide this whole mapping.
        if isinstance(value, ScalarNode) and value.is_null and not value.anchor:
            return [Target(definition.file, value, keys[1:])]
        if isinstance(value, MappingNode) and value.entry(keys[1]) is None:
            return [Target(definition.file, value, keys[1:])]
        return []
    return possible


def is_template(block: Node, path: Path) -> bool:
    """Return whether *block*, at *path*, is a common part of services, not a single attribute."""
    if not isinstance(block, MappingNode) or not path:
        return False
    if path[0] != "services" and _ATTRIBUTES.intersection(re.split(r"[-_.]", str(path[-1]))):
        return False
    names = {entry.name for entry in block.entries if not entry.is_merge}
    return len(names) > 1 and not names <= _NO_POLICY


def destinations(service: Service) -> list[Definition]:
    """Return the definitions to which an attribute of *service* belongs, the best one first.

    The best is the first with an image or a build: its own, or one that it extends. The first of
    its own comes next. Without an image or a build there are none.
    """
    own = service.own_definitions
    best = [d for d in (*own, *service.definitions) if d.has_image][:1]
    return best + [d for d in own[:1] if d not in best] if best else []


_SEVERAL = 2

ValueFor = Callable[[StartModel, Service], Any]
"""Returns the value that a service should get; None if it needs none, or has its own."""


class Site(Struct, frozen=True):
    """A place at which one edit gives a value to one or more services.

    Attributes:
        file: The file to edit.
        path: The path of the mapping to which the keys are added.
        keys: The keys to add there, the outermost first.
        value: The value that the services should get.
        services: The names of the services that get it.
        location: The location of the service, or of the block that the services share.
    """

    file: ComposeFile
    path: Path
    keys: tuple[str, ...]
    value: Any
    services: tuple[str, ...]
    location: Location

    @property
    def is_shared(self) -> bool:
        """True if one edit gives the value to several services."""
        return len(self.services) > 1

    @property
    def block(self) -> str:
        """The name of the service or top-level block that is edited."""
        return str(self.path[1] if self.path[0] == "services" else self.path[0])


class BlockedSite(Struct, frozen=True):
    """A *service* that gets no value, since no place is right for it; *reason* says why."""

    service: str
    reason: str
    location: Location


class _Member(Struct, eq=False):
    """A service of a start model, and the value that it *wants*, or None."""

    model: StartModel
    service: Service
    wants: Any
    is_done: bool = False


class _Reach(Struct):
    """The members that get what is added to one node, each with the index of its definition."""

    members: list[tuple[_Member, int]] = []

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(
            sorted({member.service.name for member, _ in self.members if member.wants is not None})
        )


def find_sites(
    models: Iterable[StartModel],
    value_for: ValueFor,
    keys: tuple[str, ...],
    *,
    replaced: bool = False,
    alternatives: tuple[str, ...] = (),
) -> Iterator[Site | BlockedSite]:
    """Yield the sites at which *keys* are added for the services of *models* that need a value.

    The keys go to the file that defines the service. A block that several services merge gets them
    if all services that it reaches need the same value.

    Args:
        models: All start models of the project.
        value_for: Returns the value for a service, or None.
        keys: The keys to add, the outermost first.
        replaced: True for an attribute that a later file replaces as a whole; others are merged
            with what the later file has.
        alternatives: Attributes that express the same in another form.
    """
    yield from _SiteFinder(models, value_for, keys, alternatives, replaced=replaced).sites()


class _SiteFinder:
    def __init__(
        self,
        models: Iterable[StartModel],
        value_for: ValueFor,
        keys: tuple[str, ...],
        alternatives: tuple[str, ...],
        *,
        replaced: bool,
    ) -> None:
        self.keys, self.alternatives, self.replaced = keys, alternatives, replaced
        self.members = [
            _Member(model, service, self.wanted(model, service, value_for))
            for model in models
            for service in model.services.values()
        ]
        self.reach: dict[int, _Reach] = {}
        self.of_service: dict[str, list[_Member]] = {}
        for member in self.members:
            self.of_service.setdefault(member.service.name, []).append(member)
            for n, definition in enumerate(member.service.definitions):
                for target in targets(definition, keys):
                    self.reach.setdefault(id(target.node), _Reach()).members.append((member, n))

    def wanted(self, model: StartModel, service: Service, value_for: ValueFor) -> Any:
        """Return the value for *service*; None if no container gets it."""
        if service.name in model.without_container or not destinations(service):
            return None
        return value_for(model, service)

    def sites(self) -> Iterator[Site | BlockedSite]:
        blocked: set[tuple[str, Location]] = set()
        for member in self.members:
            if member.wants is None or member.is_done or self.is_covered_by_commands(member):
                continue
            site = self.find_site(member)
            if isinstance(site, Site):
                yield site
            elif site is not None and (site.service, site.location) not in blocked:
                blocked.add((site.service, site.location))
                yield site

    def is_covered_by_commands(self, member: _Member) -> bool:
        """Return whether several commands start the file of *member*, and all set the attribute.

        The file without another one is then only their common base: no command starts it alone.
        """
        if not member.model.entry.implicit:
            return False
        body = destinations(member.service)[0].body
        commands = [
            other
            for other in self.of_service[member.service.name]
            if not other.model.entry.implicit
            and any(definition.body is body for definition in other.service.definitions)
        ]
        return len(commands) >= _SEVERAL and all(other.wants is None for other in commands)

    def find_site(self, member: _Member) -> Site | BlockedSite | None:
        """Return the best site for *member*, or why there is none.

        A site in a file that does not belong to the project comes last: the change is then reported
        as one that is not made here. None if the service is in such a file, and there is no site.
        """
        name, foreign = member.service.name, member.model.foreign
        possible = [targets(d, self.keys) for d in destinations(member.service)]
        near = [group[0] for group in possible if group]
        shared = [t for group in possible for t in group[1:] if self.is_good_block(t, member)]
        shared.sort(key=lambda target: -len(self.reach[id(target.node)].names))
        reasons: list[str] = []
        for target in sorted([*shared, *near], key=lambda target: target.file.path in foreign):
            reason = self.conflict(target, member)
            path = path_of(target.file.root, target.node)
            if reason is None and path is not None:
                return self.make_site(target, path, member)
            reasons.append(reason or "nothing can be added where it is defined")
        file = destinations(member.service)[0].file
        if file.path in foreign:
            return None
        reason = reasons[-1] if reasons else f"nothing can be added to its {self.keys[0]}"
        return BlockedSite(name, reason, file.location_of("services", name))

    def is_good_block(self, target: Target, member: _Member) -> bool:
        """Return whether *target* is a common block of services that all want the same value."""
        path = path_of(target.file.root, target.node) or ()
        return (
            len(self.reach[id(target.node)].names) > 1
            and is_template(target.node, path)
            and self.conflict(target, member) is None
        )

    def conflict(self, target: Target, member: _Member) -> str | None:
        """Return why the value for *member* cannot be added at *target*, or None."""
        for other, n in self.reach[id(target.node)].members:
            if other.wants == member.wants:
                continue
            who = f"{other.service.name} of {other.model.entry.title}"
            if other.wants is not None:
                return f"{who} would get it as well, but needs another value"
            if not (self.replaced and self.is_replaced(other, n, member.wants)):
                present = (other.service.value(key) for key in (self.keys[0], *self.alternatives))
                own = next((value for value in present if value is not None), None)
                if own is not None:
                    return f"{who} would get it as well, but has its own at {own.location}"
                return f"{who} would get it as well"
        return None

    def is_replaced(self, other: _Member, n: int, value: Any) -> bool:
        """Return whether *value* in definition *n* of *other* has no effect on it."""
        later = other.service.definitions[n + 1 :]
        has_later = any(self.keys[0] in definition.entries for definition in later)
        own = other.service.value(self.keys[0])
        return has_later or (own is not None and own.written == value)

    def make_site(self, target: Target, path: Path, member: _Member) -> Site:
        reach = self.reach[id(target.node)]
        for other, _ in reach.members:
            other.is_done = other.is_done or other.wants is not None
        file = target.file
        is_service = len(path) > 1 and path[0] == "services"
        return Site(
            file=file,
            path=path,
            keys=target.keys,
            value=member.wants,
            services=reach.names,
            location=file.location_of("services", str(path[1]))
            if is_service
            else file.location_of(str(path[0])),
        )


def addition(
    site: Site,
    value: Value,
    title: str,
    evidence: str = "",
    confidence: Confidence = "verified",
    *,
    comment: str = "",
    more: Sequence[Edit] = (),
) -> Change:
    """Return the change that adds *value* at *site*.

    Args:
        site: Where the value is added.
        value: The value of the innermost key.
        title: What the change does to the services of the site, in the imperative.
        evidence: Why the change is right.
        confidence: How sure that is.
        comment: A comment to write above it.
        more: Further edits that the change needs, such as that of an anchor.
    """
    key, *below = site.keys
    for name in reversed(below):
        value = {name: value}
    order = DEPLOY_ORDER if site.path[-1:] == ("deploy",) else SERVICE_ORDER
    return Change(
        title=f"{title}{shared_note(site)}",
        location=site.location,
        edits=[*more, AddKey(site.file.path, site.path, key, value, order, comment)],
        effects=site_effects(site),
        evidence=evidence,
        confidence=confidence,
    )


ENOUGH = 3
"""From this number of sites on, an anchor is easier to read than repeated lines."""


class SharedValue:
    """Adds values at the *sites* of one attribute; equal ones of a file share an anchor.

    Args:
        project: The project.
        sites: All places at which the attribute is added.
        group: Returns for the value of a site what is equal for those that share.
        enough: The number of sites from which on they share a new anchor; None if they never share.
        comment: Returns for the value of a site the comment to write above it; a shared block gets
            those of all its sites.
    """

    def __init__(
        self,
        project: Project,
        sites: Iterable[Site | BlockedSite],
        group: Callable[[Any], Hashable],
        enough: int | None = ENOUGH,
        comment: Callable[[Any], str] = lambda _: "",
    ) -> None:
        self.group, self.enough, self.comment = group, enough, comment
        self._alike: dict[tuple[str, Hashable], list[Site]] = {}
        for site in sites:
            if isinstance(site, Site):
                self._alike.setdefault((site.file.path, group(site.value)), []).append(site)
        # Equal top-level keys of several files would be merged.
        self.taken = {key for file in project.files.values() for key in file.root_keys}
        self._anchors: dict[str, list[tuple[str, Node]]] = {}
        self._placed: dict[tuple[str, Hashable], tuple[str, str]] = {}

    def addition(
        self,
        site: Site,
        value: dict[str, Value],
        title: str,
        details: str,
        name: str,
        evidence: str = "",
        confidence: Confidence = "verified",
        *,
        fits: Callable[[LocatedNode], bool] = lambda _: False,
        key: str = "",
    ) -> Change:
        """Return the change that adds *value* at *site*, as an alias where it is shared.

        Args:
            site: One of the sites.
            value: The value of the innermost key.
            title: What the change does to the services of the site, in the imperative.
            details: The end of the title, which says the value.
            name: The name of the anchor.
            evidence: Why the change is right.
            confidence: How sure that is.
            fits: Whether an existing mapping with an anchor serves as well.
            key: The key of the block with the anchor; named after the anchor if it is taken.
        """
        file = site.file
        alike = self._alike.get((file.path, self.group(site.value)), [])
        node = node_at(file.root, site.path)
        known = None
        if node is not None and self.enough is not None and not file.root.flow:
            known = self._usable_anchor(file, node.start, fits)
        is_shared = node is not None and self.enough is not None and len(alike) >= self.enough
        if known is None and (not is_shared or file.root.flow):
            title += details
            text = self.comment(site.value)
            return addition(site, value, title, evidence, confidence, comment=text)
        if known is not None:
            title = f"{title} with the anchor &{known}"
            return addition(site, AnchorAlias(known), title, evidence, confidence)
        title += details
        anchor = numbered(name, {used for used, _ in self._anchors_of(file)})
        key = key if key and key not in self.taken else f"x-{anchor}"
        first, text = self._placement(file, self.group(site.value))
        block = AddKey(file.path, (), key, Anchored(anchor, value), (), text, first)
        return addition(site, AnchorAlias(anchor), title, evidence, confidence, more=[block])

    def _placement(self, file: ComposeFile, group: Hashable) -> tuple[str, str]:
        """Return the section above which the block of *group* is written, and its comment."""
        known = self._placed.get((file.path, group))
        if known is None:
            alike = self._alike[file.path, group]
            users = {str(each.path[0]) for each in alike}
            first = next(entry.name or "" for entry in file.root.entries if entry.name in users)
            comments = dict.fromkeys(self.comment(each.value) for each in alike)
            known = first, "\n".join(filter(None, comments))
            self._placed[file.path, group] = known
        return known

    def _usable_anchor(
        self, file: ComposeFile, before: int, fits: Callable[[LocatedNode], bool]
    ) -> str | None:
        """Return an anchor on a mapping of *file* that *fits*, as an alias at *before* finds it.

        None if there is no such anchor.
        """
        visible: dict[str, LocatedNode | None] = {}
        for name, node in self._anchors_of(file):
            if node.outer_start < before:
                is_usable = isinstance(node, MappingNode) and node.end <= before
                located = LocatedNode(file, node, node.start, Scope())
                visible[name] = located if is_usable else None
        return next((name for name, node in visible.items() if node and fits(node)), None)

    def _anchors_of(self, file: ComposeFile) -> list[tuple[str, Node]]:
        """Return the anchors of *file* in the order of the text, each with its node."""
        if file.path not in self._anchors:
            nodes = walk(file.root)
            self._anchors[file.path] = [(node.anchor, node) for node in nodes if node.anchor]
        return self._anchors[file.path]


def list_edits(
    file: ComposeFile, path: Path, key: str, values: Sequence[Value], comment: str = ""
) -> list[AddItem | AddKey]:
    """Return the edits that add *values* to the list *key* of the service at *path*.

    *comment* is written above the first of them.
    """
    present = node_at(file.root, (*path, key))
    if isinstance(present, SequenceNode):
        return [
            AddItem(file.path, (*path, key), value, "" if n else comment)
            for n, value in enumerate(values)
        ]
    return [AddKey(file.path, path, key, list(values), SERVICE_ORDER, comment)]


def dependency_edits(
    file: ComposeFile, path: Path, written: Node, names: Iterable[str]
) -> list[AddItem | AddKey]:
    """Return the edits that add *names* to the ``depends_on`` *written* at *path*, in its form."""
    known = names_in(written)
    added = [name for name in names if name not in known]
    if isinstance(written, MappingNode):
        started: dict[str, Value] = {"condition": "service_started"}
        return [AddKey(file.path, path, name, started) for name in added]
    return [AddItem(file.path, path, name) for name in added]


def site_effects(site: Site) -> list[Effect]:
    """Return the effects of an addition at *site* on the resolved configuration."""
    keys = ("deploy", *site.keys) if site.path[-1:] == ("deploy",) else site.keys
    added = [Effect(("services", name, *keys), "adds") for name in site.services]
    if site.path[0] != "services":  # top-level x-* are part of the resolved configuration
        added.append(Effect((*map(str, site.path), *site.keys), "adds"))
    return added


def blocked_refusal(blocked: BlockedSite, skipped: str) -> Refusal:
    """Return the refusal for *blocked*; *skipped* names what is not added, as "no health check"."""
    return Refusal(
        f"{blocked.service}: {skipped} added: {blocked.reason}", blocked.location, "add it by hand"
    )


def shared_note(site: Site) -> str:
    """Return the ending of a title that names the block that several services share, or ``""``."""
    return f" (one edit, in {site.block})" if site.is_shared else ""


def healthcheck_value(test: Command, times: Times) -> Value:
    """Return the value of ``healthcheck``, with the keys in the usual order."""
    return {
        "test": Flow(test),
        "interval": times.interval,
        "timeout": times.timeout,
        "retries": times.retries,
        "start_period": times.start_period,
    }


class ReachedService(Struct, frozen=True):
    """A *service* of *model* whose *definition* is or merges a certain mapping."""

    model: StartModel
    service: Service
    definition: Definition

    @property
    def key(self) -> tuple[int, str]:
        """The identity of the service in its start model."""
        return id(self.model), self.service.name


class MergedServices:
    """Which services of *models* a mapping reaches: their definition is it, or merges it."""

    def __init__(self, models: Iterable[StartModel]) -> None:
        self._reached: dict[int, list[ReachedService]] = {}
        for model in models:
            for service in model.services.values():
                for definition in service.definitions:
                    reached = ReachedService(model, service, definition)
                    for part in {id(part): part for part in merged_mappings(definition.body)}:
                        self._reached.setdefault(part, []).append(reached)

    def of(self, node: Node) -> tuple[ReachedService, ...]:
        """Return the services that *node* reaches."""
        return tuple(self._reached.get(id(node), ()))


def written_entry(file: ComposeFile, body: Node, key: str) -> tuple[Path, Entry] | None:
    """Return the path of the mapping that gives *body* its *key*, and the entry there, or None."""
    for mapping in merged_mappings(body):
        entry = mapping.entry(key)
        if entry is not None:
            path = path_of(file.root, mapping)
            return None if path is None else (path, entry)
    return None


ModelPath: TypeAlias = tuple[str, ...]
"""A place in the resolved configuration: (section, name, attribute); shorter outside services."""


def model_places(project: Project, path: str) -> Mapping[int, list[ModelPath]]:
    """Return the places in the resolved configuration that each node of the file *path* affects.

    The keys of the result are the ids of the nodes. A node of a service also affects the services
    that extend it, in any file.
    """
    file = project.files[path]
    places: dict[int, list[ModelPath]] = {}
    for place, top in _model_nodes(project, file):
        for node in _nodes_below(top):
            of_node = places.setdefault(id(node), [])
            if place not in of_node:
                of_node.append(place)
    return places


def inheriting_services(project: Project, path: str, service: str) -> list[str]:
    """Return the names of the services that extend *service* of the file *path*, in any file."""
    inheriting: dict[tuple[str, str], None] = {}
    todo = [(path, service)]
    while todo:
        target = todo.pop()
        for heir in _directly_extending(project, *target):
            if heir not in inheriting and heir != (path, service):
                inheriting[heir] = None
                todo.append(heir)
    return list(dict.fromkeys(name for _, name in inheriting))


def _model_nodes(project: Project, file: ComposeFile) -> Iterator[tuple[ModelPath, Node]]:
    """Yield the places in the resolved configuration that *file* sets, with the node of each."""
    for entry in file.root.entries:
        section = entry.name or ""
        if section == "services":
            for service, body in file.services.items():
                names = (service, *inheriting_services(project, file.path, service))
                for key, attribute in merged_entries(body).items():
                    for name in names:
                        yield (section, name, key), attribute.value
        elif section in RESOURCE_SECTIONS:
            for name, node in file.entries(section).items():
                yield (section, name), node
        else:
            yield (section,), entry.value


def _nodes_below(node: Node) -> Iterator[Node]:
    """Yield *node* and all nodes below it, each once; aliases are followed."""
    seen: set[int] = set()
    todo = [resolve(node)]
    while todo:
        current = todo.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            todo.extend(map(resolve, children(current)))


def _directly_extending(project: Project, path: str, service: str) -> Iterator[tuple[str, str]]:
    """Yield path and name of each service that directly extends *service* of the file *path*."""
    for other, file in project.files.items():
        for name, parent in extending_services(file).get(service, ()):
            bases = {*project.directories.get(other, ()), posixpath.dirname(other)}
            named = {path_from(base, parent or "") for base in bases}
            if path in named if parent else path == other:
                yield other, name
