"""What one service refers to, and what an ``include`` names (Compose specification)."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.short_forms import volumes
from composerefactor.yaml.nodes import MappingNode, Node
from composerefactor.yaml.values import (
    item_nodes,
    merged_entries,
    merged_get,
    names_in,
    scalar_text,
    short_or_long,
    text_below,
)

NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")
"""The attributes by which a service may share a namespace of another one: ``service:NAME``."""


@lru_cache(maxsize=4096)
def referenced_resources(service: Node) -> frozenset[tuple[str, str]]:
    """Return the (section, name) pairs of the top-level resources that *service* refers to."""
    body = merged_entries(service)
    resources: set[tuple[str, str]] = set()
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
        resources.update((section, name) for name in names if name)
    build = body.get("build")
    if build is not None:
        granted = _granted_names(merged_get(build.value, "secrets"))
        resources.update(("secrets", name) for name in granted)
    return frozenset(resources)


def _granted_names(node: Node | None) -> list[str]:
    """Return the names in a list of secrets or configs, in the short or the long form."""
    names = []
    for item in item_nodes(node):
        name = scalar_text(short_or_long(item, "source"))
        if name:
            names.append(name)
    return names


class Include(Struct, frozen=True):
    """An item of ``include``, in the short or the long form.

    Attributes:
        node: The item.
        paths: The paths of its files, as written; ``""`` for what is no text.
        project_directory: The project directory, as written, or None.
        env_files: The paths of its env files, as written.
    """

    node: Node
    paths: tuple[str, ...]
    project_directory: str | None
    env_files: tuple[str, ...]


def includes(root: Node | None) -> list[Include]:
    """Return the items of ``include`` in *root*, the top-level mapping of a file."""
    return [
        Include(
            item,
            _texts(short_or_long(item, "path")),
            text_below(item, "project_directory"),
            _texts(merged_get(item, "env_file")),
        )
        for item in item_nodes(merged_get(root, "include"))
    ]


def _texts(node: Node | None) -> tuple[str, ...]:
    return tuple(scalar_text(item) or "" for item in item_nodes(node))


def extends_target(service: Node) -> tuple[str | None, str | None, Node] | None:
    """Return (file or None, service or None, node) of the ``extends`` of *service*, or None."""
    node = merged_get(service, "extends")
    if node is None:
        return None
    if isinstance(node, MappingNode):
        return text_below(node, "file"), text_below(node, "service"), node
    return None, scalar_text(node), node


@lru_cache(maxsize=64)
def extending_services(file: ComposeFile) -> dict[str, list[tuple[str, str | None]]]:
    """Return the services of *file* that extend a service, by the name of the latter.

    Each is a pair of its name and the file that its ``extends`` names, or None.
    """
    by_parent: dict[str, list[tuple[str, str | None]]] = {}
    for name, body in file.services.items():
        parent = extends_target(body)
        if parent is not None and parent[1] is not None:
            by_parent.setdefault(parent[1], []).append((name, parent[0]))
    return by_parent


def referenced_services(service: Node) -> set[str]:
    """Return the names of the services that *service* needs in the same project.

    They come from depends_on, links, volumes_from and the ``service:`` form of namespaces (Compose
    specification; observed: Docker Compose rejects each of them if the service is undefined).
    """
    body = merged_entries(service)
    names: set[str] = set()
    for attribute in ("depends_on", "links", "volumes_from"):
        entry = body.get(attribute)
        for name in names_in(entry.value) if entry else []:
            if not name.startswith("container:"):
                names.add(name.split(":", 1)[0])
    for attribute in NAMESPACES:
        entry = body.get(attribute)
        text = scalar_text(entry.value) if entry else None
        if text and text.startswith("service:"):
            names.add(text.removeprefix("service:"))
    return names
