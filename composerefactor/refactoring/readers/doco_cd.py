"""doco-cd starts the `compose_files` of its settings as Docker Compose does, so it follows.

It also deploys again for changes in included and extended files (kimdre/doco-cd#1070).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.compose.paths import path_from
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, value_of
from composerefactor.refactoring.readers._lists import strings
from composerefactor.yaml.nodes import MappingNode, ScalarNode, SequenceNode

_SETTINGS = re.compile(r"(?:.*/)?\.doco-cd(?:\.[\w-]+)?\.ya?ml")
_DEFAULT = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


@reader("doco-cd", reads=".doco-cd.yml", include="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each document of the settings that names a file which is split."""
    roots = {each.path for each in split.splits}
    for file in around.files(_SETTINGS, anywhere=True):
        for document in file.tree.documents if file.tree else ():
            root = document.root
            listed = value_of(root, "compose_files")
            directory = value_of(root, "working_dir")
            below = directory.value if isinstance(directory, ScalarNode) else ""
            nodes = strings(listed) if isinstance(listed, SequenceNode) else []
            names = [node.value for node in nodes] or _DEFAULT
            paths = {path_from(below, name) for name in names}
            if isinstance(root, MappingNode) and paths & roots:
                said = f"starts {min(paths & roots)} as Docker Compose does"
                yield Outcome("fine", file.location(root), said)
