"""Damaged files are read or are an input error, and an edit changes nothing but its place.

Each example is a project of `golden/`, or of the directory that ``COMPOSEREFACTOR_CORPUS`` names,
with a few random changes, as in ``tests/cli/test_mutated_projects.py``, but nothing is written and
no command runs. ``COMPOSEREFACTOR_MUTATED_FILES`` is the number of examples,
``COMPOSEREFACTOR_MUTATED_SEED`` the first one.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest

from composerefactor.compose.files import ComposeFile, Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.origins import origins
from composerefactor.compose.project import load_project
from composerefactor.compose.services import Service, ServiceAttribute, start_models
from composerefactor.edit.apply import apply_edits
from composerefactor.edit.operations import AddKey
from composerefactor.errors import InputError, RefusedError
from composerefactor.yaml.nodes import AliasNode, MappingNode, Path, paths, walk
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python
from support.commandline import tree
from support.examples import examples
from support.memory import Memory
from support.mutations import SEED, mutated, projects
from support.trees import check_spans

EXAMPLES = int(os.environ.get("COMPOSEREFACTOR_MUTATED_FILES") or examples(200, 5_000))
CHUNK = 100
"""Examples of one test."""

SECONDS = 10
"""CPU time of one example."""

FILES = [tree(each) for each in projects()]
PROPERTIES = [
    name
    for name, value in vars(Service).items()
    if isinstance(value, ServiceAttribute | cached_property | property)
]


@pytest.mark.parametrize("first", range(SEED, SEED + EXAMPLES, CHUNK))
def test_damaged_files(first: int) -> None:
    for seed in range(first, first + CHUNK):
        rng = random.Random(seed)  # noqa: S311 - not cryptography
        files = mutated(rng.choice(FILES), rng)
        start = time.process_time()
        try:
            for source in read(files):
                add_a_key(source, rng)
            read_services(files)
        except Exception as error:
            raise AssertionError(f"example {seed}") from error
        assert time.process_time() - start < SECONDS, seed


def read(files: dict[str, bytes]) -> Iterator[Source]:
    """Yield the sources of the Compose files among *files* that are YAML, with checked spans."""
    for path, content in files.items():
        if not path.endswith((".yml", ".yaml")):
            continue
        try:
            source = Source.decode(path, content)
            found = parse(source)
        except InputError:
            continue
        assert source.encode(source.text) == content
        for document in found.documents:
            if document.root is not None:
                check_spans(source.text, document.root)
        yield source


def add_a_key(source: Source, rng: random.Random) -> None:
    """Add a key to a random mapping of *source*, and check that nothing else changes."""
    try:
        file = ComposeFile.parse(source)
        expected = to_python(file.root, source)
    except InputError:
        return
    shared = {id(node.target) for node in walk(file.root) if isinstance(node, AliasNode)}
    places = [
        path
        for path, node in paths(file.root)
        if isinstance(node, MappingNode) and node.entries and not node.tag
    ]
    path = rng.choice(places) if places else ()
    nodes = dict(paths(file.root))
    if any(id(nodes[path[:n]]) in shared for n in range(len(path) + 1)) or "<<" in path:
        return
    try:
        text = apply_edits(file, [AddKey(source.path, path, "x-added", {"k": ["v"]})])
    except RefusedError:
        return
    place = place_in(expected, path)
    if not isinstance(place, dict):
        return
    place["x-added"] = {"k": ["v"]}
    after = Source(source.path, text)
    assert comparable(to_python(ComposeFile.parse(after).root, after)) == comparable(expected)


def comparable(value: Any) -> Any:
    """Return *value* with sorted pairs for mappings, and texts, so that .nan equals itself."""
    if isinstance(value, dict):
        return sorted((repr(key), comparable(each)) for key, each in value.items())
    return [comparable(each) for each in value] if isinstance(value, list) else repr(value)


def place_in(value: Any, path: Path) -> Any:
    """Return the value at *path* in *value*; None if a key is not as it is written."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def read_services(files: dict[str, bytes]) -> None:
    """Read every attribute of every service of all start commands with one or two of *files*."""
    names = [path for path in files if path.endswith((".yml", ".yaml")) and "/" not in path]
    entries = [Invocation(tuple(each)) for each in [names[:1], names[:2], *([n] for n in names)]]
    project = load_project(dict.fromkeys(e for e in entries if e.files), Library(Memory(files)))
    for model in start_models(project):
        assert model.without_container <= model.services.keys()
        for section in ("volumes", "networks"):
            model.resources(section)
        for service in model.services.values():
            for name in PROPERTIES:
                getattr(service, name)
            origins(service)
            for needed in service.depends_on:
                assert service.name in model.dependents[needed]
