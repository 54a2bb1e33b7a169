"""Editors that start a project or check its files: VS Code and dev containers."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import partial

from composerefactor.compose.paths import path_from
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    reader,
    value_of,
)
from composerefactor.refactoring.readers._patterns import follow_list, matches, pattern_for
from composerefactor.yaml.nodes import MappingNode, ScalarNode, SequenceNode, resolve, walk

_VSCODE = re.compile(r"(?:.*/)?(?:\.vscode/(?:tasks|settings)\.json|[^/]+\.code-workspace)")
_WORKSPACE = r"\$\{workspaceFolder\}/"
_SCHEMAS = "yaml.schemas"


@reader("VS Code", reads=".vscode/tasks.json, .vscode/settings.json", include="told")
def vscode(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """VS Code starts Docker Compose in tasks, and checks files by the schemas of settings.

    A task of the type `docker-compose` runs Docker Compose, so that it follows. The directory of
    the modules is added to a list of `yaml.schemas` that names the root file.
    """
    for file in around.files(_VSCODE):
        if not split.is_named_in(file.text):
            continue
        for node in walk(file.root) if file.root else ():
            if isinstance(node, MappingNode):
                yield from _tasks(file, node, split)
                yield from _schemas(file, node, split)


def _tasks(file: ReaderFile, node: MappingNode, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the files that a task starts."""
    files = value_of(node, "dockerCompose", "files")
    for item in files.items if isinstance(files, SequenceNode) else ():
        if isinstance(item, ScalarNode):
            path = posixpath.normpath(re.sub(_WORKSPACE, "", item.value))
            if path in split.paths:
                said = f"starts {path} with Docker Compose"
                yield Outcome("fine", file.location(item), said)


def _schemas(file: ReaderFile, node: MappingNode, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the patterns that give a schema to a split file."""
    schemas = value_of(node, _SCHEMAS)
    for entry in schemas.entries if isinstance(schemas, MappingNode) else ():
        value = resolve(entry.value)
        if isinstance(value, SequenceNode):
            yield from follow_list(
                file, value, split, _schema_matches, pattern_for, "checks {} by a schema"
            )
        elif isinstance(value, ScalarNode):
            yield from _schema(file, value, split)


def _schema(file: ReaderFile, pattern: ScalarNode, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the split files that *pattern*, which is no list, gives a schema to."""
    covers = partial(_schema_matches, pattern.value)
    for each in split.splits:
        if not covers(each.path):
            continue
        said, where = f"checks {each.path} by a schema", file.location(pattern)
        missing = each.missing(covers)
        if missing:
            added = ", ".join(map(pattern_for, split.covering(missing)))
            action = f"make it a list, and add {added}"
            yield Outcome("named", where, said, action, breaks=False)
        else:
            yield Outcome("fine", where, said)


def _schema_matches(pattern: str, path: str) -> bool:
    """Match as the YAML language server does: a name without a slash in every directory."""
    name = pattern.removeprefix("/")
    return matches(name if "/" in name else f"**/{name}", path)


_DEV_CONTAINER = re.compile(r"\.devcontainer/(?:[^/]+/)?devcontainer\.json|\.devcontainer\.json")


@reader("Dev containers", reads=".devcontainer/devcontainer.json", include="yes")
def devcontainer(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Dev containers start Docker Compose with the files in `dockerComposeFile`, and follow splits.

    What they start is verified as a start command.
    """
    for file in around.files(_DEV_CONTAINER):
        value = value_of(file.root, "dockerComposeFile")
        nodes = value.items if isinstance(value, SequenceNode) else [value]
        for node in nodes:
            if not isinstance(node, ScalarNode):
                continue
            path = path_from(posixpath.dirname(file.place), node.value)
            if path in split.paths and isinstance(file.root, MappingNode):
                yield Outcome("fine", file.location(node), f"starts {path} with Docker Compose")
