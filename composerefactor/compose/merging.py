"""How the engine merges an attribute of two files, as far as factoring makes use of it.

Paths are relative to the service, as ``("build", "args")``. What is in no table is replaced whole,
or merged in a way not worth relying on: such an attribute is shared whole or not at all.
Source: Compose specification (merge), observed on v2.24.1 to v5.6.1.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from types import NoneType
from typing import Any

from composerefactor.compose.ports import parse_port
from composerefactor.compose.volumes import parse_volume

_ACCESS = {(): {}, ("rw",): {}, ("ro",): {"read_only": True}}


def long_form(item: Any, attribute: str) -> Any:
    """Return an item of the list *attribute* of a service in its long form, or as it is."""
    if attribute == "ports" and isinstance(item, str | int) and not isinstance(item, bool):
        return _port(str(item))
    if not isinstance(item, str) or "$" in item:
        return item
    if attribute == "volumes":
        return _volume(item)
    return {"source": item} if attribute in {"secrets", "configs"} else item


def _port(text: str) -> Any:
    port = parse_port(text)
    if port is None or not port.target.isdigit() or not (port.published or "1").isdigit():
        return text
    found = {"mode": "ingress", "target": int(port.target), "protocol": port.protocol}
    optional = {"published": port.published, "host_ip": port.host_ip}
    return found | {key: value for key, value in optional.items() if value is not None}


def _volume(text: str) -> Any:
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


Path = tuple[str, ...]

KEY_VALUE = frozenset(
    {
        ("environment",),
        ("labels",),
        ("annotations",),
        ("sysctls",),
        ("build", "args"),
        ("build", "labels"),
        ("deploy", "labels"),
    }
)
"""``KEY=VALUE`` lists or mappings; the order of the pairs has no meaning."""

MAPPINGS = frozenset(
    {
        ("build",),
        ("deploy",),
        ("deploy", "resources"),
        ("deploy", "resources", "limits"),
        ("deploy", "resources", "reservations"),
        ("deploy", "restart_policy"),
        ("deploy", "update_config"),
        ("deploy", "rollback_config"),
        ("healthcheck",),
        ("ulimits",),
    }
)
"""Mappings that are merged key by key."""

MAIN_KEYS: Mapping[Path, str] = {("healthcheck",): "test", ("build",): "context"}
"""What such a mapping is about: without it the rest, in a file of its own, tells nothing."""

NAMED = frozenset({("depends_on",), ("networks",)})
"""Lists of names, or mappings by name; the order of the names has no meaning."""

APPENDED = frozenset(
    {
        (name,)
        for name in (
            "cap_add",
            "cap_drop",
            "configs",
            "device_cgroup_rules",
            "devices",
            "dns",
            "dns_opt",
            "dns_search",
            "env_file",
            "expose",
            "external_links",
            "group_add",
            "links",
            "ports",
            "profiles",
            "secrets",
            "security_opt",
            "tmpfs",
            "volumes",
            "volumes_from",
        )
    }
)
"""Lists to which a later file appends: a common beginning can be shared, and keeps the order."""

REPLACED = frozenset(
    {
        "attach",
        "command",
        "container_name",
        "cpu_count",
        "cpu_percent",
        "cpu_shares",
        "cpus",
        "cpuset",
        "domainname",
        "entrypoint",
        "hostname",
        "image",
        "init",
        "ipc",
        "mem_limit",
        "mem_reservation",
        "mem_swappiness",
        "memswap_limit",
        "oom_kill_disable",
        "oom_score_adj",
        "pid",
        "pids_limit",
        "platform",
        "privileged",
        "pull_policy",
        "read_only",
        "restart",
        "runtime",
        "shm_size",
        "stdin_open",
        "stop_grace_period",
        "stop_signal",
        "tty",
        "user",
        "userns_mode",
        "uts",
        "working_dir",
    }
)
"""Attributes that a later file replaces whole."""

_NO_OPTIONS = {"condition": "service_started", "required": True}


def meaning(value: Any, path: Path) -> Any:
    """Return *value* in a form that is equal for all spellings of one meaning at *path*."""
    if path in KEY_VALUE:
        return pairs(value)
    if path in NAMED:
        return named(value, path)
    if path == ("build",) and isinstance(value, str):
        return {"context": value}
    if path in APPENDED and isinstance(value, list):
        return [long_form(item, path[0]) for item in value]
    if isinstance(value, dict):
        return {key: meaning(part, (*path, key)) for key, part in value.items()}
    return value


def typed(value: Any, path: Path) -> Any:
    """Return the numbers and booleans in key/value mappings at and below *path*, and nulls.

    ``1`` and ``"1"`` mean the same to a container, and an uninterpolated model shows which one is
    written. Nulls of ``environment`` are left out: a name alone is the same in a list, ``- A``, and
    in a mapping, ``A:``.
    """
    if path in KEY_VALUE:
        text: tuple[Any, ...] = (str, NoneType) if path == ("environment",) else (str,)
        known = value if isinstance(value, dict) else {}
        return {name: part for name, part in known.items() if not isinstance(part, text)}
    if not isinstance(value, dict):
        return {}
    below = {key: typed(part, (*path, key)) for key, part in value.items()}
    return {key: part for key, part in below.items() if part}


def pairs(value: Any) -> Any:
    """Return a key/value attribute as a dict of text, None for names without a value."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        parts = (item.partition("=") for item in value)
        return {name: text if equals else None for name, equals, text in parts}
    if isinstance(value, dict):
        return {key: _text(part) for key, part in value.items()}
    return value


def _text(value: Any) -> Any:
    """Return *value* as the engine writes it; a float stays one, since ``1.50`` becomes ``1.5``."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def named(value: Any, path: Path) -> Any:
    """Return a list or mapping of names as a dict with the options of each."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = dict.fromkeys(value)
    if not isinstance(value, dict):
        return value
    if path == ("depends_on",):
        return {key: {**_NO_OPTIONS, **(part or {})} for key, part in value.items()}
    return dict(value)
