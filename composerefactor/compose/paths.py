"""Attributes that contain paths, and which of them Docker Compose resolves.

Resolved paths are relative to the project directory, or to the directory of an extended file. They
change their meaning when their text moves to a file in another directory. The other paths appear
unchanged in the resolved configuration (Compose specification; observed: v5.6.1). Paths inside of a
container (``working_dir``, ``tmpfs``, mount targets) and free text (``command``, labels) are not
listed. Which attributes contain paths is in :mod:`composerefactor.compose.attributes`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import SERVICE, TOP, Attribute, Path
from composerefactor.compose.interpolation import expressions, split_outside_expressions
from composerefactor.compose.short_forms import volumes
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode, resolve
from composerefactor.yaml.values import (
    item_nodes,
    merged_entries,
    merged_get,
    scalar_text,
    short_or_long,
    text_below,
)

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|github\.com/|git@|service:")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_VARIABLE = r"\$(?!\$)"
_SECCOMP = r"seccomp[:=](?!unconfined$|builtin$)(?=.)"


def is_remote(path: str) -> bool:
    """Return whether *path* is a URL, or a repository or service that a build can read.

    Source: observed, v2.24.1 to v5.6.1, for a build context and for an included file.
    """
    return _REMOTE.match(path) is not None


def is_absolute(path: str) -> bool:
    """Return whether *path* begins at the root of a disk, or at the home directory."""
    return path.startswith(("/", "~")) or _WINDOWS.match(path) is not None


def is_outside(path: str) -> bool:
    """Return whether *path*, relative to the repository and normalized, is outside of it."""
    return path == ".." or path.startswith("../")


def is_below(path: str, directory: str) -> bool:
    """Return whether *path* is *directory* or below it."""
    return directory == "." or f"{path}/".startswith(f"{directory.rstrip('/')}/")


def is_inside(path: str) -> bool:
    """Return whether *path*, normalized, is a relative path that does not lead out."""
    return not (is_outside(path) or is_absolute(path))


def directory_of(path: str) -> str:
    """Return the directory of the file *path*; ``.`` is the root of the project."""
    return posixpath.dirname(path) or "."


def path_from(directory: str, *names: str) -> str:
    """Return the path *names*, which is relative to *directory*, in normal form."""
    return posixpath.normpath(posixpath.join(directory, *names))


class PathAttribute(Struct, frozen=True):
    """A path in an attribute: ``node.value[offset:offset + len(text)]``.

    A missing ``build.context`` is listed too, since Docker Compose resolves it as ``.``. Its *text*
    is empty and its *node* is the ``build`` mapping.

    Attributes:
        node: The scalar that contains the path.
        text: The path as written, before interpolation.
        attribute: The attribute that contains it.
        resolved: True if Docker Compose makes the path absolute.
        offset: Offset of the path in the value of *node*.
        uncertain: True if a variable decides whether it is a path that Docker Compose resolves.
    """

    node: Node
    text: str
    attribute: Attribute
    resolved: bool
    offset: int = 0
    uncertain: bool = False

    @property
    def kind(self) -> str:
        """The name of the attribute, such as ``build.context``."""
        return self.attribute.name

    @property
    def is_missing(self) -> bool:
        """True if no path is written."""
        return not self.text

    @property
    def form(self) -> str:
        """``relative``, ``absolute``, ``home``, ``remote`` (URL, ``service:``), or ``variable``.

        A path is ``variable`` if it is *uncertain* or begins with a variable, whose value decides.
        """
        if self.uncertain or re.match(_VARIABLE, self.text):
            return "variable"
        if self.text.startswith("~"):
            return "home"
        if is_absolute(self.text):
            return "absolute"
        if "remote" in self.attribute.options and is_remote(self.text):
            return "remote"
        return "relative"


def path_attributes(service: Node) -> Iterator[PathAttribute]:
    """Yield the paths in the body *service*, with merge keys and aliases resolved."""
    yield from _paths_at(service, SERVICE)


def file_path_attributes(root: Node) -> Iterator[PathAttribute]:
    """Yield all paths in the file with the top-level mapping *root*, including its services."""
    yield from _paths_at(root, TOP)
    for entry in merged_entries(merged_get(root, "services")).values():
        yield from path_attributes(entry.value)


def _paths_at(node: Node, table: Mapping[Path, Attribute]) -> Iterator[PathAttribute]:
    """Yield the paths in those attributes of *table* that contain paths, below *node*."""
    for attribute in table.values():
        if "path" in attribute.options:
            yield from _READERS.get(attribute.name, _texts)(node, attribute)


def _texts(node: Node, attribute: Attribute) -> Iterator[PathAttribute]:
    """Yield the paths at *attribute*: a text, or a list of texts and mappings with a ``path``."""
    for value in _nodes(node, attribute.path):
        if attribute.has_pairs:
            yield from _pair_values(value, attribute)
            continue
        for item in item_nodes(value):
            yield from _scalar(short_or_long(item, "path"), attribute)


def _nodes(node: Node | None, path: Path) -> Iterator[Node]:
    """Yield what is at *path* below *node*; ``*`` is each item of a list or value of a mapping."""
    if node is None:
        return
    if not path:
        yield node
    elif path[0] != "*":
        yield from _nodes(merged_get(node, path[0]), path[1:])
    elif isinstance(resolve(node), MappingNode):
        for entry in merged_entries(node).values():
            yield from _nodes(entry.value, path[1:])
    else:
        for item in item_nodes(node):
            yield from _nodes(item, path[1:])


def _context(service: Node, attribute: Attribute) -> Iterator[PathAttribute]:
    build = merged_get(service, "build")
    context = short_or_long(build, "context")
    if isinstance(build, MappingNode) and not scalar_text(context):
        yield PathAttribute(build, "", attribute, resolved=True)
    yield from _scalar(context, attribute)


def _mounts(service: Node, attribute: Attribute) -> Iterator[PathAttribute]:
    for volume in volumes(service):
        text = volume.text
        if volume.source_node is not None and text.kind in {"bind", ""}:
            path = _path_attribute(volume.source_node, attribute, text=text.source)
            yield replace(path, uncertain=volume.is_long and not text.kind)
        elif not volume.is_long and expressions(text.target) and text.source is None:
            # `${CODE:-./code:/code}`: the variable may contain the source and the target.
            yield _path_attribute(volume.node, attribute)


def _devices(service: Node, attribute: Attribute) -> Iterator[PathAttribute]:
    for device in item_nodes(merged_get(service, "devices")):
        if isinstance(device, MappingNode):
            yield from _scalar(merged_get(device, "source"), attribute)
        elif host := (scalar_text(device) or "").partition(":")[0]:
            yield _path_attribute(device, attribute, text=host)


def _security_options(service: Node, attribute: Attribute) -> Iterator[PathAttribute]:
    for option in item_nodes(merged_get(service, "security_opt")):
        if match := re.match(_SECCOMP, scalar_text(option) or ""):
            yield _path_attribute(option, attribute, offset=match.end())


def _includes(root: Node, attribute: Attribute) -> Iterator[PathAttribute]:
    for item in item_nodes(merged_get(root, "include")):
        for path in item_nodes(short_or_long(item, "path")):
            yield from _scalar(path, attribute)


def _volume_devices(root: Node, attribute: Attribute) -> Iterator[PathAttribute]:
    """Yield the devices of named volumes; resolved only for ``driver: local`` and ``o: bind``."""
    for entry in merged_entries(merged_get(root, "volumes")).values():
        options = merged_get(entry.value, "driver_opts")
        kind = text_below(options, "o") or ""
        driver = text_below(entry.value, "driver") or ""
        may_be_bind = kind == "bind" or bool(expressions(kind))
        may_be_local = driver == "local" or bool(expressions(driver))
        uncertain = bool(expressions(kind + driver))
        for path in _scalar(merged_get(options, "device"), attribute):
            yield replace(path, resolved=may_be_bind and may_be_local, uncertain=uncertain)


_READERS: Mapping[str, Callable[[Node, Attribute], Iterator[PathAttribute]]] = {
    "build.context": _context,
    "volumes": _mounts,
    "devices": _devices,
    "security_opt": _security_options,
    "include.path": _includes,
    "volumes.driver_opts.device": _volume_devices,
}
"""The functions for attributes in which a path is only a part of the value, or may be missing."""


def _pair_values(node: Node, attribute: Attribute) -> Iterator[PathAttribute]:
    """Yield the values of the mapping *node*, or of a list of ``name=value`` items."""
    if isinstance(resolve(node), SequenceNode):
        for item in item_nodes(node):
            text = scalar_text(item) or ""
            name, *path = split_outside_expressions(text, "=")
            if any(path):
                yield _path_attribute(item, attribute, offset=len(name) + len("="))
            elif expressions(text):  # the variable may contain the name and the path
                yield replace(_path_attribute(item, attribute), uncertain=True)
        return
    for entry in merged_entries(node).values():
        yield from _scalar(entry.value, attribute)


def _scalar(node: Node | None, attribute: Attribute) -> Iterator[PathAttribute]:
    node = resolve(node)
    if node is not None and scalar_text(node):
        yield _path_attribute(node, attribute)


def _path_attribute(
    node: Node, attribute: Attribute, *, text: str | None = None, offset: int = 0
) -> PathAttribute:
    text = (scalar_text(node) or "")[offset:] if text is None else text
    resolved = attribute.options["path"] == "project"
    return PathAttribute(node, text, attribute, resolved, offset)
