"""A container that mounts a root file reads it itself, without its modules.

A script in it that looks for services, secrets or variables no longer finds those that moved.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.forms import volumes
from composerefactor.compose.paths import path_from
from composerefactor.errors import InputError
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    reader,
)
from composerefactor.yaml.nodes import Node


@reader("Containers", reads="the volumes of services", include="no")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each service that mounts a file which is split."""
    roots = {each.path for each in split.splits}
    for place in sorted(split.files):
        file = around.file(place) if place.endswith((".yml", ".yaml")) else None
        if file is None or not split.is_named_in(file.text):
            continue
        for service, node, source in _mounts(file):
            directories = {posixpath.dirname(place), *map(posixpath.dirname, roots)}
            found = {path_from(each, source) for each in directories}
            root = next(iter(sorted(found & roots)), None)
            if root is not None:
                yield Outcome(
                    "named",
                    file.location(node),
                    f"{service} mounts {root}, which no longer defines what has moved",
                    "check what reads it there, or mount the modules too",
                    breaks=False,
                )


def _mounts(file: ReaderFile) -> Iterator[tuple[str, Node, str]]:
    """Yield the service, the place and the path of each mount of *file* from a path."""
    try:
        compose = ComposeFile.parse(file.source)
    except InputError:
        return
    for name, body in compose.services.items():
        for volume in volumes(body):
            if volume.text.kind == "bind" and volume.text.source:
                yield name, volume.source_node or volume.node, volume.text.source
