"""Forms that the engine still takes, and what is written today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from composerefactor.compose.file import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merged import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.order import DEPLOY_ORDER
from composerefactor.compose.project import Project
from composerefactor.compose.reach import heirs
from composerefactor.edits.operations import AddItem, AddKey, Remove, Rename, Replace, YamlEdit
from composerefactor.edits.render import Quoted, Value
from composerefactor.transform import Change, Effect, Refusal
from composerefactor.yamltree.nodes import Mapping, Node, Scalar
from composerefactor.yamltree.nodes import Sequence as YamlSequence
from composerefactor.yamltree.path import Path

_MOVED = {
    "mem_limit": ("limits", "memory"),
    "cpus": ("limits", "cpus"),
    "pids_limit": ("limits", "pids"),
    "mem_reservation": ("reservations", "memory"),
}


class Written(Struct, frozen=True):
    """A service as one file writes it; *reaches* has the services whose model it is part of."""

    file: ComposeFile
    name: str
    body: Mapping
    reaches: Sequence[str]

    @classmethod
    def all_in(cls, project: Project, file: ComposeFile) -> Iterator[Written]:
        """Yield the services whose mapping stands where their name is, not elsewhere."""
        section = file.root.get("services")
        for entry in section.entries if isinstance(section, Mapping) else ():
            if entry.name and not entry.is_merge and isinstance(entry.value, Mapping):
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
        for entry in defined.entries if isinstance(defined, Mapping) else ():
            body = entry.value
            if not isinstance(body, Mapping) or not entry.name or body.entry("name"):
                continue
            external = body.entry("external")
            if external is None or not isinstance(external.value, Mapping):
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


def limits(found: Written) -> Change | Refusal | None:
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
    found: Written, added: dict[str, dict[str, Value]], place: Sequence[str]
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
        inner = body.get(key) if isinstance(body, Mapping) else None
        if not isinstance(inner, Mapping):
            return None
        body, path, wanted = inner, (*path, key), {"resources": parts}
    edits: list[YamlEdit] = []
    for kind, names in added.items():
        below = body.get(kind) if isinstance(body, Mapping) else None
        if kind not in merged_entries(body):
            edits.append(AddKey(file, path, kind, parts[kind], ("limits", "reservations")))
        elif isinstance(below, Mapping):
            edits += [AddKey(file, (*path, kind), name, value) for name, value in names.items()]
        else:
            return None
    return edits


def _limit(name: str, text: str) -> Value:
    if name == "pids" and text.lstrip("-").isdecimal():
        return int(text)
    return Quoted(text) if name == "cpus" or text.isdecimal() else text


def links(found: Written) -> Change | None:
    """Return the change that writes links without alias as ``depends_on``.

    On a network that two services share, each knows the other by its name. A link with an alias
    gives a name that no network alias gives to one service alone, so it stays.
    """
    file, body = found.file, found.body
    entry = body.entry("links")
    node = entry.value if entry else None
    if entry is None or not isinstance(node, YamlSequence) or not node.items:
        return None
    names = [item.value for item in node.items if isinstance(item, Scalar)]
    if len(names) != len(node.items) or not all(_reachable(file, body, name) for name in names):
        return None
    edits: list[YamlEdit]
    written = body.get("depends_on")
    if merged_get(body, "depends_on") is None:
        edits = [Rename(file.path, (*found.path, "links"), "depends_on")]
    elif isinstance(written, Mapping | YamlSequence):
        edits = [*_missing(found, written, names), Remove(file.path, (*found.path, "links"))]
    else:
        return None
    effects = [*found.effects("links", removed=True), *found.effects("depends_on")]
    title = f"links of {found.name} to {', '.join(names)}: a network gives the names today"
    return Change(title, file.source.location(entry.start), edits, effects)


def _missing(found: Written, written: Node, names: Sequence[str]) -> Iterator[YamlEdit]:
    path = (*found.path, "depends_on")
    if isinstance(written, Mapping):
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
    if isinstance(node, Mapping):
        return set(merged_entries(node))
    return {scalar_text(item) or "" for item in item_nodes(node)} or {"default"}
