"""The include list of a file: which entries can be taken in, and the texts of those."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import item_nodes, merged_get, scalar_text
from composerefactor.compose.project import REMOTE_PREFIXES, Project
from composerefactor.errors import Location
from composerefactor.joining import relocate
from composerefactor.joining.texts import CannotJoinError, Text
from composerefactor.yamltree.nodes import Mapping, Node, Sequence, resolve
from composerefactor.yamltree.regions import Region, item_regions

NO_ENV_FILE = "/dev/null"


class Inclusion(Struct, frozen=True):
    """One entry of the include list in *file*.

    *paths* are relative to the project root; those that they contain stand for *directory*.
    *region* has its lines, None where it has none of its own.
    """

    file: ComposeFile
    node: Node
    paths: tuple[str, ...]
    directory: str
    region: Region | None

    @property
    def location(self) -> Location:
        """Where it is written."""
        return self.file.source.location(self.node.start)


def inclusions(file: ComposeFile, directory: str) -> list[Inclusion]:
    """Return the include entries of *file*, whose paths start at *directory*."""
    value = file.root.get("include")
    nodes = item_nodes(value) if value is not None else []
    found = _regions(file)
    return [
        _inclusion(file, node, directory, found[n] if found else None)
        for n, node in enumerate(nodes)
    ]


def _regions(file: ComposeFile) -> list[Region] | None:
    section = (file.sections or {}).get("include")
    if section is None:
        return None
    value, start = section.region.entry.value, file.source.next_line(section.region.key)
    if not isinstance(value, Sequence):
        return None
    return item_regions(file.source, value, start=start, end=section.region.end)


def _inclusion(file: ComposeFile, node: Node, directory: str, region: Region | None) -> Inclusion:
    body = resolve(node)
    mapping = body if isinstance(body, Mapping) else None
    written = item_nodes(merged_get(mapping, "path") if mapping else body)
    paths = tuple(_join(directory, scalar_text(node) or "") for node in written)
    inner = scalar_text(merged_get(mapping, "project_directory")) if mapping else None
    where = _join(directory, inner) if inner else posixpath.dirname(paths[0] if paths else "")
    return Inclusion(file, node, paths, where or ".", region)


def _join(directory: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(directory, path))


class Reader:
    """Gives the texts that included entries stand for, for a file whose paths start at *to*."""

    def __init__(self, project: Project, to: str) -> None:
        self.project = project
        self.to = to

    def texts(self, entry: Inclusion, trail: tuple[str, ...] = ()) -> list[Text]:
        """Return the texts of *entry*, each to be merged over the ones before.

        Raises CannotJoinError where one cannot be taken in exactly.
        """
        self._check(entry)
        found: list[Text] = []
        for path in entry.paths:
            file = self.project.files[path]
            for inner in inclusions(file, entry.directory):
                if path in trail:
                    raise _cannot(inner, "includes itself")
                found += self.texts(inner, (*trail, path))
            alone = len(entry.paths) == 1
            found.append(relocate.included(file, entry.directory, self.to, alone=alone))
        return found

    def _check(self, entry: Inclusion) -> None:
        for words in self._objections(entry):
            raise _cannot(entry, words)

    def _objections(self, entry: Inclusion) -> Iterator[str]:
        body = resolve(entry.node)
        mapping = body if isinstance(body, Mapping) else None
        for node in item_nodes(merged_get(mapping, "path") if mapping else body):
            yield from _objections_to_name(scalar_text(node) or "")
        if "$" in (scalar_text(merged_get(mapping, "project_directory")) or ""):
            yield "its project directory holds a variable"
        for path in entry.paths:
            if path.startswith("../"):
                yield "the file is outside of the project"
            elif path not in self.project.files:
                yield f"{path} could not be read"
        yield from self._own_variables(entry, mapping)

    def _own_variables(self, entry: Inclusion, body: Mapping | None) -> Iterator[str]:
        """Yield which files give the included text variables that the includer does not have."""
        env_files = item_nodes(merged_get(body, "env_file"))
        for node in env_files:
            if scalar_text(node) != NO_ENV_FILE:
                yield f"{scalar_text(node)} gives it variables of its own"
        own = _join(entry.directory, ".env")
        if not env_files and own != _join(self.to, ".env") and self.project.exists(own):
            yield f"{own} gives it variables of its own"


def _objections_to_name(text: str) -> Iterator[str]:
    if not text:
        yield "names no file"
    elif "$" in text:
        yield "the name of the file holds a variable"
    elif text.startswith((*REMOTE_PREFIXES, "/", "~")):
        yield "the file is outside of the project"


def _cannot(entry: Inclusion, words: str) -> CannotJoinError:
    return CannotJoinError(words, entry.location)
