"""updatecli changes versions in the files that its targets name.

A target finds a line or a key in one file, which may be in a module after a split. Only its author
knows which, so each target is pointed out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, value_of
from composerefactor.yaml.nodes import MappingNode, ScalarNode, SequenceNode

_SETTINGS = re.compile(r"(?:.*/)?(?:updatecli[^/]*\.ya?ml|updatecli(?:\.d)?/.*\.ya?ml)")
_KEYS = ("file", "files")


@reader("updatecli", reads="updatecli.yaml, updatecli.d/*.yaml", include="no")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each target with a file which is split."""
    modules = {each.path: each.modules for each in split.splits if each.created}
    for file in around.files(_SETTINGS, anywhere=True):
        targets = value_of(file.root, "targets")
        for entry in targets.entries if isinstance(targets, MappingNode) else ():
            for key in _KEYS:
                value = value_of(entry.value, "spec", key)
                nodes = value.items if isinstance(value, SequenceNode) else [value]
                for node in nodes:
                    path = posixpath.normpath(node.value) if isinstance(node, ScalarNode) else ""
                    if isinstance(node, ScalarNode) and path in modules:
                        place = ", ".join(split.covering(modules[path]))
                        yield Outcome(
                            "named",
                            file.location(node),
                            f"target {entry.name} changes {path}; its line may be in a module",
                            f"name the file in {place} that has it",
                        )
