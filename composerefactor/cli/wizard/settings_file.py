"""The decisions of a session as sections of the settings file."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from composerefactor.cli.wizard.work import ProjectOptions, Request
from composerefactor.edit.planned_files import FileChange
from composerefactor.planning.fixes import PlannedFix
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.registry import transforms
from composerefactor.planning.requests import FixRequest, SplitRequest, option_values
from composerefactor.planning.settings import FILE_NAME, load_settings
from composerefactor.yaml.nodes import MappingNode, resolve
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source

LEFT = "left out in the wizard"

_PLAIN = re.compile(r"[A-Za-z_./][\w./-]*")
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
    requests: Iterable[FixRequest], left: Iterable[PlannedFix]
) -> tuple[dict[str, dict[str, Any]], list[PlannedFix]]:
    """Return the sections that repeat *requests* without *left*, and what they cannot leave out."""
    requests = list(requests)
    values: dict[str, dict[str, Any]] = {}
    for request in requests:
        for name, value in request.values:
            transform, _, key = name.partition(".")
            values.setdefault(transform, {})[key] = _typed(transform, key, value)
    ignore: dict[str, dict[str, str]] = {}
    others = []
    for fix in left:
        services = {e.service for e in fix.change.effects if e.service}
        if services:
            ignore.setdefault(fix.transform, {}).update(dict.fromkeys(sorted(services), LEFT))
        else:
            others.append(fix)
    select = [name for request in requests for name in request.select or ()]
    section: dict[str, Any] = {"select": list(dict.fromkeys(select))} if select else {}
    if any(request.unsafe for request in requests):
        section["unsafe"] = True
    found: dict[str, dict[str, Any]] = {"fix": section, "transforms": values, "ignore": ignore}
    return {name: section for name, section in found.items() if section}, others


def _typed(transform: str, key: str, text: str) -> Any:
    """Return *text* as a value of the kind that the option *key* of *transform* has."""
    found = option_values([f"{transform}.{key}={text}"], transforms())
    value = found[transform][key.replace("-", "_")]
    return list(value) if isinstance(value, tuple) else value


def with_sections(
    opened: OpenProject, sections: Iterable[tuple[str, str]]
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


_WIDEST = 74
"""A command is cut after so many characters: with its indentation it fits on 80 columns."""


def command_line(
    where: ProjectOptions,
    request: Request,
    leave: Collection[str],
    *,
    allow_dirty: bool,
    engine: str,
) -> list[str]:
    """Return the words of the command that writes what *request* without *leave* gives."""
    words = ["composerefactor", "split" if isinstance(request, SplitRequest) else "fix"]
    path = Path(os.path.relpath(where.path)) if where.path.is_absolute() else where.path
    words += [] if path == Path() else [str(path)]
    words += [word for name in where.file for word in ("-f", name)]
    words += [word for name in where.entry for word in ("--entry", name)]
    words += [word for name in where.env_file for word in ("--env-file", name)]
    words += request.arguments()
    words += [word for id_ in sorted(leave) for word in ("--leave", id_)]
    words += ["--allow-dirty"] if allow_dirty else []
    words += [] if engine == "auto" else ["--engine", engine]
    return [*words, "--yes"]


def shown(words: Sequence[str]) -> str:
    """Return *words* as a shell takes them, on lines as wide as a terminal at most."""
    lines = [""]
    for word in _options(words):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WIDEST:
            lines.append(f"  {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}".strip() if len(lines) == 1 else f"{lines[-1]} {word}"
    return " \\\n".join(lines)


def _options(words: Sequence[str]) -> Iterator[str]:
    """Yield *words* quoted, each option with its value."""
    at = 0
    while at < len(words):
        takes = words[at].startswith("-") and at + 1 < len(words) and words[at + 1][:1] != "-"
        yield shlex.join(words[at : at + 2] if takes else words[at : at + 1])
        at += 2 if takes else 1
