"""Azure Pipelines, Woodpecker and Drone start pipelines for changes of some paths.

The directory of the modules is added to a list that names the root file: `paths` with `include` and
`exclude` in triggers of Azure Pipelines and Drone, `path` in a `when` of Woodpecker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, value_of
from composerefactor.refactoring.readers._globs import matches
from composerefactor.refactoring.readers._lists import follow_list
from composerefactor.refactoring.readers.github_paths import pattern_for
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode, walk

_FILE = re.compile(
    r"\.?azure-pipelines[^/]*\.ya?ml|\.azure-pipelines/.*\.ya?ml|\.(?:woodpecker|drone)\.ya?ml"
    r"|\.woodpecker/.*\.ya?ml"
)


def _azure_matches(pattern: str, path: str) -> bool:
    """Match as Azure Pipelines and Drone do: the name of a directory has all files below it."""
    return matches(pattern, path) or matches(f"{pattern.rstrip('/')}/**", path)


@reader(
    "Azure, Woodpecker and Drone pipelines",
    reads="azure-pipelines.yml, .woodpecker.yml, .drone.yml",
    include="told",
)
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each list of paths that names a file which is split."""
    for file in around.files(_FILE):
        if "path" not in file.text or file.root is None:
            continue
        for node in walk(file.root):
            for listed, verb in _lists(node):
                said = f"{verb} {{}}"
                yield from follow_list(file, listed, split, _azure_matches, pattern_for, said)


def _lists(node: Node) -> Iterator[tuple[Node | None, str]]:
    if not isinstance(node, MappingNode):
        return
    for key in ("paths", "path"):
        value = value_of(node, key)
        if isinstance(value, SequenceNode):
            yield value, "runs for changes of"
        yield value_of(value, "include"), "runs for changes of"
        yield value_of(value, "exclude"), "ignores"
