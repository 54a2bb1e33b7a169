"""How much memory a service is told to use, from its own settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import scalar_text
from composerefactor.compose.services import Service, StartModel

MIB = 1024 * 1024
_UNITS = {"b": 1, "k": 1024, "m": MIB, "g": 1024 * MIB, "t": 1024 * 1024 * MIB}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([bkmgt]?)i?b?", re.IGNORECASE)

_FORMS = {
    "xmx": r"-Xmx",  # Java
    "space": r"max-?old-?space-?size[=\s]",  # Node, in MiB
    "maxmemory": r"maxmemory[=\s]+",  # Redis
    "innodb": r"innodb[-_]buffer[-_]pool[-_]size[=\s]",  # MySQL
    "shared_buffers": r"shared_buffers\s*=\s*",  # PostgreSQL
    "wiredtiger": r"wiredTigerCacheSizeGB[=\s]",  # MongoDB, in GiB
}
"""How a size is set, by a part of it that few other texts have."""

_SETTINGS = re.compile(
    rf"(?:{'|'.join(_FORMS.values())})\s*(?P<size>[0-9]+(?:\.[0-9]+)?\s*(?:[bkmgt]i?b?)?)\b",
    re.IGNORECASE,
)
_ROOM = 1.5
"""A program takes more than what it is told for its largest part."""

_STEPS = (64, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192)


def parsed(text: str) -> int | None:
    """Return the bytes that a size as Compose writes it (``512M``, ``1.5gb``) means, or None."""
    match = _SIZE.fullmatch(text.strip())
    return int(float(match[1]) * _UNITS[match[2].lower() or "b"]) if match else None


def shown(size: int) -> str:
    """Return *size* in bytes as a person writes it, in whole MiB or GiB."""
    mib = max(size // MIB, 1)
    return f"{mib // 1024}G" if mib % 1024 == 0 else f"{mib}M"


def told(model: StartModel, service: Service) -> tuple[int, str] | None:
    """Return the memory that *service* needs, and the settings that say so, or None.

    Its settings are in the variables and the command: a Java heap, the cache of a database. Shared
    memory counts as well.
    """
    found: dict[str, int] = {}
    for text in _texts(model, service):
        lower = text.lower()
        if not any(mark in lower for mark in _FORMS):
            continue
        for match in _SETTINGS.finditer(text):
            found[match[0].strip()] = _bytes(match[0], match["size"])
    shared = parsed(expand(service.text("shm_size") or "", model.variables))
    if shared:
        found["shm_size"] = shared
    if not found:
        return None
    need = int(sum(found.values()) * _ROOM)
    return _rounded(need), ", ".join(found)


def _bytes(setting: str, size: str) -> int:
    lower = setting.lower()
    if lower.startswith("wiredtiger"):
        return parsed(f"{size}g") or 0
    if "space" in lower:
        return parsed(f"{size}m") or 0
    return parsed(size) or 0


def _rounded(size: int) -> int:
    for step in _STEPS:
        if size <= step * MIB:
            return step * MIB
    step = 4096 * MIB
    return -(-size // step) * step


def _texts(model: StartModel, service: Service) -> Iterator[str]:
    for setting in service.settings.values():
        yield expand(setting.value or "", model.variables)
    for attribute in ("entrypoint", "command"):
        words = [scalar_text(found.node) or "" for found in service.items(attribute)]
        yield expand(" ".join(words), model.variables)
