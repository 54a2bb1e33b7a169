"""A project's files in memory."""

from __future__ import annotations

from collections.abc import Mapping

from composerefactor.errors import InputError, Location


class Memory:
    """A reader over *files*, contents by path."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self.files = {k: v.encode() if isinstance(v, str) else v for k, v in files.items()}

    def read_bytes(self, path: str) -> bytes:
        """Return the content; raises InputError for a file that is not there."""
        if path not in self.files:
            raise InputError("no such file", location=Location(path))
        return self.files[path]

    def exists(self, path: str) -> bool:
        """Return whether there is such a file."""
        return path in self.files
