"""The files of a project: bounded listing and reading, and what may be written."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from composerefactor.errors import InputError, Location, RefusedError
from composerefactor.yaml.source import MAX_BYTES, Source

SKIPPED_DIRECTORIES = frozenset({".git", "node_modules", "vendor", ".venv"})
_UNREADABLE_REMEDY = "check the path and its permissions"
MAX_DEPTH = 6
MAX_FILES = 20_000


class ProjectFiles:
    """The files below *root*, a project directory; InputError where that is none.

    All paths are POSIX and relative to the root. Reading follows symbolic links and ``..`` as the
    engine does; :meth:`check_writable` refuses both.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            what = "not a directory" if root.exists() else "no such directory"
            raise InputError(what, location=Location(str(root)))
        self.root = root.resolve()

    def paths(self) -> list[str]:
        """Return the project's files, sorted.

        Directories in SKIPPED_DIRECTORIES, and those reached by a symbolic link, are left out. A
        path has at most MAX_DEPTH parts. Of more than MAX_FILES files those nearest to the root
        are listed. Unreadable directories and names that are no UTF-8 are passed over.
        """
        found: list[str] = []
        level = [""]
        for _ in range(MAX_DEPTH):
            below: list[str] = []
            for directory in level:
                files, directories = self._entries(directory)
                found += files[: MAX_FILES - len(found)]
                if len(found) == MAX_FILES:
                    return sorted(found)
                below += directories
            level = below
        return sorted(found)

    def _entries(self, directory: str) -> tuple[list[str], list[str]]:
        """Return the sorted paths of the files and the directories in *directory*."""
        files: list[str] = []
        directories: list[str] = []
        try:
            with os.scandir(self.root / directory) as entries:
                for entry in entries:
                    if not _is_utf8(entry.name):
                        continue
                    path = f"{directory}/{entry.name}" if directory else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in SKIPPED_DIRECTORIES:
                            directories.append(path)
                    elif entry.is_file():
                        files.append(path)
        except OSError:
            return [], []
        return sorted(files), sorted(directories)

    def exists(self, path: str) -> bool:
        """Return whether *path* is a file, or a link to one."""
        try:
            return (self.root / path).is_file()
        except (OSError, ValueError):
            return False

    def has_directory(self, path: str) -> bool:
        """Return whether *path* is a directory, or a link to one."""
        try:
            return (self.root / path).is_dir()
        except (OSError, ValueError):
            return False

    def read_bytes(self, path: str) -> bytes:
        """Return the content of *path*.

        Raises InputError where it is missing, no regular file, unreadable, or larger than
        MAX_BYTES; no more than that is read, and no pipe or device is waited for.
        """
        try:
            descriptor = os.open(self.root / path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise InputError(
                        "not a regular file", location=Location(path), remedy=_UNREADABLE_REMEDY
                    )
                content = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            raise InputError(
                _reason(error), location=Location(path), remedy=_UNREADABLE_REMEDY
            ) from None
        if len(content) > MAX_BYTES:
            raise InputError(
                f"the file has more than {MAX_BYTES:,} bytes; such a file is not read",
                location=Location(path),
                remedy="name the Compose file with -f if this is not one",
            )
        return content

    def read_text(self, path: str) -> str:
        """Return the text of *path* without its byte-order mark.

        Raises InputError as :meth:`read_bytes` does, and for what is no UTF-8 text.
        """
        return Source.decode(path, self.read_bytes(path)).text

    def check_writable(self, path: str) -> None:
        """Raise RefusedError unless *path* can be created, replaced or deleted in this project.

        Refused are paths outside of the root or in ``.git``, symbolic links anywhere below the
        root, what is no regular file, and directories that cannot be written to.
        """
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts:
            raise RefusedError("outside of the project directory", location=Location(path))
        if parts[0] == ".git":
            raise RefusedError("git's own files are not changed", location=Location(path))
        here, directory = self.root, self.root
        for number, part in enumerate(parts, start=1):
            here = here / part
            shown = "/".join(parts[:number])
            try:
                mode = here.lstat().st_mode
            except FileNotFoundError:
                break
            except (OSError, ValueError) as error:
                raise RefusedError(_reason(error), location=Location(shown)) from None
            _check_kind(mode, shown, is_last=number == len(parts))
            if stat.S_ISDIR(mode):
                directory = here
        if not os.access(directory, os.W_OK | os.X_OK):
            shown = directory.relative_to(self.root).as_posix()
            raise RefusedError(
                f"the directory cannot be written to, so {path} cannot be saved",
                location=Location(str(self.root) if shown == "." else shown),
                remedy="give yourself write permission, or run as the owner of the project",
            )


def _check_kind(mode: int, shown: str, *, is_last: bool) -> None:
    """Raise RefusedError unless *mode* is that of a directory, or of a file where *is_last*."""
    if stat.S_ISLNK(mode):
        raise RefusedError(
            "a symbolic link: what it points to may belong to something else",
            location=Location(shown),
            remedy="replace the link by a copy, or work on the project that it points to",
        )
    if is_last and not stat.S_ISREG(mode):
        raise RefusedError("not a regular file", location=Location(shown))
    if not is_last and not stat.S_ISDIR(mode):
        raise RefusedError("not a directory", location=Location(shown))


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _reason(error: OSError | ValueError) -> str:
    """Return why a file cannot be read, in words."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT:
        return "no such file"
    if number == errno.EISDIR:
        return "a directory, where a file is expected"
    if number is None:
        return "not the name of a file"
    return f"cannot be read: {os.strerror(number)}"
