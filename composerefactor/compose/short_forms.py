"""Ports and mounts in both forms, and one form for all spellings of a value.

Short forms are read as Docker Compose does, including its quirks (observed: v2.24.1 to v5.6.1).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from types import NoneType
from typing import Any

from msgspec import Struct

from composerefactor.compose.attributes import APPENDED, KEY_VALUE, NAMED, Path
from composerefactor.compose.interpolation import (
    EXPRESSION_MASK,
    expressions,
    mask_expressions,
    split_outside_expressions,
)
from composerefactor.yaml.nodes import MappingNode, Node
from composerefactor.yaml.values import item_nodes, merged_get, scalar_text, text_below

_MAX_DIGITS = 5
"""Longer numbers are no ports."""

_MAX_RANGE = 65536

TRUE = frozenset({"true", "True", "TRUE", "yes", "on", "y", "1", "t", "T"})
"""The spellings of true that Docker Compose accepts."""

_DOCKER_SOCKET = re.compile(r"(?:/var)?/run/(?:user/[0-9]+/)?(?:docker|podman/podman)\.sock")


class PortText(Struct, frozen=True):
    """The parts of a published port as written; a part that is not written is None.

    *target* and *published* are a port or a range ``first-last``, and may contain variables.

    Attributes:
        target: The port in the container.
        published: The port on the host.
        host_ip: The address on the host.
        protocol: The protocol in lower case.
    """

    target: str
    published: str | None = None
    host_ip: str | None = None
    protocol: str = "tcp"


class Binding(Struct, frozen=True):
    """One container port.

    Attributes:
        target: The port in the container.
        published: The port on the host, a range to choose from, or None for any port.
        host_ip: The address on the host, or None for all.
        protocol: The protocol.
    """

    target: int
    published: str | None
    host_ip: str | None
    protocol: str

    @property
    def key(self) -> tuple[str, str | None, int, str]:
        """What tells two items of ``ports`` apart; of equal ones the last counts."""
        everywhere = "0.0.0.0"  # noqa: S104 - Docker's default, nothing is bound
        return (self.host_ip or everywhere, self.published, self.target, self.protocol)


class Port(Struct, frozen=True):
    """One item of ``ports``.

    Attributes:
        node: The item.
        text: The parts as written.
        is_long: True for the long form.
    """

    node: Node
    text: PortText
    is_long: bool = False

    def bindings(self) -> list[Binding] | None:
        """Return one binding per container port; None if it contains a variable or is invalid."""
        text = self.text
        targets = _range(text.target)
        published = _range(text.published) if text.published else None
        if (
            targets is None
            or (text.published and published is None)
            or EXPRESSION_MASK in mask_expressions(text.host_ip or "")
        ):
            return None
        if published is None or (len(targets) == 1 and len(published) > 1):
            return [Binding(t, text.published, text.host_ip, text.protocol) for t in targets]
        if len(targets) != len(published):
            return None
        return [
            Binding(target, str(port), text.host_ip, text.protocol)
            for target, port in zip(targets, published, strict=True)
        ]


def parse_port(text: str) -> PortText | None:
    """Return the parts of the short form *text*: ``[[ip:]published:]target[/protocol]``.

    Returns None if the target is empty or if there is more than one protocol.
    """
    ports, *protocols = split_outside_expressions(text, "/")
    *before, target = split_outside_expressions(ports, ":")
    if not target or len(protocols) > 1:
        return None
    published = before.pop() if before else ""
    host_ip = ":".join(before)
    if host_ip.startswith("[") and host_ip.endswith("]"):
        host_ip = host_ip[1:-1]
    protocol = (protocols[0] if protocols else "") or "tcp"
    return PortText(target, published or None, host_ip or None, protocol.lower())


def port_in_long_form(text_of: Callable[[str], str | None]) -> PortText:
    """Return the parts of a port in the long form; *text_of* returns the text of a key."""
    return PortText(
        text_of("target") or "",
        text_of("published") or None,
        text_of("host_ip") or None,
        text_of("protocol") or "tcp",
    )


def ports(service: Node) -> Iterator[Port]:
    """Yield the published ports of *service*, merge keys and aliases followed.

    Items that are in neither form are omitted; Docker Compose rejects them.
    """
    yield from filter(None, map(port_of, item_nodes(merged_get(service, "ports"))))


def port_of(item: Node) -> Port | None:
    """Return *item*, one of ``ports``, as it is written; None if it is in neither form."""
    if isinstance(item, MappingNode):
        text = port_in_long_form(partial(text_below, item))
        return Port(item, text, is_long=True) if text.target else None
    short = parse_port(scalar_text(item) or "")
    return None if short is None else Port(item, short)


def _range(text: str) -> range | None:
    """Return the ports of ``first`` or ``first-last``; None for other texts."""
    first, dash, last = text.partition("-")
    if not (first.isascii() and first.isdigit()) or (
        dash and not (last.isascii() and last.isdigit())
    ):
        return None
    if max(len(first), len(last)) > _MAX_DIGITS:
        return None
    low, high = int(first), int(last or first)
    return range(low, high + 1) if low <= high < _MAX_RANGE else None


class VolumeText(Struct, frozen=True):
    """The parts of a mount as written.

    Attributes:
        kind: ``bind``, ``volume``, or another type of the long form; ``""`` if it depends on a
            variable: the one with which *source* begins, or the ``type`` of the long form.
        source: The path or the name of the volume; None for an anonymous volume and for tmpfs.
        target: The path in the container.
        options: The options, such as ``ro``.
    """

    kind: str
    source: str | None
    target: str
    options: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        """True for the option ``ro``, and for ``read_only: true`` in the long form."""
        return "ro" in self.options

    @property
    def is_named(self) -> bool:
        """True for a volume with a name."""
        return self.kind == "volume" and self.source is not None

    @property
    def is_docker_socket(self) -> bool:
        """True if the container can control the Docker daemon, and so the host."""
        return is_docker_socket(self.source or "") or is_docker_socket(self.target)


def is_docker_socket(path: str) -> bool:
    """Return whether *path* is a socket of Docker or Podman, with or without root."""
    return _DOCKER_SOCKET.fullmatch(path) is not None


def is_engine_socket(path: str) -> bool:
    """Return whether *path* is named like a socket of a container engine, wherever it is."""
    return path.endswith(("docker.sock", "containerd.sock", "podman.sock", "crio.sock"))


class Volume(Struct, frozen=True):
    """One item of ``volumes``.

    Attributes:
        node: The item.
        text: The parts as written.
        source_node: The scalar that contains the source (in the short form, at its beginning), or
            None if there is no source.
        is_long: True for the long form.
    """

    node: Node
    text: VolumeText
    source_node: Node | None
    is_long: bool = False


@lru_cache(maxsize=4096)
def parse_volume(text: str) -> VolumeText | None:
    """Return the parts of the short form *text*: ``[source:]target[:options]``.

    One letter before a colon is a Windows drive, so ``v:/v`` is an anonymous volume. Returns None
    if a part is empty or if there are more than three, which Docker Compose rejects.
    """
    parts = _sections(text)
    match parts if all(parts) else []:
        case [target]:
            return VolumeText("volume", None, target)
        case [source, target]:
            return VolumeText(_kind(source), source, target)
        case [source, target, options]:
            return VolumeText(_kind(source), source, target, tuple(options.split(",")))
        case _:
            return None


def volume_in_long_form(text_of: Callable[[str], str | None]) -> VolumeText:
    """Return the parts of a mount in the long form; *text_of* returns the text of a key."""
    kind = text_of("type") or "volume"
    return VolumeText(
        "" if expressions(kind) else kind,
        text_of("source") or None,
        text_of("target") or "",
        ("ro",) if text_of("read_only") in TRUE else (),
    )


def volumes(service: Node) -> Iterator[Volume]:
    """Yield the mounts of *service*, with merge keys and aliases resolved.

    Items that are in neither form are omitted; Docker Compose rejects them.
    """
    for item in item_nodes(merged_get(service, "volumes")):
        if isinstance(item, MappingNode):
            text = volume_in_long_form(partial(text_below, item))
            source_node = merged_get(item, "source") if text.source else None
            yield Volume(item, text, source_node, is_long=True)
        elif (short := parse_volume(scalar_text(item) or "")) is not None:
            yield Volume(item, short, item if short.source is not None else None)


def _sections(text: str) -> list[str]:
    """Split *text* at the colons that are not part of an expression or of a Windows drive."""
    mask = mask_expressions(text)
    sections, start = [], 0
    if len(text) <= len("v:"):
        return [text]
    for at, char in enumerate(mask):
        if char == ":" and not (at - start == 1 and text[start].isalpha()):
            sections.append(text[start:at])
            start = at + 1
    return [*sections, text[start:]]


def _kind(source: str) -> str:
    """Return the kind of a mount in the short form: ``bind``, ``volume`` or ``""``."""
    mask = mask_expressions(source)
    if mask[0] == EXPRESSION_MASK:
        return ""
    is_path = mask[0] in "./~" or mask.startswith("\\\\")
    is_path = is_path or (mask[1:2] == ":" and mask[0].isalpha())
    return "bind" if is_path else "volume"


_ACCESS = {(): {}, ("rw",): {}, ("ro",): {"read_only": True}}


def long_form(item: Any, attribute: str) -> Any:
    """Return an item of the list *attribute* in its long form, or unchanged if it has none."""
    if attribute == "ports" and isinstance(item, str | int) and not isinstance(item, bool):
        return _long_port(str(item))
    if not isinstance(item, str) or "$" in item:
        return item
    if attribute == "volumes":
        return _long_volume(item)
    return {"source": item} if attribute in {"secrets", "configs"} else item


def _long_port(text: str) -> Any:
    """Return the long form of the port *text*; *text* itself if it has a variable or a range."""
    port = parse_port(text)
    if port is None or not port.target.isdigit() or not (port.published or "1").isdigit():
        return text
    long_port = {"mode": "ingress", "target": int(port.target), "protocol": port.protocol}
    optional = {"published": port.published, "host_ip": port.host_ip}
    return long_port | {key: value for key, value in optional.items() if value is not None}


def _long_volume(text: str) -> Any:
    """Return the long form of the mount *text*; *text* itself for anonymous volumes and options."""
    volume = parse_volume(text)
    if volume is None or volume.source is None or volume.options not in _ACCESS:
        return text
    options = {"create_host_path": True} if volume.kind == "bind" else {}
    return {
        "type": volume.kind,
        "source": volume.source,
        "target": posixpath.normpath(volume.target),
        volume.kind: options,
        **_ACCESS[volume.options],
    }


_NO_OPTIONS = {"condition": "service_started", "required": True}


def canonical_value(value: Any, path: Path) -> Any:
    """Return *value* in a canonical form, which is equal for all spellings at *path*."""
    if path in KEY_VALUE:
        return key_value_pairs(value)
    if path in NAMED:
        return options_by_name(value, path)
    if path == ("build",) and isinstance(value, str):
        return {"context": value}
    if path in APPENDED and isinstance(value, list):
        return [long_form(item, path[0]) for item in value]
    if isinstance(value, dict):
        return {key: canonical_value(part, (*path, key)) for key, part in value.items()}
    return value


def non_text_values(value: Any, path: Path) -> Any:
    """Return the numbers, booleans and nulls in key/value mappings at and below *path*.

    ``1`` and ``"1"`` mean the same for a container, but an uninterpolated configuration shows which
    one is written. Nulls in ``environment`` are omitted: a name without a value is the same in a
    list (``- A``) and in a mapping (``A:``).
    """
    if path in KEY_VALUE:
        text: tuple[Any, ...] = (str, NoneType) if path == ("environment",) else (str,)
        mapping = value if isinstance(value, dict) else {}
        return {name: part for name, part in mapping.items() if not isinstance(part, text)}
    if not isinstance(value, dict):
        return {}
    below = {key: non_text_values(part, (*path, key)) for key, part in value.items()}
    return {key: part for key, part in below.items() if part}


def key_value_pairs(value: Any) -> Any:
    """Return a key/value attribute as a dict of strings; None for names without a value."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        parts = (item.partition("=") for item in value)
        return {name: text if equals else None for name, equals, text in parts}
    if isinstance(value, dict):
        return {key: _as_text(part) for key, part in value.items()}
    return value


def _as_text(value: Any) -> Any:
    """Return *value* as Docker Compose writes it; floats stay, since ``1.50`` becomes ``1.5``."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def options_by_name(value: Any, path: Path) -> Any:
    """Return a list or mapping of names as a dict from each name to its options."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = dict.fromkeys(value)
    if not isinstance(value, dict):
        return value
    if path == ("depends_on",) and all(isinstance(p, dict | None) for p in value.values()):
        return {key: {**_NO_OPTIONS, **(part or {})} for key, part in value.items()}
    return dict(value)
