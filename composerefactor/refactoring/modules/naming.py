"""Names of modules: the project's own file name pattern, kebab-case, no collisions."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable

from msgspec import Struct

MAX_NAME = 80
"""Longer names are cut: with directories they would pass what file systems take."""


class Family(Struct, frozen=True):
    """The pattern of a project's Compose file names: ``PREFIX.NAME.EXTENSION``."""

    prefix: str
    extension: str

    @classmethod
    def of(cls, path: str) -> Family:
        """Return the family of the Compose file *path*."""
        name = posixpath.basename(path)
        extension = "yaml" if name.endswith(".yaml") else "yml"
        return cls("compose" if name.startswith("compose") else "docker-compose", extension)

    def file(self, name: str) -> str:
        """Return the file name of the module *name*."""
        return f"{self.prefix}.{name}.{self.extension}"


def variant(path: str) -> str:
    """Return what distinguishes *path* in its family: ``docker-compose.dev.yml`` gives ``dev``."""
    stem = posixpath.basename(path).rsplit(".", 1)[0]
    rest = re.sub(r"^(docker-)?compose[._-]?", "", stem)
    return kebab(rest) if rest else "main"


def kebab(name: str) -> str:
    """Return *name* in kebab-case, for a file name that works on every system."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    plain = re.sub(r"[^\w-]+|_+", "-", spaced.lower()).strip("-")
    plain = re.sub(r"--+", "-", plain) or "service"
    if len(plain) > MAX_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        plain = f"{plain[:MAX_NAME].rstrip('-')}-{digest}"
    return plain


class Names:
    """Hands out paths that nothing has yet, on file systems that ignore case too.

    A directory that *is_ignored*, as ``services`` in ``.gitignore`` has it, is called otherwise.
    """

    def __init__(
        self, exists: Callable[[str], bool], is_ignored: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._exists, self._is_ignored = exists, is_ignored
        self._given: set[str] = set()
        self._directories: dict[str, str] = {}

    def take(self, directory: str, family: Family, name: str) -> str:
        """Return a free path for the module *name* in *directory*; a number makes it free."""
        number = 1
        while True:
            numbered = name if number == 1 else f"{name}-{number}"
            path = self._path(directory, family, numbered)
            if self._is_free(path):
                self._given.add(path.lower())
                return path
            number += 1

    def is_free(self, directory: str, family: Family, name: str) -> bool:
        """Return whether nothing has the path of the module *name* in *directory* yet."""
        return self._is_free(self._path(directory, family, name))

    def _path(self, directory: str, family: Family, name: str) -> str:
        if directory not in self._directories:
            other = f"{directory}-modules"
            hidden, kept = (
                self._is_ignored(posixpath.normpath(posixpath.join(place, family.file(name))))
                for place in (directory, other)
            )
            self._directories[directory] = other if hidden and not kept else directory
        return posixpath.normpath(posixpath.join(self._directories[directory], family.file(name)))

    def _is_free(self, path: str) -> bool:
        return path.lower() not in self._given and not self._exists(path)

    def reserve(self, path: str) -> str:
        """Note that *path* is taken, and return it."""
        self._given.add(path.lower())
        return path
