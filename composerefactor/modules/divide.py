"""Where each part of a root goes: services to modules, what they alone use along with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from composerefactor.compose.file import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merged import merged_get
from composerefactor.compose.project import Project
from composerefactor.compose.references import extended, resources
from composerefactor.modules.anchors import AnchorIndex, Holder
from composerefactor.modules.assemble import Division
from composerefactor.yamltree.nodes import Node, Scalar, resolve

ROOT = ""


def divide(
    project: Project,
    file: ComposeFile,
    anchors: AnchorIndex,
    service_homes: Mapping[str, str],
    order: tuple[str, ...],
    kept: Iterable[Holder],
) -> Division:
    """Return the destination of every part of *file*.

    *service_homes* gives the module of each service that moves, *order* the modules in plan order,
    *kept* further parts that stay in the root.
    """
    homes: dict[Holder, str] = {}
    kept = set(kept)
    users = resource_users(project, file, service_homes)
    for name, section in (file.sections or {}).items():
        if name == "services" and section.entries is not None:
            for key in section.entries:
                homes[name, key] = service_homes.get(key, ROOT)
        elif name in RESOURCE_SECTIONS and section.entries is not None:
            for key in section.entries:
                of = users.get((name, key), {ROOT})
                alone = len(of) == 1 and (name, key) not in kept
                stays = not alone or belongs_to_root(name, key, section.value)
                homes[name, key] = ROOT if stays else next(iter(of))
        elif section.entries is not None and not name.startswith("x-"):
            for key in section.entries:
                homes[name, key] = ROOT
        else:
            homes[name, ""] = ROOT
    _place_anchor_blocks(file, anchors, homes, order, kept)
    return Division(file, anchors, homes, order)


def resource_users(
    project: Project, file: ComposeFile, service_homes: Mapping[str, str]
) -> dict[Holder, set[str]]:
    """Return, per resource, the destinations whose services name it, overrides included."""
    found: dict[Holder, set[str]] = {}
    companions = [
        project.files[path]
        for entry, paths in project.files_of.items()
        if file.path in entry.files or file.path in paths
        for path in paths
        if path in project.files
    ]
    for other in {f.path: f for f in [file, *companions]}.values():
        for name, body in other.services.items():
            home = service_homes.get(name, ROOT)
            for resource in _with_parents(project, other, body):
                found.setdefault(resource, set()).add(home)
    return found


def _with_parents(project: Project, file: ComposeFile, body: Node) -> set[Holder]:
    found = set(resources(body))
    parent = extended(body)
    for _ in range(20):  # longer chains only decide where a resource stands, not what it is
        if parent is None or parent[1] is None:
            break
        if parent[0] is not None:
            name = parent[0].rpartition("/")[2]
            match = [f for p, f in project.files.items() if p.rpartition("/")[2] == name]
            if not match:
                break
            file = match[0]
        body = file.services.get(parent[1], body)
        found |= resources(body)
        parent = extended(body)
    return found


def belongs_to_root(section: str, name: str, value: Node) -> bool:
    """Return whether a resource has to stay in the root although one module alone uses it."""
    if name == "<<" or (section == "networks" and name == "default"):
        return True  # an included default network is everybody's (observed: v5.6.1)
    if section not in {"secrets", "configs"}:
        return False
    body = resolve(value.get(name) or value) if hasattr(value, "get") else value
    if isinstance(body, Scalar):
        return True  # each included file passes the schema alone, which takes no empty secret
    return merged_get(body, "environment") is not None and section == "configs"


def _place_anchor_blocks(
    file: ComposeFile,
    anchors: AnchorIndex,
    homes: dict[Holder, str],
    order: tuple[str, ...],
    kept: set[Holder],
) -> None:
    """Move each ``x-`` block that only carries anchors to the first module that needs it.

    Aliases look upwards only, so going from the last block to the first sees every need.
    """
    names = [n for n in file.sections or {} if n.startswith("x-")]
    for name in reversed(names):
        holder = (name, "")
        section = (file.sections or {})[name]
        if holder in kept or not anchors.carries_only_anchors(section):
            continue
        parts: dict[str, list[Holder]] = {}
        for other, home in homes.items():
            if other != holder:
                parts.setdefault(home, []).append(other)
        needing = [d for d in (ROOT, *order) if holder in anchors.needs(parts.get(d, []))]
        if needing and ROOT not in needing:
            homes[holder] = needing[0]
