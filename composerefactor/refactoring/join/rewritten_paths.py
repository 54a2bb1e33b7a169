"""Texts whose relative paths are rewritten, so that they mean the same from another directory.

:class:`Text` is a file with edits. The functions return one for each use: :func:`included_text` for
a file that is taken in, :func:`extended_text` for services that are extended, :func:`root_text` for
a root file that moves.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.paths import (
    PathAttribute,
    directory_of,
    file_path_attributes,
    path_attributes,
    path_from,
)
from composerefactor.edit.planned_files import Piece, slice_with_edits
from composerefactor.edit.text_edits import TextEdit
from composerefactor.errors import RefusedError
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode
from composerefactor.yaml.source import Source


class Text(Struct, frozen=True):
    """The text of a file with edits.

    Attributes:
        file: the file.
        directory: what its relative paths are relative to.
        edits: the edits, in the order of the text.
    """

    file: ComposeFile
    directory: str
    edits: tuple[TextEdit, ...] = ()

    @property
    def source(self) -> Source:
        """The text without the edits."""
        return self.file.source

    @property
    def path(self) -> str:
        """The path of the file."""
        return self.file.path

    def cut(self, start: int, end: int) -> list[Piece]:
        """Return the characters ``start:end`` with the edits in them."""
        return slice_with_edits(self.source, start, end, self.edits)

    def with_edits(self, edits: Iterable[TextEdit]) -> Text:
        """Return this text with *edits* as well."""
        every = sorted((*self.edits, *edits), key=lambda edit: (edit.start, edit.end))
        return Text(self.file, self.directory, tuple(every))

    def edits_in(self, start: int, end: int) -> tuple[str, ...]:
        """Return the new texts of the edits in ``start:end``."""
        return tuple(e.text for e in self.edits if start <= e.start and e.end <= end)

    def cannot(self, reason: str, at: int) -> RefusedError:
        """Return the error for what is at offset *at*."""
        return RefusedError(reason, location=self.source.location(at))


_STEPS = r"(?:\.\.?/)*"


def included_text(file: ComposeFile, directory: str, to: str, *, alone: bool) -> Text:
    """Return *file*, whose paths are relative to *directory*, with paths relative to *to*.

    *alone* is False for one of several files that define the same services: another one may have
    the build context that this one does not have. Raises RefusedError for a path that cannot be
    rewritten.
    """
    text = Text(file, directory)
    if posixpath.normpath(directory) == posixpath.normpath(to):
        return text
    paths = [a for a in file_path_attributes(file.root) if not a.kind.startswith("include.")]
    for attribute in paths:
        if attribute.is_missing and not alone:
            raise text.cannot(
                "it has no build context, and the default would be another directory here",
                attribute.node.start,
            )
    return text.with_edits(_path_edits(text, paths, to))


def root_text(file: ComposeFile, to: str, moved: Mapping[str, str]) -> Text:
    """Return the root file *file* with paths relative to *to* instead of the project directory.

    The files that it includes and extends do not move, except for those in *moved*, which has their
    new paths. Raises RefusedError for a path that cannot be rewritten.
    """
    text = text_with_moved_extends(file, to, moved)
    others = [a for a in file_path_attributes(file.root) if _target(text, a) not in moved]
    return text.with_edits(_path_edits(text, others, to))


def text_with_moved_extends(file: ComposeFile, to: str, moved: Mapping[str, str]) -> Text:
    """Return *file* with new paths, relative to *to*, for those files *moved* that it extends."""
    text = Text(file, ".")
    targets = [a for a in file_path_attributes(file.root) if _target(text, a) in moved]
    new_paths = [posixpath.relpath(moved[_target(text, a)], to) for a in targets]
    return text.with_edits(
        _path_edit(text, a, to, new) for a, new in zip(targets, new_paths, strict=True)
    )


def _target(text: Text, attribute: PathAttribute) -> str:
    """Return the file that *attribute* extends, ``""`` for another kind of path."""
    if attribute.kind != "extends.file" or attribute.form != "relative":
        return ""
    return path_from(text.directory, attribute.text)


def extended_text(file: ComposeFile, services: Iterator[Node], to: str) -> Text:
    """Return *file* with the paths of *services* rewritten for a file in the directory *to*.

    A missing build context is not rewritten: it is the directory of the service that extends
    (observed: v5.6.1). Raises RefusedError for a path that cannot be rewritten.
    """
    directory = directory_of(file.path)
    text = Text(file, directory)
    if posixpath.normpath(directory) == posixpath.normpath(to):
        return text
    paths = [a for body in services for a in path_attributes(body) if not a.is_missing]
    return text.with_edits(_path_edits(text, paths, to))


def _path_edits(text: Text, attributes: list[PathAttribute], to: str) -> Iterator[TextEdit]:
    """Yield the edits that rewrite *attributes* of *text* for the directory *to*."""
    done: set[tuple[int, int]] = set()
    context = posixpath.relpath(text.directory, to)
    for attribute in attributes:
        key = (id(attribute.node), attribute.offset)
        if not attribute.resolved or key in done:
            continue
        done.add(key)
        if attribute.is_missing:
            yield _context_edit(text, attribute.node, context)
        elif attribute.form == "variable":
            raise text.cannot(
                f"a path in {attribute.kind} begins with a variable, which may contain any path",
                attribute.node.start,
            )
        elif attribute.form == "relative":
            yield _path_edit(text, attribute, to)


def _path_edit(text: Text, attribute: PathAttribute, to: str, new: str = "") -> TextEdit:
    """Return the edit that rewrites one path: to *new*, or to the same path relative to *to*.

    Where the path has escapes after its first steps (``../``), only the steps are replaced.
    """
    node = attribute.node
    style = node.style if isinstance(node, ScalarNode) else "|"
    start = node.start + attribute.offset + len(style)
    written, steps = attribute.text, re.match(_STEPS, attribute.text)
    if style not in {"|", ">"} and text.source.text.startswith(written, start):
        path = new or rewritten_path(written, text.directory, to)
        return TextEdit(start, start + len(written), path)
    head = steps[0] if steps else ""
    after = written[: len(head) + 1]
    if new or style in {"|", ">"} or not text.source.text.startswith(after, start):
        raise text.cannot(f"{attribute.kind} is written with escapes or over lines", node.start)
    return TextEdit(start, start + len(head), rewritten_path(head or "./", text.directory, to))


def rewritten_path(path: str, directory: str, to: str) -> str:
    """Return *path*, which is relative to *directory*, relative to *to*."""
    if "$" in path:
        return f"{_dotted(posixpath.relpath(directory, to))}/{path.removeprefix('./')}"
    rewritten = posixpath.relpath(posixpath.join(directory, path), to)
    rewritten = _dotted(rewritten) if path.startswith(".") else rewritten
    return rewritten + "/" if path.endswith("/") else rewritten


def _dotted(path: str) -> str:
    """Return *path* with a dot at its beginning."""
    return path if path.startswith(".") else f"./{path}"


def _context_edit(text: Text, build: Node, context: str) -> TextEdit:
    """Return the edit that adds *context* to *build*, instead of the default project directory."""
    if not isinstance(build, MappingNode) or not build.entries:
        raise text.cannot("it has no build context", build.start)
    at = build.entries[0].start
    if build.flow:
        return TextEdit(at, at, f"context: {_dotted(context)}, ")
    line = text.source.line_start(at)
    indent = text.source.text[line:at]
    if indent.strip():
        raise text.cannot("it has no build context", build.start)
    return TextEdit(line, line, f"{indent}context: {_dotted(context)}{text.source.newline}")
