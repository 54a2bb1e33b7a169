"""Relative paths in text that moves to a file in another directory.

Docker Compose resolves a path against the directory of the included or extended file that contains
it. So moved text gets another relative path to the same place, or its file has to be read as if it
were in the old directory.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from operator import itemgetter

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.paths import PathAttribute, file_path_attributes, path_attributes
from composerefactor.edit.planned_files import PlannedFile, Replacement, Slice
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode
from composerefactor.yaml.source import Source


def replacements(service: Node, source: Source, up: str) -> Iterator[Replacement]:
    """Yield the changes of the relative paths in *service*, and in the nodes of its aliases.

    *up* is the path from the new directory of the service to the old one. A missing build context
    stays missing: it is the directory of the service that extends (observed).
    """
    for path in path_attributes(service):
        if not path.is_missing:
            yield from _changes(path, source, up)


def why_fixed(path: PathAttribute, source: Source) -> str:
    """Return why *path* cannot be rewritten, ``""`` where it can or need not be."""
    if not path.resolved or path.is_missing:
        return ""
    if path.form == "variable":
        if path.uncertain:
            return f"a variable decides whether {path.kind} has a path"
        return f"a path in {path.kind} begins with a variable, which may contain any path"
    if path.form != "relative":
        return ""
    if path.kind == "build.ssh":  # up to v2.29.7 not resolved in an extended file (observed)
        return (
            "build.ssh has a relative path, which older releases of Docker Compose do not resolve"
        )
    is_readable = _offset(path, source) is not None
    return "" if is_readable else f"{path.kind} is written with escapes or over several lines"


class MovingPaths(Struct, frozen=True, dict=True):
    """The paths of *file* that change their meaning when their text moves to another directory."""

    file: ComposeFile

    @cached_property
    def _paths(self) -> Sequence[tuple[int, PathAttribute]]:
        """The paths, each with the place of its text, in the order of the text."""
        found = (p for p in file_path_attributes(self.file.root) if p.resolved)
        moving = [p for p in found if p.form in {"relative", "variable"} or p.is_missing]
        return sorted(((_place(path), path) for path in moving), key=itemgetter(0))

    def why_fixed(self, planned_file: PlannedFile) -> str:
        """Return why a path in *planned_file* cannot be rewritten, ``""`` where all can be."""
        reasons = (why_fixed(path, self.file.source) for path in self._inside(planned_file))
        return next(filter(None, reasons), "")

    def extends_file(self, planned_file: PlannedFile) -> bool:
        """Return whether a service in *planned_file* extends one of another file."""
        return any(path.kind == "extends.file" for path in self._inside(planned_file))

    def fixed(self) -> list[int]:
        """Return the offsets of the paths that cannot be rewritten."""
        return [at for at, path in self._paths if why_fixed(path, self.file.source)]

    def rewritten(
        self, planned_file: PlannedFile, up: str, further: Sequence[Replacement] = ()
    ) -> PlannedFile:
        """Return *planned_file* with its paths written for its own directory.

        The changes *further* are made, too.

        *up* is the path from there to the directory for which they are written now. A missing build
        context is that directory (Compose specification), so it is written out.
        """
        source = self.file.source
        paths = self._inside(planned_file)
        changes = [change for path in paths for change in _changes(path, source, up)]
        return planned_file.rewritten(source, [*changes, *further])

    def _inside(self, planned_file: PlannedFile) -> Iterator[PathAttribute]:
        """Yield the paths that are in a slice of *planned_file*."""
        for piece in planned_file.pieces:
            if isinstance(piece, Slice) and piece.source is self.file.source:
                first = bisect_left(self._paths, piece.start, key=itemgetter(0))
                last = bisect_left(self._paths, piece.end, key=itemgetter(0))
                yield from (path for _, path in self._paths[first:last])


def _place(path: PathAttribute) -> int:
    """Return the offset of the text that a change of *path* is about."""
    node = path.node
    is_build = path.is_missing and isinstance(node, MappingNode) and node.entries
    return node.entries[0].start if is_build and isinstance(node, MappingNode) else node.start


def _changes(path: PathAttribute, source: Source, up: str) -> Iterable[Replacement]:
    """Return the change of *path* for a directory from which *up* leads to the present one."""
    if up == "." or not path.resolved:
        return []
    if path.is_missing:
        return _written_context(path.node, source, up)
    start = _offset(path, source) if path.form == "relative" else None
    if start is None:
        return []
    if path.text == "." or path.text.startswith("./"):
        return [Replacement(start, start + 1, up)]
    return [Replacement(start, start, f"{up}/")]


def _written_context(build: Node, source: Source, up: str) -> Iterable[Replacement]:
    """Return the change that writes out the missing context of *build*."""
    if not isinstance(build, MappingNode):
        return []
    if not build.entries:
        return [Replacement(build.start, build.end, f"{{context: {up}}}")]
    first = build.entries[0].start
    if build.flow:
        return [Replacement(first, first, f"context: {up}, ")]
    indent = source.newline + " " * source.column(first)
    return [Replacement(first, first, f"context: {up}{indent}")]


def _offset(path: PathAttribute, source: Source) -> int | None:
    """Return the offset at which *path* begins; None where the text differs from the value."""
    node = path.node
    if not isinstance(node, ScalarNode) or node.style in {"|", ">"}:
        return None
    begin = node.start + len(node.style)
    head = node.value[: path.offset + 1]
    return begin + path.offset if source.text.startswith(head, begin) else None
