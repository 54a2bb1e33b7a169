"""What this package knows of a project: its files, and facts on its Compose files."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Protocol

DEFAULT_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""Names that the engine looks for when no ``-f`` is given, best first (observed: v5.6.1)."""

OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
"""Names of the override that is added to a default file, best first (observed: v5.6.1)."""


class FileReader(Protocol):
    """The files of a project, read only.

    Paths are POSIX and relative to the project directory. The listing is sorted and bounded: it
    leaves out ``.git``, ``node_modules`` and vendor directories, and stops at six levels.
    """

    def paths(self) -> Sequence[str]:
        """Return the paths of all files."""
        ...

    def read(self, path: str) -> str | None:
        """Return the text of *path*; None for what is missing, binary or larger than 1 MB."""
        ...


class FileFacts(Protocol):
    """Facts on single Compose files, as they are written, before any merge."""

    def is_compose(self, path: str) -> bool:
        """Return whether *path* is a Compose file, judged by its content."""
        ...

    def services(self, path: str) -> Mapping[str, bool]:
        """Return the services: name -> has an image, build, extends or provider of its own."""
        ...

    def has_override_tags(self, path: str) -> bool:
        """Return whether ``!reset`` or ``!override`` stands in *path*."""
        ...

    def has_include(self, path: str) -> bool:
        """Return whether *path* takes in other files by ``include``."""
        ...

    def home(self, path: str) -> str:
        """Return the directory from which *path* finds what it includes and extends."""
        ...

    def undefined(self, path: str) -> Collection[str]:
        """Return what services use and *path* does not define: services, networks, volumes ..."""
        ...

    def referenced_by(self, path: str) -> Collection[str]:
        """Return the Compose files that name *path* in ``include`` or ``extends``."""
        ...

    def extended_services(self, path: str) -> Collection[str] | None:
        """Return the services of *path* that other files extend; None where one includes it."""
        ...


class Listing:
    """The paths of a project as sets, for questions about single paths and directories."""

    def __init__(self, reader: FileReader) -> None:
        self._reader = reader
        self.paths: tuple[str, ...] = tuple(reader.paths())
        self._known = frozenset(self.paths)

    def read(self, path: str) -> str | None:
        """Return the text of *path*, or None where it is missing or unreadable."""
        return self._reader.read(path)

    @cached_property
    def directories(self) -> frozenset[str]:
        """All directories that hold a file at any depth; ``.`` is the project directory."""
        found = {"."}
        for path in self.paths:
            directory = posixpath.dirname(path)
            while directory and directory not in found:
                found.add(directory)
                directory = posixpath.dirname(directory)
        return frozenset(found)

    def exists(self, path: str) -> bool:
        """Return whether the file *path* is listed."""
        return path in self._known

    def names_in(self, directory: str) -> list[str]:
        """Return the paths of the files directly in *directory*."""
        inside = "" if directory == "." else directory
        return [path for path in self.paths if posixpath.dirname(path) == inside]

    def default_file(self, directory: str) -> str | None:
        """Return the file that the engine takes in *directory* when no ``-f`` is given."""
        return self._first(directory, DEFAULT_NAMES)

    def override_file(self, directory: str) -> str | None:
        """Return the override that the engine adds to the default file of *directory*."""
        return self._first(directory, OVERRIDE_NAMES)

    def _first(self, directory: str, names: Sequence[str]) -> str | None:
        for name in names:
            path = join(directory, name)
            if path in self._known:
                return path
        return None


def join(directory: str, path: str) -> str:
    """Return *path*, relative to *directory*, as a normal path relative to the project."""
    return posixpath.normpath(posixpath.join(directory, path))
