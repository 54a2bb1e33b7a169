"""Compose files by path, each read and parsed once."""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol

from composerefactor.compose.file import ComposeFile
from composerefactor.errors import InputError
from composerefactor.source import Source
from composerefactor.yamltree.build import parse
from composerefactor.yamltree.nodes import Mapping, Tree


class Reader(Protocol):
    """Access to files by POSIX path relative to the project root."""

    def read_bytes(self, path: str) -> bytes:
        """Return the content; raises InputError where it cannot be read."""
        ...

    def exists(self, path: str) -> bool:
        """Return whether a regular file stands at *path*."""
        ...


class Library:
    """The Compose files of *reader*, parsed when they are first asked for.

    What another library *known* has parsed is taken from it, except for the paths in *changed*.
    *repairable* True also reads what the engine rejects and can be mended in place: a key that is
    written twice, and services at the top level.
    """

    def __init__(
        self,
        reader: Reader,
        known: Library | None = None,
        changed: Container[str] = (),
        *,
        repairable: bool = False,
    ) -> None:
        self.reader = reader
        self.repairable: bool = repairable or (known is not None and known.repairable)
        self.parsed: dict[str, ComposeFile | InputError] = {}
        self.trees: dict[str, Tree | InputError] = {}
        if known is not None:
            self.parsed |= {p: file for p, file in known.parsed.items() if p not in changed}
            self.trees |= {p: tree for p, tree in known.trees.items() if p not in changed}

    def file(self, path: str) -> ComposeFile:
        """Return the parsed file at *path*.

        Raises InputError where it cannot be read, or is no Compose file.
        """
        known = self.parsed.get(path)
        if known is None:
            try:
                known = ComposeFile.of(self.tree(path), repairable=self.repairable)
            except InputError as error:
                known = _without_text(error, path)
            self.parsed[path] = known
        if isinstance(known, InputError):
            raise known
        return known

    def tree(self, path: str) -> Tree:
        """Return the parsed text at *path*; raises InputError where it is no YAML text."""
        known = self.trees.get(path)
        if known is None:
            try:
                source = Source.decode(path, self.reader.read_bytes(path))
                known = parse(source, duplicates=self.repairable)
            except InputError as error:
                known = _without_text(error, path)
            self.trees[path] = known
        if isinstance(known, InputError):
            raise known
        return known

    def mapping(self, path: str) -> Mapping | None:
        """Return the top-level mapping at *path*, or None where there is none to read."""
        try:
            root = self.tree(path).root
        except InputError:
            return None
        return root if isinstance(root, Mapping) else None


def _without_text(error: InputError, path: str) -> InputError:
    """Return *error* without the line it shows if *path* is outside of the project.

    A project may name any file of the machine, and what stands in it is not the project's to show.
    """
    if path.startswith(("../", "/")):
        error.source_line = ""
    return error
