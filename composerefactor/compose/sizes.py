"""Sizes of memory and durations as Compose files have them: ``512M``, ``1.5gb``, ``1m30s``."""

from __future__ import annotations

import re

MIB = 2**20
GIB = 2**30

_UNITS = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = r"(?i)([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([bkmgt]?)i?b?"


def parse_size(text: str) -> int | None:
    """Return the number of bytes of a Compose size (``512M``, ``1.5gb``), or None if invalid."""
    match = re.fullmatch(_SIZE, text.strip())
    return int(float(match[1]) * _UNITS[match[2].lower() or "b"]) if match else None


def format_size(size: int) -> str:
    """Format *size*, a number of bytes, in whole GiB (``2G``) or else whole MiB (``1536M``)."""
    mib = max(size // MIB, 1)
    return f"{mib // 1024}G" if mib % 1024 == 0 else f"{mib}M"


_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001, "ns": 0.0}
_PART = r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|us|ns|h|m|s)"
_LONGEST = 64
"""Characters of a duration; all 64 bits of nanoseconds need fewer."""


def seconds(duration: str) -> float | None:
    """Return *duration*, such as ``1m30s``, in seconds; None if it is not one."""
    if len(duration) > _LONGEST:
        return None
    parts = list(re.finditer(_PART, duration))
    if not parts or "".join(part[0] for part in parts) != duration:
        return None
    return sum(float(part["number"]) * _SECONDS[part["unit"]] for part in parts)
