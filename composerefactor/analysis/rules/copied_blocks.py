"""A file repeats the same blocks in several services.

Who changes one copy easily forgets the others. An anchor, or a base service that the others extend,
defines the block once.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.files import ComposeFile
from composerefactor.errors import Location, first_of
from composerefactor.yaml.nodes import MappingNode, SequenceNode

_LEAST_BLOCK = 3
"""Shorter blocks are not worth an anchor."""
_LEAST_LINES = 15
"""Fewer repeated lines are not reported."""
_LARGE_SHARE = 0.15
_MAX_NAMED = 4
_NO_COPIES = frozenset({"extends", "depends_on"})
"""Keys that are about the service itself, even if the lines are the same."""


@rule(Severity.LOW, "maintainability", transform="share-anchors")
def copied_blocks(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the files in which services repeat blocks of other services."""
    for path, file in architecture.project.files.items():
        copies = list(_copies(file))
        lines = sum(count for _, count in copies)
        if lines < _LEAST_LINES or path in architecture.project.protected_files:
            continue
        keys = first_of(list(dict.fromkeys(key for key, _ in copies)), _MAX_NAMED)
        is_large = lines >= len(file.source.line_starts) * _LARGE_SHARE
        yield Occurrence(
            f"{path} contains {lines} lines that copy blocks of other services ({keys})",
            Location(path, 1),
            severity=Severity.MEDIUM if is_large else None,
        )


def _copies(file: ComposeFile) -> Iterator[tuple[str, int]]:
    """Yield (key, number of lines) of the blocks that another service of *file* has before."""
    seen: set[tuple[str, ...]] = set()
    for body in file.services.values():
        for entry in body.entries if isinstance(body, MappingNode) else ():
            if entry.name in _NO_COPIES or not isinstance(entry.value, MappingNode | SequenceNode):
                continue
            written = file.source.text[entry.start : entry.value.end].splitlines()
            lines = tuple(line.strip() for line in written if line.strip())
            if len(lines) >= _LEAST_BLOCK and lines in seen:
                yield entry.name or "", len(lines)
            seen.add(lines)
