"""Write old forms as Compose writes them today.

Services of a version 1 file go below `services`, one step deeper, and its keys `net`, `log_driver`,
`log_opt`, `volume_driver` and `dockerfile` get their present form; a named volume keeps the name
that it had, without the project before it. The name in `external: {name: x}` moves beside it. The
`mem_limit` family goes to `deploy.resources`, and links without an alias become `depends_on`, since
services on one network know each other by name: both change what the engine sees, so they are made
only when asked for. Links with an alias, and `volumes_from`, have no equal form and stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from composerefactor.compose.attributes import DEPLOY_ORDER, SERVICE_ORDER
from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merge_keys import (
    item_nodes,
    merged_entries,
    merged_get,
    merged_mappings,
    scalar_text,
)
from composerefactor.compose.project import Project
from composerefactor.compose.volumes import volumes
from composerefactor.edit.operations import AddItem, AddKey, Nest, Remove, Rename, Replace, YamlEdit
from composerefactor.edit.rendering import Quoted, Value
from composerefactor.refactoring.contract import Change, Effect, NoOptions, Refusal, fixer
from composerefactor.transforms._attribute import heirs
from composerefactor.yaml.nodes import MappingNode, Node, Path, ScalarNode, paths
from composerefactor.yaml.nodes import SequenceNode as YamlSequence
from composerefactor.yaml.values import to_python

_MOVED = {
    "mem_limit": ("limits", "memory"),
    "cpus": ("limits", "cpus"),
    "pids_limit": ("limits", "pids"),
    "mem_reservation": ("reservations", "memory"),
}


class WrittenService(Struct, frozen=True):
    """A service as one file writes it; *reaches* has the services whose model it is part of."""

    file: ComposeFile
    name: str
    body: MappingNode
    reaches: Sequence[str]

    @classmethod
    def all_in(cls, project: Project, file: ComposeFile) -> Iterator[WrittenService]:
        """Yield the services whose mapping stands where their name is, not elsewhere."""
        section = file.root.get("services")
        for entry in section.entries if isinstance(section, MappingNode) else ():
            if entry.name and not entry.is_merge and isinstance(entry.value, MappingNode):
                reaches = (entry.name, *heirs(project, file.path, entry.name))
                yield cls(file, entry.name, entry.value, reaches)

    @property
    def path(self) -> Path:
        """The address of the mapping."""
        return ("services", self.name)

    def effects(self, key: str, *, removed: bool = False) -> list[Effect]:
        """Return the effects of a changed or *removed* attribute *key*."""
        return [
            Effect(("services", name, key), "removes" if removed else "changes")
            for name in self.reaches
        ]


def externals(file: ComposeFile) -> Iterator[Change]:
    """Yield a change for each ``external: {name: x}``, which is ``name: x`` beside it today."""
    for section in RESOURCE_SECTIONS:
        defined = file.root.get(section)
        for entry in defined.entries if isinstance(defined, MappingNode) else ():
            body = entry.value
            if not isinstance(body, MappingNode) or not entry.name or body.entry("name"):
                continue
            external = body.entry("external")
            if external is None or not isinstance(external.value, MappingNode):
                continue
            name = scalar_text(external.value.get("name"))
            if name is None or len(external.value.entries) != 1:
                continue
            path = (section, entry.name)
            yield Change(
                f"{section.removesuffix('s')} {entry.name}: the name of what is external stands "
                "beside it today",
                file.source.location(external.start),
                [
                    AddKey(file.path, path, "name", name, ("external", "name")),
                    Replace(file.path, (*path, "external"), value=True),
                ],
            )


def limits(found: WrittenService) -> Change | Refusal | None:
    """Return the change that moves the ``mem_limit`` family to ``deploy.resources``."""
    old = {key: entry for key in _MOVED if (entry := found.body.entry(key)) is not None}
    values = {key: scalar_text(entry.value) for key, entry in old.items()}
    if not old or None in values.values():
        return None
    file = found.file
    location = file.source.location(min(entry.start for entry in old.values()))
    added: dict[str, dict[str, Value]] = {}
    deploy = merged_get(found.body, "deploy")
    for key, text in values.items():
        kind, name = _MOVED[key]
        known = scalar_text(merged_get(merged_get(merged_get(deploy, "resources"), kind), name))
        if known is None:
            added.setdefault(kind, {})[name] = _limit(name, text or "")
        elif known != text:
            reason = f"{key} and deploy.resources.{kind}.{name} differ"
            return Refusal(reason, location, "keep one of the two")
    last = max(old, key=lambda key: old[key].start)  # comments of the old keys stay above
    there = _resources(found, added, (last, "deploy")) if added else []
    if there is None:
        return None
    effects = [e for key in old for e in found.effects(key, removed=True)]
    title = f"{', '.join(old)} of {found.name} belong to deploy.resources today"
    gone = [Remove(file.path, (*found.path, key)) for key in old]
    return Change(title, location, [*there, *gone], [*effects, *found.effects("deploy")])


def _resources(
    found: WrittenService, added: dict[str, dict[str, Value]], place: Sequence[str]
) -> list[YamlEdit] | None:
    """Return the edits that add to ``deploy.resources``; None where it stands elsewhere.

    *place* is the order of keys by which a new ``deploy`` finds its place.
    """
    file, path = found.file.path, found.path
    parts: dict[str, Value] = {kind: {**names} for kind, names in added.items()}
    wanted: dict[str, Value] = {"deploy": {"resources": parts}}
    body: Node = found.body
    for key, order in (("deploy", place), ("resources", DEPLOY_ORDER)):
        if key not in merged_entries(body):
            return [AddKey(file, path, key, wanted[key], order)]
        inner = body.get(key) if isinstance(body, MappingNode) else None
        if not isinstance(inner, MappingNode):
            return None
        body, path, wanted = inner, (*path, key), {"resources": parts}
    edits: list[YamlEdit] = []
    for kind, names in added.items():
        below = body.get(kind) if isinstance(body, MappingNode) else None
        if kind not in merged_entries(body):
            edits.append(AddKey(file, path, kind, parts[kind], ("limits", "reservations")))
        elif isinstance(below, MappingNode):
            edits += [AddKey(file, (*path, kind), name, value) for name, value in names.items()]
        else:
            return None
    return edits


def _limit(name: str, text: str) -> Value:
    if name == "pids" and text.lstrip("-").isdecimal():
        return int(text)
    return Quoted(text) if name == "cpus" or text.isdecimal() else text


def links(found: WrittenService) -> Change | None:
    """Return the change that writes links without alias as ``depends_on``.

    On a network that two services share, each knows the other by its name. A link with an alias
    gives a name that no network alias gives to one service alone, so it stays.
    """
    file, body = found.file, found.body
    entry = body.entry("links")
    node = entry.value if entry else None
    if entry is None or not isinstance(node, YamlSequence) or not node.items:
        return None
    names = [item.value for item in node.items if isinstance(item, ScalarNode)]
    if len(names) != len(node.items) or not all(_reachable(file, body, name) for name in names):
        return None
    edits: list[YamlEdit]
    written = body.get("depends_on")
    if merged_get(body, "depends_on") is None:
        edits = [Rename(file.path, (*found.path, "links"), "depends_on")]
    elif isinstance(written, MappingNode | YamlSequence):
        edits = [*_missing(found, written, names), Remove(file.path, (*found.path, "links"))]
    else:
        return None
    effects = [*found.effects("links", removed=True), *found.effects("depends_on")]
    title = f"links of {found.name} to {', '.join(names)}: a network gives the names today"
    return Change(title, file.source.location(entry.start), edits, effects)


def _missing(found: WrittenService, written: Node, names: Sequence[str]) -> Iterator[YamlEdit]:
    path = (*found.path, "depends_on")
    if isinstance(written, MappingNode):
        known = set(merged_entries(written))
        for name in names:
            if name not in known:
                started: dict[str, Value] = {"condition": "service_started"}
                yield AddKey(found.file.path, path, name, started)
        return
    listed = {scalar_text(item) for item in item_nodes(written)}
    yield from (AddItem(found.file.path, path, name) for name in names if name not in listed)


def _reachable(file: ComposeFile, body: Node, name: str) -> bool:
    """Return whether *body* knows the service *name* by a network that both are on."""
    other = file.services.get(name)
    if other is None or any(merged_get(each, "network_mode") is not None for each in (body, other)):
        return False
    return bool(_networks(body) & _networks(other))


def _networks(body: Node) -> set[str]:
    node = merged_get(body, "networks")
    if isinstance(node, MappingNode):
        return set(merged_entries(node))
    return {scalar_text(item) or "" for item in item_nodes(node)} or {"default"}


_LOG = ("log_driver", "log_opt")
_TODAY = {
    "net": "network_mode",
    "dockerfile": "build.dockerfile",
    "log_driver": "logging.driver",
    "log_opt": "logging.options",
    "volume_driver": "the driver of a volume",
}


def nested(file: ComposeFile) -> Iterator[Change]:
    """Yield the change that puts services of the top level below ``services``."""
    found = file.top_services
    if not found:
        return
    names = tuple(entry.name or "" for entry in found)
    named = {name: None for entry in found for name in _named_volumes(entry.value)}
    known = file.entries("volumes")
    # The first format named volumes as they are written, without the project before.
    declared: dict[str, Value] = {n: {"name": n} for n in named if n not in known}
    edits: list[Nest | AddKey] = [Nest(file.path, "services", names)]
    if declared:
        edits.append(AddKey(file.path, (), "volumes", declared))
    title = "services of a version 1 file belong below services"
    yield Change(title, file.source.location(found[0].start), edits, repairs=True)


def _named_volumes(body: Node) -> Iterator[str]:
    for volume in volumes(body):
        if volume.text.kind == "volume" and volume.text.source:
            yield volume.text.source


def keys(file: ComposeFile, path: Path, body: MappingNode) -> Iterator[Change | Refusal]:
    """Yield what is to be done about keys of version 1 in *body*, a service's mapping at *path*."""
    for names, fix in (
        (("net",), _net),
        (("dockerfile",), _dockerfile),
        (("log_driver", "log_opt"), _logging),
        (("volume_driver",), _volume_driver),
    ):
        found = next((entry for entry in body.entries if entry.name in names), None)
        if found is None:
            continue
        location = file.source.location(found.start)
        edits = fix(file, path, body)
        if edits:
            title = f"{found.name} is a key of version 1, today {_TODAY[found.name or '']}"
            yield Change(title, location, edits, repairs=True)
        else:
            reason = f"{found.name} is a key of version 1, and what it became is there as well"
            remedy = f"write one of the two as {_TODAY[found.name or '']}"
            yield Refusal(reason, location, remedy, repairs=True)


def _net(file: ComposeFile, path: Path, body: MappingNode) -> list[YamlEdit]:
    text = scalar_text(body.get("net"))
    if text is None or body.entry("network_mode"):
        return []
    edits: list[YamlEdit] = [Rename(file.path, (*path, "net"), "network_mode")]
    container = text.removeprefix("container:")
    if container != text and container in file.services:
        edits.append(Replace(file.path, (*path, "net"), f"service:{container}"))
    return edits


def _dockerfile(file: ComposeFile, path: Path, body: MappingNode) -> list[YamlEdit]:
    build, name = body.get("build"), scalar_text(body.get("dockerfile"))
    context = scalar_text(build)
    if build is None or name is None or merged_get(build, "dockerfile") is not None:
        return []
    there: YamlEdit
    if context is not None and isinstance(build, ScalarNode):
        both: dict[str, Value] = {"context": context, "dockerfile": name}
        there = Replace(file.path, (*path, "build"), both)
    elif isinstance(build, MappingNode):
        there = AddKey(file.path, (*path, "build"), "dockerfile", name, ("context", "dockerfile"))
    else:
        return []
    return [there, Remove(file.path, (*path, "dockerfile"))]


def _logging(file: ComposeFile, path: Path, body: MappingNode) -> list[YamlEdit]:
    if body.entry("logging"):
        return []
    value: dict[str, Value] = {}
    for name, today in (("log_driver", "driver"), ("log_opt", "options")):
        node = body.get(name)
        if node is not None:
            value[today] = to_python(node, file.source)
    gone: list[YamlEdit] = [Remove(file.path, (*path, name)) for name in _LOG if body.entry(name)]
    return [AddKey(file.path, path, "logging", value, SERVICE_ORDER), *gone]


def _volume_driver(file: ComposeFile, path: Path, body: MappingNode) -> list[YamlEdit]:
    driver = scalar_text(body.get("volume_driver"))
    if driver is None:
        return []
    known = file.entries("volumes")
    edits: list[YamlEdit] = [Remove(file.path, (*path, "volume_driver"))]
    for name in dict.fromkeys(_named_volumes(body)):
        if name not in known:
            value: Value = {"driver": driver}
            edits.append(AddKey(file.path, ("volumes",), name, value))
        elif merged_get(known[name], "driver") is None:
            edits.append(AddKey(file.path, ("volumes", name), "driver", driver))
    return edits


@fixer(NoOptions, after=("fix-schema",), first=True)
def modernize(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change for each old form that has one of today."""
    for path, file in project.files.items():
        if path.startswith("../"):
            continue
        if file.top_services:
            yield from nested(file)
            continue
        yield from _version_1_keys(file)
        yield from externals(file)
        for written in WrittenService.all_in(project, file):
            for found in (limits(written), links(written)):
                if found is not None and path not in project.whole:
                    yield found


def _version_1_keys(file: ComposeFile) -> Iterator[Change | Refusal]:
    """Yield what is to be done about keys of version 1, in services and what they merge."""
    bodies = {id(each) for body in file.services.values() for each in merged_mappings(body)}
    for where, node in paths(file.root):
        if id(node) in bodies and isinstance(node, MappingNode):
            yield from keys(file, where, node)
