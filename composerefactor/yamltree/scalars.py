"""The type of a plain scalar, as the engine's YAML library decides it.

Mostly the core schema of YAML 1.2, with leftovers of 1.1: ``017``, ``0b11``, ``1_000`` and
timestamps are known; ``yes``, ``on`` and ``12:30`` are text. Observed: v2.24.1 to v5.6.1; where
they differ, v5.6.1 is followed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import TypeAlias

from composerefactor.patterns import regex

ScalarValue: TypeAlias = str | int | float | bool | datetime | None

_WORDS: Mapping[str, ScalarValue] = MappingProxyType(
    {
        **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("false", "False", "FALSE"), False),
        **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
        **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
        **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    }
)
_INTEGER = regex(
    r"""(?P<sign>[-+]?)
    (?: 0[xX](?P<hex>[0-9a-fA-F]+)
      | 0[bB](?P<binary>[01]+)
      | 0[oO]?(?P<octal>[0-7]+)
      | (?P<decimal>0|[1-9][0-9]*)
    )""",
    re.VERBOSE | re.ASCII,
)
_BASES = MappingProxyType({"hex": 16, "binary": 2, "octal": 8, "decimal": 10})
_FLOAT = regex(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_TIMESTAMP = regex(
    r"""(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})
    (?: (?P<separator>[Tt\ ])(?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})
        (?:[.,](?P<fraction>\d{1,9}))?
        (?P<zone>Z|[-+]\d{2}:\d{2})?
    )?""",
    re.VERBOSE | re.ASCII,
)
_BASE_60 = regex(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)
_INT64_MIN, _INT64_MAX, _UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1


def resolve_plain(text: str) -> ScalarValue:
    """Return the value that the plain (unquoted, untagged) scalar *text* stands for."""
    if text in _WORDS:
        return _WORDS[text]
    first, second = text[0], text[1:2]
    if first not in "+-.0123456789" or (first == "." and not second.isdecimal()):
        return text
    if text == "-0":
        return -0.0  # observed: v5.6.1 prints "-0", v2.24.1 to v2.40.3 "0"
    moment = _timestamp(text)
    if moment is not None:
        return moment
    digits = text.replace("_", "")
    number = _integer(digits)
    return _float(digits, text) if number is None else number


def is_base_60(text: str) -> bool:
    """Return whether readers of YAML 1.1 take plain *text*, as ``22:22``, for a base 60 number."""
    return _BASE_60.fullmatch(text) is not None


def _integer(digits: str) -> int | None:
    match = _INTEGER.fullmatch(digits)
    if match is None:
        return None
    name = match.lastgroup or "decimal"
    number = int(match[name], _BASES[name])
    if match["sign"] == "-":
        number = -number
    # The engine reads a signed integer, then one without a sign, then a float.
    if number < _INT64_MIN or number > (_INT64_MAX if match["sign"] else _UINT64_MAX):
        return None
    return number


def _float(digits: str, text: str) -> float | str:
    if not _FLOAT.fullmatch(digits):
        return text
    number = float(digits)
    return text if math.isinf(number) else number


def _timestamp(text: str) -> datetime | None:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    separator, zone = match["separator"], match["zone"]
    if (zone is None) is (separator in {"T", "t"}):
        return None  # the T form has a zone, the form with a space has none
    try:
        return datetime(
            int(match["year"]),
            int(match["month"]),
            int(match["day"]),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int((match["fraction"] or "").ljust(6, "0")[:6]),
            tzinfo=_zone(zone),
        )
    except ValueError:
        return None


def _zone(zone: str | None) -> timezone:
    if zone is None or zone == "Z":
        return UTC
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return timezone(-offset if zone[0] == "-" else offset)
