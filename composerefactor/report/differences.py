"""Differences between environments, as sentences and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from composerefactor.compose.attributes import Path
from composerefactor.compose.masking import GENERAL
from composerefactor.errors import enumerated, first_of, shortened
from composerefactor.refactoring.deduplicate.variants import ABSENT, Comparison, SettingDifference

_MAX_SHOWN = 48
_MAX_SERVICES = 8
_IS_SET = "set"
_FIRST = ("image", "build", "healthcheck", "restart", "privileged", "user", "ports", "deploy")
"""Attributes whose differences are most often a surprise; they come first."""


def sentences(comparison: Comparison, *, verbose: bool = False) -> list[str]:
    """Return the differences, one line per attribute, or one per setting with *verbose*."""
    names = _names(comparison)
    grouped: dict[tuple[str, str], list[SettingDifference]] = {}
    for difference in comparison.differences:
        attribute = difference.path[0] if difference.path else ""
        grouped.setdefault((attribute, difference.service), []).append(difference)
    services: dict[str, list[str]] = {}
    for attribute, service in sorted(grouped, key=lambda key: _rank(key[0])):
        differences = grouped[attribute, service]
        if verbose or len(differences) == 1:
            lines = [_sentence(d, names) for d in differences]
        else:
            keys = [".".join(d.path[1:]) for d in differences]
            listed = ", ".join(keys[:4]) + (" ..." if len(keys) > 4 else "")  # noqa: PLR2004
            lines = [f"{attribute}: {len(differences)} settings differ, {listed}"]
        for sentence in lines:
            services.setdefault(sentence, []).append(service)
    most = sum(map(len, services.values())) if verbose else _MAX_SERVICES
    several = [f"{first_of(of, most)}: {sentence}" for sentence, of in services.items()]
    return [*_missing(comparison, names), *several]


class SettingDocument(Struct, frozen=True):
    """A setting of a service that differs between files.

    Attributes:
        service: The service.
        path: The keys below the service.
        values: The value by file; files without the setting are not listed.
    """

    service: str
    path: Path
    values: Mapping[str, Any]


class ComparisonDocument(Struct, frozen=True):
    """Files that define the same services, and the settings that differ.

    Attributes:
        files: The files.
        services: The files that define each service, by its name.
        settings: The settings that differ.
    """

    files: tuple[str, ...]
    services: Mapping[str, tuple[str, ...]]
    settings: tuple[SettingDocument, ...]


def comparison_document(comparison: Comparison) -> ComparisonDocument:
    """Return *comparison* as it is in JSON, with secrets masked."""
    settings = [
        SettingDocument(
            d.service,
            d.path,
            {
                file: GENERAL.value(value, d.path[-1] if d.path else "")
                for file, value in d.values.items()
                if value is not ABSENT
            },
        )
        for d in comparison.differences
    ]
    return ComparisonDocument(comparison.files, comparison.services, tuple(settings))


def _missing(comparison: Comparison, names: Mapping[str, str]) -> Iterator[str]:
    """Yield which files lack a service that several others define."""
    for service in comparison.common:
        without = [f for f in comparison.files if f not in comparison.services[service]]
        if without:
            yield f"{service}: not in {enumerated(names[f] for f in without)}"


def _sentence(difference: SettingDifference, names: Mapping[str, str]) -> str:
    setting = ".".join(difference.path) or "the definition"  # a text or a list in one of the files
    by_value: dict[str, list[str]] = {}
    absent = []
    for file, value in difference.values.items():
        if value is ABSENT or value == []:
            absent.append(names[file])
        else:
            by_value.setdefault(_short(value, difference.path), []).append(names[file])
    if len(by_value) == 1 and not absent:
        return f"{setting} is not the same in {enumerated(names[f] for f in difference.values)}"
    if len(by_value) == 1:
        (value, files), *_ = by_value.items()
        if value == _IS_SET and len(absent) <= len(files):
            return f"no {setting} in {enumerated(absent)}"
        return f"{setting} only in {enumerated(files)}" + (
            "" if value == _IS_SET else f" ({value})"
        )
    parts = [f"{value} in {enumerated(files)}" for value, files in by_value.items()]
    parts += [f"none in {enumerated(absent)}"] if absent else []
    return f"{setting}: {', '.join(parts)}"


def _short(value: Any, path: tuple[str, ...]) -> str:
    key = path[-1] if path else ""
    masked = GENERAL.value(value, key)
    if masked is None or isinstance(masked, dict):
        return _IS_SET
    items = masked if isinstance(masked, list) else [masked]
    separator = " " if key in {"command", "entrypoint", "test"} else ", "
    text = " ".join(separator.join(map(_item, items)).split()) or '""'
    return shortened(text, _MAX_SHOWN)


def _item(item: Any) -> str:
    """Return an item of a list; ports and volumes in their short form."""
    if isinstance(item, dict) and "target" in item:
        before = [str(item[key]) for key in ("host_ip", "published", "source") if key in item]
        udp = "/udp" if item.get("protocol") == "udp" else ""
        return ":".join([*before, str(item["target"])]) + udp
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str)


def _names(comparison: Comparison) -> dict[str, str]:
    """Return a short name for each file, or the paths if two names are the same."""
    names = comparison.environments
    return dict(names) if len(set(names.values())) == len(names) else {f: f for f in names}


def _rank(attribute: str) -> int:
    return _FIRST.index(attribute) if attribute in _FIRST else len(_FIRST)
