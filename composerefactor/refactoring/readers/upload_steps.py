"""Steps of workflows that copy, upload or publish a root file carry it away alone.

These are inputs of actions such as `appleboy/scp-action`, `actions/upload-artifact` and
`softprops/action-gh-release`, and `artifacts` of GitLab, that list the root file and not its
modules.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.errors import Location
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    reader,
    value_of,
)
from composerefactor.refactoring.readers._copies import alone
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode, walk

_FILE = re.compile(
    r"\.(?:github|gitea|forgejo)/(?:workflows|actions)/.*\.ya?ml|\.gitlab-ci\.ya?ml|\.gitlab/.*\.ya?ml"
)
_INPUTS = ("source", "sources", "path", "files", "file", "artifacts", "asset_path", "local_path")
_WORKSPACE = re.compile(r"\$\{\{\s*github\.workspace\s*\}\}/?")
_SEPARATORS = re.compile(r"[,\s]+")
_ACTION = re.compile(r"scp|ssh|rsync|upload|release|deploy|s3|artifact|copy", re.IGNORECASE)


@reader("Upload steps", reads=".github/workflows/*.yml, .gitlab-ci.yml", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each step that carries a file which is split."""
    for file in around.files(_FILE):
        if file.root is None or not split.is_named_in(file.text):
            continue
        for node in walk(file.root):
            if not isinstance(node, MappingNode):
                continue
            uses = value_of(node, "uses")
            if isinstance(uses, ScalarNode) and _ACTION.search(uses.value):
                given = value_of(node, "with")
                inputs = [value_of(given, name) for name in _INPUTS]
                yield from _carried(file, uses.value.partition("@")[0], inputs, split)
            artifacts = value_of(node, "artifacts", "paths")
            if artifacts is not None:
                yield from _carried(file, "the job's artifacts", [artifacts], split, "keep")


def _carried(
    file: ReaderFile,
    who: str,
    inputs: list[Node | None],
    split: PlannedSplit,
    verb: str = "carries",
) -> Iterator[Outcome]:
    named: list[tuple[str, Location, str]] = []
    for node in inputs:
        items = node.items if isinstance(node, SequenceNode) else [node]
        for item in items:
            if not isinstance(item, ScalarNode):
                continue
            source = file.source
            for word in filter(None, _SEPARATORS.split(_WORKSPACE.sub("", item.value))):
                path = posixpath.normpath(word.removeprefix("./").strip("'\""))
                offset = file.text.find(word, item.start, item.end)
                location = source.location(max(offset, item.start))
                named.append((path, location, f"{who} {verb} {{}}"))
    everything = {path for path, _, _ in named if not path.startswith("!")}
    yield from alone(split, named, everything, "add {} to the list")
