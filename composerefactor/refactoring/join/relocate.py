"""What has to change in a text so that its relative paths mean the same from another directory."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.paths import PathAttribute, file_path_attributes, path_attributes
from composerefactor.edit.planned_files import Piece, cut
from composerefactor.edit.splices import TextEdit
from composerefactor.errors import Location
from composerefactor.yaml import nodes as yaml
from composerefactor.yaml.nodes import Node, ScalarNode
from composerefactor.yaml.source import Source


class CannotJoinError(Exception):
    """Text cannot be taken in exactly; *words* say why, *location* where."""

    def __init__(self, words: str, location: Location) -> None:
        super().__init__(words)
        self.words = words
        self.location = location


class Text(Struct, frozen=True):
    """The text of *file*, whose relative paths start at *directory*, with *splices* made in it."""

    file: ComposeFile
    directory: str
    splices: tuple[TextEdit, ...] = ()

    @property
    def source(self) -> Source:
        """The text as it stands."""
        return self.file.source

    @property
    def path(self) -> str:
        """The path of the file."""
        return self.file.path

    def cut(self, start: int, end: int) -> list[Piece]:
        """Return the characters ``start:end`` with the splices in them."""
        return cut(self.source, start, end, self.splices)

    def with_splices(self, splices: Iterable[TextEdit]) -> Text:
        """Return this text with *splices* as well."""
        found = sorted((*self.splices, *splices), key=lambda each: (each.start, each.end))
        return Text(self.file, self.directory, tuple(found))

    def splices_in(self, start: int, end: int) -> tuple[str, ...]:
        """Return what the splices in ``start:end`` write."""
        return tuple(e.text for e in self.splices if start <= e.start and e.end <= end)

    def cannot(self, words: str, at: int) -> CannotJoinError:
        """Return the error for what stands at offset *at*."""
        return CannotJoinError(words, self.source.location(at))


_NOTHING: Mapping[str, str] = MappingProxyType({})
_STEPS = re.compile(r"(?:\.\.?/)*")


def included(file: ComposeFile, directory: str, to: str, *, alone: bool) -> Text:
    """Return *file*, whose paths start at *directory*, for a file whose paths start at *to*.

    *alone* is False for one of several files that define the same services: then a context that is
    not written may be written in another one. Raises CannotJoinError for a path that cannot be
    rewritten.
    """
    text = Text(file, directory)
    if posixpath.normpath(directory) == posixpath.normpath(to):
        return text
    wanted = [a for a in file_path_attributes(file.root) if not a.kind.startswith("include.")]
    for attribute in wanted:
        if attribute.is_missing and not alone:
            raise text.cannot(
                "its build context is not written, and stands for another directory here",
                attribute.node.start,
            )
    return text.with_splices(_splices(text, wanted, to))


def root(file: ComposeFile, directory: str, to: str, along: Mapping[str, str] = _NOTHING) -> Text:
    """Return *file*, a root whose paths start at *directory*, for the project directory *to*.

    What it includes and extends stays where it is, but for files in *along*, which gives their new
    paths. Raises CannotJoinError for a path that cannot be rewritten.
    """
    text = following(file, directory, to, along)
    others = [a for a in file_path_attributes(file.root) if _target(text, a) not in along]
    return text.with_splices(_splices(text, others, to))


def following(file: ComposeFile, directory: str, to: str, along: Mapping[str, str]) -> Text:
    """Return *file* with the new paths of the files *along* that it extends, as seen from *to*."""
    text = Text(file, directory)
    found = [a for a in file_path_attributes(file.root) if _target(text, a) in along]
    moving = {id(a.node): posixpath.relpath(along[_target(text, a)], to) for a in found}
    return text.with_splices(_path(text, a, to, moving[id(a.node)]) for a in found)


def _target(text: Text, attribute: PathAttribute) -> str:
    """Return the file that *attribute* extends, ``""`` for another kind of path."""
    if attribute.kind != "extends.file" or attribute.form != "relative":
        return ""
    return posixpath.normpath(posixpath.join(text.directory, attribute.text))


def extended(file: ComposeFile, services: Iterator[Node], to: str) -> Text:
    """Return *file* for services that extend some of its *services* from a file at *to*.

    A context that is not written is the extending project's own (observed: v5.6.1).
    """
    directory = posixpath.dirname(file.path) or "."
    text = Text(file, directory)
    if posixpath.normpath(directory) == posixpath.normpath(to):
        return text
    found = [a for body in services for a in path_attributes(body) if not a.is_missing]
    return text.with_splices(_splices(text, found, to))


def _splices(text: Text, attributes: list[PathAttribute], to: str) -> Iterator[TextEdit]:
    done: set[tuple[int, int]] = set()
    step = posixpath.relpath(text.directory, to)
    for attribute in attributes:
        known = (id(attribute.node), attribute.offset)
        if not attribute.resolved or known in done:
            continue
        done.add(known)
        if attribute.is_missing:
            yield _context(text, attribute.node, step)
        elif attribute.form == "variable":
            raise text.cannot(
                f"{attribute.kind} begins with a variable, whose value decides where it leads",
                attribute.node.start,
            )
        elif attribute.form == "relative":
            yield _path(text, attribute, to)


def _path(text: Text, attribute: PathAttribute, to: str, new: str = "") -> TextEdit:
    """Write the path anew, or only the steps at its beginning where it has escapes further on.

    It is *new*, or else the same one as seen from *to*.
    """
    node = attribute.node
    style = node.style if isinstance(node, ScalarNode) else "|"
    start = node.start + attribute.offset + len(style)
    written, steps = attribute.text, _STEPS.match(attribute.text)
    if style not in {"|", ">"} and text.source.text.startswith(written, start):
        return TextEdit(start, start + len(written), new or moved(written, text.directory, to))
    head = steps[0] if steps else ""
    after = written[: len(head) + 1]
    if new or style in {"|", ">"} or not text.source.text.startswith(after, start):
        raise text.cannot(f"{attribute.kind} is not written in one piece", node.start)
    return TextEdit(start, start + len(head), moved(head or "./", text.directory, to))


def moved(path: str, directory: str, to: str) -> str:
    """Return *path*, which is relative to *directory*, as seen from *to*."""
    if "$" in path:
        return f"{_dotted(posixpath.relpath(directory, to))}/{path.removeprefix('./')}"
    found = posixpath.relpath(posixpath.join(directory, path), to)
    found = _dotted(found) if path.startswith(".") else found
    return found + "/" if path.endswith("/") else found


def _dotted(path: str) -> str:
    return path if path.startswith(".") else f"./{path}"


def _context(text: Text, build: Node, step: str) -> TextEdit:
    """Write the context that the engine takes where none is written: the project directory."""
    if not isinstance(build, yaml.MappingNode) or not build.entries:
        raise text.cannot("its build context is not written", build.start)
    at = build.entries[0].start
    if build.flow:
        return TextEdit(at, at, f"context: {_dotted(step)}, ")
    line = text.source.line_start(at)
    indent = text.source.text[line:at]
    if indent.strip():
        raise text.cannot("its build context is not written", build.start)
    return TextEdit(line, line, f"{indent}context: {_dotted(step)}{text.source.newline}")
