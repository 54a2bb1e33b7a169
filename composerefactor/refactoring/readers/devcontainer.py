"""Dev containers start Docker Compose with the files in `dockerComposeFile`, and follow splits.

What they start is verified as a start command.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.compose.paths import path_from
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, value_of
from composerefactor.yaml.nodes import MappingNode, ScalarNode, SequenceNode

_CONTAINER = re.compile(r"(?:\.devcontainer/(?:[^/]+/)?devcontainer\.json|\.devcontainer\.json)")


@reader("Dev containers", reads=".devcontainer/devcontainer.json", include="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each dev container that starts a file which is split."""
    roots = {each.path for each in split.splits}
    for file in around.files(_CONTAINER):
        value = value_of(file.root, "dockerComposeFile")
        nodes = value.items if isinstance(value, SequenceNode) else [value]
        for node in nodes:
            if not isinstance(node, ScalarNode):
                continue
            path = path_from(posixpath.dirname(file.place), node.value)
            if path in roots and isinstance(file.root, MappingNode):
                yield Outcome("fine", file.location(node), f"starts {path} with Docker Compose")
