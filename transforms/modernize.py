"""Replace old forms of Compose files with current ones.

Services of a version 1 file move below `services`, one level deeper, and its keys `net`,
`log_driver`, `log_opt`, `volume_driver` and `dockerfile` get their current form; a named volume
keeps its name without the project name as a prefix. In `external: {name: x}` the name moves beside
`external`. Limits that a service has in both forms (`mem_limit` beside `deploy.resources`) come
together in `deploy.resources`, and links without an alias become `depends_on`, since services on
one network reach each other by name: these two change the resolved configuration, so they are only
made on request. Limits in the short form alone are left as they are, since that form is equally
valid, and so are links with an alias and `volumes_from`, which have no equivalent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.files import RESOURCE_SECTIONS, SECTION_NOUNS, ComposeFile
from composerefactor.compose.merge import values_below
from composerefactor.compose.project import Project
from composerefactor.compose.services import services_in
from composerefactor.compose.short_forms import volumes
from composerefactor.edit.operations import AddKey, Nest, Remove, Rename, Replace, YamlEdit
from composerefactor.edit.rendering import Quoted, Value
from composerefactor.refactoring.contract import Change, Effect, NoOptions, Refusal, fixer
from composerefactor.transforms._attribute import dependency_edits, inheriting_services
from composerefactor.yaml.nodes import MappingNode, Node, Path, ScalarNode, own_entries
from composerefactor.yaml.nodes import SequenceNode as YamlSequence
from composerefactor.yaml.values import merged_entries, merged_mappings, scalar_text, to_python

_DEPLOY_KEYS = {
    "mem_limit": ("limits", "memory"),
    "cpus": ("limits", "cpus"),
    "pids_limit": ("limits", "pids"),
    "mem_reservation": ("reservations", "memory"),
}
_LOG = ("log_driver", "log_opt")
_CURRENT_KEY = {
    "net": "network_mode",
    "dockerfile": "build.dockerfile",
    "log_driver": "logging.driver",
    "log_opt": "logging.options",
    "volume_driver": "the driver of a volume",
}


@fixer(
    NoOptions,
    after=("fix-schema",),
    first=True,
    purpose="maintenance",
    cause="Docker Compose has a newer form",
)
def modernize(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change, or a refusal, for each old form that has a current one."""
    for path, file in project.own_files.items():
        if file.top_services:
            yield from nest_services(file)
            continue
        yield from _version_1_keys(file)
        yield from move_external_names(file)
        for service in WrittenService.all_in(project, file):
            for outcome in (move_limits(service), replace_links(service)):
                if outcome is not None and path not in project.protected_files:
                    yield outcome


def _version_1_keys(file: ComposeFile) -> Iterator[Change | Refusal]:
    """Yield a change or refusal for each key of version 1 in services and merged mappings."""
    bodies = {id(each) for body in file.services.values() for each in merged_mappings(body)}
    for where, node in file.paths:
        if id(node) in bodies and isinstance(node, MappingNode):
            yield from update_version_1_keys(file, where, node)


class WrittenService(Struct, frozen=True):
    """The definition of a service in one file.

    Attributes:
        file: The file.
        name: The name of the service.
        body: The mapping of the definition.
        reaches: The services that the definition affects: its own, and those that extend it.
    """

    file: ComposeFile
    name: str
    body: MappingNode
    reaches: Sequence[str]

    @classmethod
    def all_in(cls, project: Project, file: ComposeFile) -> Iterator[WrittenService]:
        """Yield the services of *file* whose mapping follows their name, not those of an alias."""
        for entry in own_entries(file.root.get("services")):
            if entry.name and not entry.is_merge and isinstance(entry.value, MappingNode):
                reaches = (entry.name, *inheriting_services(project, file.path, entry.name))
                yield cls(file, entry.name, entry.value, reaches)

    @property
    def path(self) -> Path:
        """The path of the mapping."""
        return ("services", self.name)

    def effects(self, key: str, *, removed: bool = False) -> list[Effect]:
        """Return the effects of a changed or *removed* attribute *key*."""
        return [
            Effect(("services", name, key), "removes" if removed else "changes")
            for name in self.reaches
        ]


def move_external_names(file: ComposeFile) -> Iterator[Change]:
    """Yield a change for each ``external: {name: x}``, now ``name: x`` beside ``external``."""
    for section in RESOURCE_SECTIONS:
        for entry in own_entries(file.root.get(section)):
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
            noun = f"{SECTION_NOUNS[section]} {entry.name}"
            yield Change(
                f"Move the name of external {noun} out of external",
                file.source.location(external.start),
                [
                    AddKey(file.path, path, "name", name, ("external", "name")),
                    Replace(file.path, (*path, "external"), value=True),
                ],
                evidence=f"{noun} has its name below external, an old form",
            )


def move_limits(service: WrittenService) -> Change | Refusal | None:
    """Return the change that moves the ``mem_limit`` family to the ``deploy.resources`` beside it.

    A refusal if both forms have different values; None if there is nothing to move. The short form
    alone is not deprecated (Compose specification, ``mem_limit``: must be consistent with
    ``deploy.resources`` when both are set).
    """
    old = {key: entry for key in _DEPLOY_KEYS if (entry := service.body.entry(key)) is not None}
    values = {key: scalar_text(entry.value) for key, entry in old.items()}
    file = service.file
    resources = values_below(services_in(file)[service.name].values("deploy"), "resources")
    if not old or None in values.values() or not resources:
        return None
    location = file.source.location(min(entry.start for entry in old.values()))
    added: dict[str, dict[str, Value]] = {}
    for key, text in values.items():
        kind, name = _DEPLOY_KEYS[key]
        limits = values_below(values_below(resources, kind), name)
        present = limits[0].written if limits else None
        if present is None:
            added.setdefault(kind, {})[name] = _limit(name, text or "")
        elif present != text:
            reason = f"{key} and deploy.resources.{kind}.{name} differ"
            return Refusal(reason, location, "remove one of the two")
    additions = _additions(service, added)
    if additions is None:
        return None
    effects = [e for key in old for e in service.effects(key, removed=True)]
    keys = ", ".join(old)
    title = f"Move {keys} of {service.name} to deploy.resources"
    evidence = f"{service.name} uses the old form {keys} of deploy.resources"
    removals = [Remove(file.path, (*service.path, key)) for key in old]
    return Change(
        title, location, [*additions, *removals], [*effects, *service.effects("deploy")], evidence
    )


def _additions(
    service: WrittenService, added: dict[str, dict[str, Value]]
) -> list[YamlEdit] | None:
    """Return the edits that add *added* to ``deploy.resources``; None for an alias or a merge."""
    file, path = service.file.path, service.path
    body: Node | None = service.body
    for key in ("deploy", "resources"):
        body, path = body.get(key) if isinstance(body, MappingNode) else None, (*path, key)
    if not isinstance(body, MappingNode):
        return None
    edits: list[YamlEdit] = []
    for kind, names in added.items():
        below = body.get(kind)
        if kind not in merged_entries(body):
            edits.append(AddKey(file, path, kind, {**names}, ("limits", "reservations")))
        elif isinstance(below, MappingNode):
            edits += [AddKey(file, (*path, kind), name, value) for name, value in names.items()]
        else:
            return None
    return edits


def _limit(name: str, text: str) -> Value:
    if name == "pids" and text.lstrip("-").isdecimal():
        return int(text)
    return Quoted(text) if name == "cpus" or text.isdecimal() else text


def replace_links(service: WrittenService) -> Change | None:
    """Return the change that replaces links without an alias with ``depends_on``, or None.

    Services on a common network reach each other by name. A link with an alias stays: it defines
    the name for one service alone, which no network alias can do.
    """
    file, body = service.file, service.body
    entry = body.entry("links")
    node = entry.value if entry else None
    if entry is None or not isinstance(node, YamlSequence) or not node.items:
        return None
    names = [item.value for item in node.items if isinstance(item, ScalarNode)]
    if len(names) != len(node.items) or not all(_reachable(service, name) for name in names):
        return None
    edits: list[YamlEdit]
    written = body.get("depends_on")
    if "depends_on" not in merged_entries(body):
        edits = [Rename(file.path, (*service.path, "links"), "depends_on")]
    elif isinstance(written, MappingNode | YamlSequence):
        edits = [
            *dependency_edits(file, (*service.path, "depends_on"), written, names),
            Remove(file.path, (*service.path, "links")),
        ]
    else:
        return None
    effects = [*service.effects("links", removed=True), *service.effects("depends_on")]
    title = f"Replace the links of {service.name} to {', '.join(names)} with depends_on"
    evidence = f"{service.name} uses links, an old form; its network already resolves the names"
    return Change(title, file.source.location(entry.start), edits, effects, evidence)


def _reachable(service: WrittenService, name: str) -> bool:
    """Return whether *service* shares a network with the service *name* of its file."""
    services = services_in(service.file)
    own, other = services[service.name], services.get(name)
    if other is None or own.network_mode or other.network_mode:
        return False
    own_names, names = (set(each.networks) or {"default"} for each in (own, other))
    return not own_names.isdisjoint(names)


def nest_services(file: ComposeFile) -> Iterator[Change]:
    """Yield the change that moves services of the top level below ``services``."""
    entries = file.top_services
    if not entries:
        return
    names = tuple(entry.name or "" for entry in entries)
    volumes = {name: None for entry in entries for name in _named_volumes(entry.value)}
    present = file.entries("volumes")
    # Version 1 names volumes as they are written, without the project name as a prefix.
    declared: dict[str, Value] = {n: {"name": n} for n in volumes if n not in present}
    edits: list[Nest | AddKey] = [Nest(file.path, "services", names)]
    if declared:
        edits.append(AddKey(file.path, (), "volumes", declared))
    evidence = "a version 1 file has its services at the top level"
    location = file.source.location(entries[0].start)
    yield Change(
        "Move the version 1 services below services", location, edits, (), evidence, repairs=True
    )


def _named_volumes(body: Node) -> Iterator[str]:
    for volume in volumes(body):
        if volume.text.kind == "volume" and volume.text.source:
            yield volume.text.source


def update_version_1_keys(
    file: ComposeFile, path: Path, body: MappingNode
) -> Iterator[Change | Refusal]:
    """Yield a change or refusal for each key of version 1 in *body*, a service at *path*."""
    for names, fix in (
        (("net",), _net),
        (("dockerfile",), _dockerfile),
        (("log_driver", "log_opt"), _logging),
        (("volume_driver",), _volume_driver),
    ):
        entry = next((e for e in body.entries if e.name in names), None)
        if entry is None:
            continue
        location = file.source.location(entry.start)
        current = _CURRENT_KEY[entry.name or ""]
        edits = fix(file, path, body)
        if edits:
            title = f"Replace {entry.name} with {current}"
            evidence = f"{entry.name} is a key of version 1"
            yield Change(title, location, edits, (), evidence, repairs=True)
        else:
            reason = f"{entry.name} is a key of version 1, and its current form is also present"
            remedy = f"write one of the two as {current}"
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
    if build is None or name is None or "dockerfile" in merged_entries(build):
        return []
    addition: YamlEdit
    if context is not None and isinstance(build, ScalarNode):
        both: dict[str, Value] = {"context": context, "dockerfile": name}
        addition = Replace(file.path, (*path, "build"), both)
    elif isinstance(build, MappingNode):
        addition = AddKey(
            file.path, (*path, "build"), "dockerfile", name, ("context", "dockerfile")
        )
    else:
        return []
    return [addition, Remove(file.path, (*path, "dockerfile"))]


def _logging(file: ComposeFile, path: Path, body: MappingNode) -> list[YamlEdit]:
    if body.entry("logging"):
        return []
    value: dict[str, Value] = {}
    for name, current in (("log_driver", "driver"), ("log_opt", "options")):
        node = body.get(name)
        if node is not None:
            value[current] = to_python(node, file.source)
    removals: list[YamlEdit] = [
        Remove(file.path, (*path, name)) for name in _LOG if body.entry(name)
    ]
    return [AddKey(file.path, path, "logging", value, SERVICE_ORDER), *removals]


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
        elif "driver" not in merged_entries(known[name]):
            edits.append(AddKey(file.path, ("volumes", name), "driver", driver))
    return edits
