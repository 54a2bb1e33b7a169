"""yamllint checks all YAML files but those that `ignore` excludes.

The directory of the modules is added to an `ignore` that names the root file, a list or a block of
lines, for all rules or for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    reader,
)
from composerefactor.refactoring.readers._globs import gitignore_matches
from composerefactor.refactoring.readers._lines import follow_lines
from composerefactor.refactoring.readers._lists import follow_list
from composerefactor.yaml.nodes import MappingNode, ScalarNode, SequenceNode, walk

_SETTINGS = re.compile(r"\.yamllint(?:\.ya?ml)?")


@reader("yamllint", reads=".yamllint", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each list that excludes a file which is split."""
    for file in around.files(_SETTINGS):
        for node in walk(file.root) if file.root else ():
            ignored = node.get("ignore") if isinstance(node, MappingNode) else None
            if isinstance(ignored, SequenceNode):
                yield from follow_list(
                    file, ignored, split, gitignore_matches, _pattern, "excludes {}"
                )
            elif isinstance(ignored, ScalarNode) and ignored.style in {"|", ">"}:
                yield from follow_lines(file, _lines(file, ignored), split)


def _pattern(target: str) -> str:
    return f"/{target}"


def _lines(file: ReaderFile, block: ScalarNode) -> list[int]:
    """Return the offsets of the lines in *block*, a block scalar."""
    first = file.source.next_line(block.start)
    return [start for start in file.source.line_starts if first <= start < block.end]
