"""A project as it is after changes that are not written yet."""

from __future__ import annotations

from collections.abc import Mapping

from composerefactor.compose.library import Library, Reader
from composerefactor.compose.project import Project, load
from composerefactor.errors import InputError, Location


class Overlay:
    """Files of *reader* with *contents* in their place; None for one that is gone."""

    def __init__(self, reader: Reader, contents: Mapping[str, bytes | None]) -> None:
        self._reader = reader
        self._contents = contents

    def read_bytes(self, path: str) -> bytes:
        """Return the content of *path*; raises InputError where it cannot be read."""
        if path not in self._contents:
            return self._reader.read_bytes(path)
        content = self._contents[path]
        if content is None:
            raise InputError("no such file", location=Location(path))
        return content

    def exists(self, path: str) -> bool:
        """Return whether *path* is a file."""
        if path in self._contents:
            return self._contents[path] is not None
        return self._reader.exists(path)


def changed(
    project: Project,
    library: Library,
    contents: Mapping[str, bytes | None],
    environ: Mapping[str, str],
) -> Project:
    """Return *project* with *contents*; what *library* has parsed is not parsed again."""
    overlay = Overlay(library.reader, contents)
    found = load(project.entries, Library(overlay, library, contents), environ)
    found.whole.update(project.whole)
    found.is_tracked, found.is_ignored = project.is_tracked, project.is_ignored
    return found
