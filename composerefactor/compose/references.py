"""What a service names: resources and other services (Compose specification)."""

from __future__ import annotations

from functools import lru_cache

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merge_keys import (
    item_nodes,
    merged_entries,
    merged_get,
    names_in,
    scalar_text,
)
from composerefactor.compose.volumes import volumes
from composerefactor.yaml.nodes import MappingNode, Node


@lru_cache(maxsize=4096)
def resources(service: Node) -> frozenset[tuple[str, str]]:
    """Return the (section, name) pairs of the top-level resources that *service* names."""
    body = merged_entries(service)
    found: set[tuple[str, str]] = set()
    for section in RESOURCE_SECTIONS:
        entry = body.get(section)
        if entry is None:
            continue
        if section == "volumes":
            names = [v.text.source or "" for v in volumes(service) if v.text.kind == "volume"]
        elif section in {"secrets", "configs"}:
            names = _granted_names(entry.value)
        else:
            names = names_in(entry.value)
        found.update((section, name) for name in names if name)
    build = body.get("build")
    if build is not None:
        granted = _granted_names(merged_get(build.value, "secrets"))
        found.update(("secrets", name) for name in granted)
    return frozenset(found)


def _granted_names(node: Node | None) -> list[str]:
    found = []
    for item in item_nodes(node):
        name = scalar_text(merged_get(item, "source") if isinstance(item, MappingNode) else item)
        if name:
            found.append(name)
    return found


def extended(service: Node) -> tuple[str | None, str | None, Node] | None:
    """Return (file or None, service or None, node) of what *service* extends, or None."""
    node = merged_get(service, "extends")
    if node is None:
        return None
    if isinstance(node, MappingNode):
        return scalar_text(merged_get(node, "file")), scalar_text(merged_get(node, "service")), node
    return None, scalar_text(node), node


@lru_cache(maxsize=64)
def extending(file: ComposeFile) -> dict[str, list[tuple[str, str | None]]]:
    """Return the services of *file* that extend one, with the file that they name, by its name."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for name, body in file.services.items():
        parent = extended(body)
        if parent is not None and parent[1] is not None:
            found.setdefault(parent[1], []).append((name, parent[0]))
    return found


def services(service: Node) -> set[str]:
    """Return the names of the services that *service* needs in the same project.

    From depends_on, links, volumes_from and the ``service:`` form of namespaces (Compose
    specification; observed: the engine rejects each of them where nothing has the name).
    """
    body = merged_entries(service)
    found: set[str] = set()
    for attribute in ("depends_on", "links", "volumes_from"):
        entry = body.get(attribute)
        for name in names_in(entry.value) if entry else []:
            if not name.startswith("container:"):
                found.add(name.split(":", 1)[0])
    for attribute in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        entry = body.get(attribute)
        text = scalar_text(entry.value) if entry else None
        if text and text.startswith("service:"):
            found.add(text.removeprefix("service:"))
    return found
