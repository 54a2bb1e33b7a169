"""Compose files by path, each read and parsed once."""

from __future__ import annotations

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
    """The Compose files of *reader*, parsed when they are first asked for."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._files: dict[str, ComposeFile | InputError] = {}
        self._trees: dict[str, Tree | InputError] = {}

    def file(self, path: str) -> ComposeFile:
        """Return the parsed file at *path*.

        Raises InputError where it cannot be read, or is no Compose file.
        """
        known = self._files.get(path)
        if known is None:
            try:
                known = ComposeFile.of(self.tree(path))
            except InputError as error:
                known = error
            self._files[path] = known
        if isinstance(known, InputError):
            raise known
        return known

    def tree(self, path: str) -> Tree:
        """Return the parsed text at *path*; raises InputError where it is no YAML text."""
        known = self._trees.get(path)
        if known is None:
            try:
                known = parse(Source.decode(path, self.reader.read_bytes(path)))
            except InputError as error:
                known = error
            self._trees[path] = known
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
