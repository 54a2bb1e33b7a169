"""Values of attributes in one form for all spellings, as Docker Compose merges them.

Paths are relative to the service, such as ``("build", "args")``. Source: Compose specification
(merge), observed: v2.24.1 to v5.6.1.
"""

from __future__ import annotations

import posixpath
from types import NoneType
from typing import Any

from composerefactor.compose.attributes import APPENDED, KEY_VALUE, NAMED, Path
from composerefactor.compose.ports import parse_port
from composerefactor.compose.volumes import parse_volume

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
