"""What differs between environments, in sentences and as plain values; secrets are masked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from composerefactor.factoring.differences import ABSENT, Comparison, Difference
from composerefactor.modules.naming import variant
from composerefactor.verify.masking import mask_value

_MAX_SHOWN = 48
_SET = "set"
_FIRST = ("image", "build", "healthcheck", "restart", "privileged", "user", "ports", "deploy")
"""Attributes whose differences are most often news to the owner; those of others follow."""


def sentences(comparison: Comparison, *, verbose: bool = False) -> list[str]:
    """Return what differs, a line for each attribute, or for each setting where *verbose*."""
    names = _names(comparison)
    grouped: dict[tuple[str, str], list[Difference]] = {}
    for difference in comparison.differences:
        attribute = difference.path[0] if difference.path else ""
        grouped.setdefault((attribute, difference.service), []).append(difference)
    services: dict[str, list[str]] = {}
    for attribute, service in sorted(grouped, key=lambda key: _rank(key[0])):
        found = grouped[attribute, service]
        if verbose or len(found) == 1:
            words = [_sentence(d, names) for d in found]
        else:
            keys = [".".join(d.path[1:]) for d in found]
            shown = ", ".join(keys[:4]) + (" ..." if len(keys) > 4 else "")  # noqa: PLR2004
            words = [f"{attribute}: {len(found)} settings differ, {shown}"]
        for sentence in words:
            services.setdefault(sentence, []).append(service)
    several = [f"{', '.join(of)}: {sentence}" for sentence, of in services.items()]
    return [*_missing(comparison, names), *several]


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return *comparison* as plain values; a file that does not have a setting is not named."""
    return {
        "files": list(comparison.files),
        "services": {name: list(of) for name, of in comparison.services.items()},
        "settings": [
            {
                "service": d.service,
                "path": list(d.path),
                "values": {
                    file: mask_value(value, d.path[-1] if d.path else "")
                    for file, value in d.values.items()
                    if value is not ABSENT
                },
            }
            for d in comparison.differences
        ],
    }


def _missing(comparison: Comparison, names: Mapping[str, str]) -> Iterator[str]:
    """Yield which of several files do not have a service that others share."""
    for service in comparison.common:
        without = [f for f in comparison.files if f not in comparison.services[service]]
        if without:
            yield f"{service}: not in {_listed(names[f] for f in without)}"


def _sentence(difference: Difference, names: Mapping[str, str]) -> str:
    where = ".".join(difference.path)
    by_value: dict[str, list[str]] = {}
    absent = []
    for file, value in difference.values.items():
        if value is ABSENT or value == []:
            absent.append(names[file])
        else:
            by_value.setdefault(_shown(value, difference.path), []).append(names[file])
    if len(by_value) == 1 and not absent:
        return f"{where} is not the same in {_listed(names[f] for f in difference.values)}"
    if len(by_value) == 1:
        (value, files), *_ = by_value.items()
        if value == _SET and len(absent) <= len(files):
            return f"no {where} in {_listed(absent)}"
        return f"{where} only in {_listed(files)}" + ("" if value == _SET else f", {value}")
    words = [f"{value} in {_listed(files)}" for value, files in by_value.items()]
    words += [f"none in {_listed(absent)}"] if absent else []
    return f"{where}: {', '.join(words)}"


def _shown(value: Any, path: tuple[str, ...]) -> str:
    masked = mask_value(value, path[-1] if path else "")
    if isinstance(masked, dict):
        return _SET
    items = masked if isinstance(masked, list) else [masked]
    separator = " " if path[-1] in {"command", "entrypoint", "test"} else ", "
    text = " ".join(separator.join(map(_item, items)).split()) or '""'
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def _item(item: Any) -> str:
    """Return an item of a list; ports and volumes in their short form."""
    if isinstance(item, dict) and "target" in item:
        before = [str(item[key]) for key in ("host_ip", "published", "source") if key in item]
        udp = "/udp" if item.get("protocol") == "udp" else ""
        return ":".join([*before, str(item["target"])]) + udp
    return item if isinstance(item, str) else _json(item)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _names(comparison: Comparison) -> dict[str, str]:
    """Return a short name for each file, or its path where two have the same one."""
    short = {f: variant(f) for f in comparison.files}
    short = {f: "default" if name == "main" else name for f, name in short.items()}
    return short if len(set(short.values())) == len(short) else {f: f for f in short}


def _rank(attribute: str) -> int:
    return _FIRST.index(attribute) if attribute in _FIRST else len(_FIRST)


def _listed(names: Iterable[str]) -> str:
    *others, last = list(names)
    return f"{', '.join(others)} and {last}" if others else str(last)
