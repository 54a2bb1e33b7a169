"""Attributes that hold paths, and which of them the engine resolves.

Resolved ones are relative to the project directory, or to the directory of an extended file; so
they mean something else when their text moves there. The others keep their text in the model
(Compose specification; observed: v5.6.1). Attributes that only hold paths inside of a container
(``working_dir``, ``tmpfs``, mount targets), and free text (``command``, labels), are not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.volumes import volumes
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode, resolve

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|github\.com/|git@|service:")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_VARIABLE = re.compile(r"\$(?!\$)")


class PathAttribute(Struct, frozen=True):
    """A path: ``node.value[offset:offset + len(text)]`` is *text*, before interpolation.

    *kind* is the attribute, as ``build.context``. *resolved* is True where the engine makes the
    path absolute. A missing ``build.context`` has an empty *text*, is resolved as ``.``, and *node*
    is the ``build`` mapping that lacks it.
    """

    node: Node
    text: str
    kind: str
    resolved: bool
    offset: int = 0

    @property
    def is_missing(self) -> bool:
        """True where no path is written."""
        return not self.text

    @property
    def form(self) -> str:
        """``relative``, ``absolute``, ``home``, ``remote`` (URL, ``service:``), or ``variable``.

        The last is for a path that begins with a variable: its value decides.
        """
        if _VARIABLE.match(self.text):
            return "variable"
        if self.text.startswith("/") or _WINDOWS.match(self.text):
            return "absolute"
        if self.text.startswith("~"):
            return "home"
        if self.kind in _MAY_BE_REMOTE and _REMOTE.match(self.text):
            return "remote"
        return "relative"


_MAY_BE_REMOTE = frozenset({"build.context", "build.additional_contexts", "include.path"})


def path_attributes(service: Node) -> Iterator[PathAttribute]:
    """Yield the paths in the body *service*, merge keys and aliases followed."""
    yield from _build(merged_get(service, "build"))
    yield from _files(merged_get(service, "env_file"), "env_file")
    yield from _files(merged_get(service, "label_file"), "label_file")
    for volume in volumes(service):
        if volume.source_node is not None and volume.text.kind in {"bind", ""}:
            yield _path(volume.source_node, "volumes", text=volume.text.source)
    yield from _each(merged_get(merged_get(service, "develop"), "watch"), "path", "develop.watch")
    yield from _scalar(merged_get(merged_get(service, "extends"), "file"), "extends.file")
    yield from _unresolved(service)


def file_path_attributes(root: Node) -> Iterator[PathAttribute]:
    """Yield all paths in the file whose top-level mapping is *root*, those of services included."""
    for item in item_nodes(merged_get(root, "include")):
        if isinstance(item, MappingNode):
            yield from _files(merged_get(item, "path"), "include.path")
            directory = merged_get(item, "project_directory")
            yield from _scalar(directory, "include.project_directory")
            yield from _files(merged_get(item, "env_file"), "include.env_file")
        else:
            yield from _scalar(item, "include.path")
    for entry in merged_entries(merged_get(root, "services")).values():
        yield from path_attributes(entry.value)
    for section in ("configs", "secrets"):
        for entry in merged_entries(merged_get(root, section)).values():
            yield from _scalar(merged_get(entry.value, "file"), f"{section}.file")
    for entry in merged_entries(merged_get(root, "volumes")).values():
        yield from _device(entry.value)


def _build(build: Node | None) -> Iterator[PathAttribute]:
    if not isinstance(build, MappingNode):
        yield from _scalar(build, "build.context")
        return
    context = merged_get(build, "context")
    if scalar_text(context):
        yield from _scalar(context, "build.context")
    else:
        yield PathAttribute(build, "", "build.context", resolved=True)
    yield from _scalar(merged_get(build, "dockerfile"), "build.dockerfile", resolved=False)
    yield from _pairs(merged_get(build, "additional_contexts"), "build.additional_contexts")
    yield from _pairs(merged_get(build, "ssh"), "build.ssh")


def _unresolved(service: Node) -> Iterator[PathAttribute]:
    """Yield what the engine hands on as it is written."""
    credential = merged_get(merged_get(service, "credential_spec"), "file")
    yield from _scalar(credential, "credential_spec.file", resolved=False)
    for option in item_nodes(merged_get(service, "security_opt")):
        text = scalar_text(option) or ""
        # Read from the root's project directory when a container is made, whatever file holds it.
        if match := re.match(r"(?:seccomp)[:=](?!unconfined$|builtin$)(?=.)", text):
            yield _path(option, "security_opt", offset=match.end(), resolved=False)
    for device in item_nodes(merged_get(service, "devices")):
        if isinstance(device, MappingNode):
            yield from _scalar(merged_get(device, "source"), "devices", resolved=False)
        elif host := (scalar_text(device) or "").partition(":")[0]:
            yield _path(device, "devices", text=host, resolved=False)
    blkio = merged_entries(merged_get(service, "blkio_config"))
    for name, entry in blkio.items():
        yield from _each(entry.value, "path", f"blkio_config.{name}", resolved=False)


def _device(volume: Node) -> Iterator[PathAttribute]:
    """Yield the device of a named volume: resolved only for ``driver: local`` and ``o: bind``."""
    options = merged_get(volume, "driver_opts")
    is_bind = scalar_text(merged_get(options, "o")) == "bind"
    is_local = scalar_text(merged_get(volume, "driver")) == "local"
    device = merged_get(options, "device")
    yield from _scalar(device, "volumes.driver_opts.device", resolved=is_bind and is_local)


def _files(node: Node | None, kind: str) -> Iterator[PathAttribute]:
    """Yield the paths of a string, or of a list of strings and of mappings with a ``path``."""
    for item in item_nodes(node):
        written = merged_get(item, "path") if isinstance(item, MappingNode) else item
        yield from _scalar(written, kind)


def _each(
    node: Node | None, name: str, kind: str, *, resolved: bool = True
) -> Iterator[PathAttribute]:
    """Yield what key *name* holds in each mapping of a list."""
    for item in item_nodes(node):
        yield from _scalar(merged_get(item, name), kind, resolved=resolved)


def _pairs(node: Node | None, kind: str) -> Iterator[PathAttribute]:
    """Yield the values of a mapping, or of a list of ``name=value``."""
    node = resolve(node) if node is not None else None
    if isinstance(node, SequenceNode):
        for item in item_nodes(node):
            name, equals, path = (scalar_text(item) or "").partition("=")
            if equals and path:
                yield _path(item, kind, offset=len(name) + len(equals))
        return
    for entry in merged_entries(node).values():
        yield from _scalar(entry.value, kind)


def _scalar(node: Node | None, kind: str, *, resolved: bool = True) -> Iterator[PathAttribute]:
    node = resolve(node) if node is not None else None
    if node is not None and scalar_text(node):
        yield _path(node, kind, resolved=resolved)


def _path(
    node: Node, kind: str, *, text: str | None = None, offset: int = 0, resolved: bool = True
) -> PathAttribute:
    text = (scalar_text(node) or "")[offset:] if text is None else text
    return PathAttribute(node, text, kind, resolved, offset)
