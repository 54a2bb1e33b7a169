"""The decisions of a session as sections of the settings file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from composerefactor.edits.changeset import FileChange
from composerefactor.patterns import regex
from composerefactor.proposal.mended import Mend
from composerefactor.proposal.opening import Opened
from composerefactor.request.fix import FixRequest
from composerefactor.request.split import SplitRequest
from composerefactor.settings.settings import FILE_NAME, load_settings
from composerefactor.source import Source
from composerefactor.yamltree.build import parse
from composerefactor.yamltree.nodes import Mapping as MappingNode
from composerefactor.yamltree.nodes import resolve

LEFT = "left out in the wizard"

_PLAIN = regex(r"[A-Za-z_./][\w./-]*")
_OTHERWISE = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def split_section(request: SplitRequest, stay: Iterable[str]) -> dict[str, Any]:
    """Return the section ``split`` that repeats *request* with the services *stay* in place."""
    found = {
        "into": request.into,
        "strategy": request.strategy,
        "granularity": request.granularity,
        "anchors": request.anchors,
        "groups": {name: list(services) for name, services in request.groups},
        "modules": dict(request.modules),
        "environments": dict(request.environments),
        "stay": sorted(stay),
    }
    return {key: value for key, value in found.items() if value}


def fix_sections(
    requests: Iterable[FixRequest], left: Iterable[Mend]
) -> tuple[dict[str, dict[str, Any]], list[Mend]]:
    """Return the sections that repeat *requests* without *left*, and what they cannot leave out."""
    requests = list(requests)
    values: dict[str, dict[str, Any]] = {}
    for request in requests:
        for name, value in request.values:
            transform, _, key = name.partition(".")
            values.setdefault(transform, {})[key] = _typed(transform, key, value)
    ignore: dict[str, dict[str, str]] = {}
    others = []
    for mend in left:
        services = {e.service for e in mend.change.effects if e.service}
        if services:
            ignore.setdefault(mend.transform, {}).update(dict.fromkeys(sorted(services), LEFT))
        else:
            others.append(mend)
    select = [name for request in requests for name in request.select or ()]
    fix: dict[str, Any] = {"select": list(dict.fromkeys(select))} if select else {}
    if any(request.unsafe for request in requests):
        fix["unsafe"] = True
    found: dict[str, dict[str, Any]] = {"fix": fix, "transforms": values, "ignore": ignore}
    return {name: section for name, section in found.items() if section}, others


def _typed(transform: str, key: str, text: str) -> Any:
    """Return *text* as a value of the kind that the option *key* of *transform* has."""
    from composerefactor.registry import transforms  # noqa: PLC0415 - as above
    from composerefactor.request.options import option_values  # noqa: PLC0415 - see cli/__init__.py

    found = option_values([f"{transform}.{key}={text}"], transforms())
    value = found[transform][key.replace("-", "_")]
    return list(value) if isinstance(value, tuple) else value


def with_sections(
    opened: Opened, sections: Iterable[tuple[str, str]]
) -> tuple[FileChange | None, str]:
    """Return the change that adds *sections*, texts by name, to the settings file.

    A file that is there keeps its text: what it has a section of is returned, to be added by hand.
    """
    is_there = opened.files.exists(FILE_NAME)
    before = opened.files.read_bytes(FILE_NAME) if is_there else None
    present = _keys(before)
    text = "".join(text for name, text in sections if name not in present)
    rest = "".join(text for name, text in sections if name in present)
    if not text:
        return None, rest
    end = b"\n" if before and not before.endswith(b"\n") else b""
    after = (before or b"") + end + text.encode()
    load_settings(after)  # what is written is understood
    return FileChange(FILE_NAME, before, after), rest


def _keys(content: bytes | None) -> set[str]:
    tree = None if content is None else parse(Source.decode(FILE_NAME, content))
    root = resolve(tree.root) if tree is not None and tree.root is not None else None
    return {e.name for e in root.entries if e.name} if isinstance(root, MappingNode) else set()


def section_text(name: str, section: Mapping[str, Any]) -> str:
    """Return *section* as YAML."""
    return "\n".join(_lines({name: section}, "")) + "\n"


def _lines(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield f"{indent}{_scalar(key)}:"
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list):
            yield f"{indent}{_scalar(key)}:"
            yield from (f"{indent}  - {_scalar(item)}" for item in value)
        else:
            yield f"{indent}{_scalar(key)}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and (not _PLAIN.fullmatch(value) or value.lower() in _OTHERWISE):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else json.dumps(value)
