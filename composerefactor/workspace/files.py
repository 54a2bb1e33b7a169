"""The files of a project: bounded listing and reading, and which paths may be written."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from composerefactor.errors import InputError, Location, RefusedError
from composerefactor.yaml.source import MAX_BYTES, Source

SKIPPED_DIRECTORIES = frozenset({".git", "node_modules", "vendor", ".venv"})
_UNREADABLE_REMEDY = "check the path and its permissions"
MAX_DEPTH = 6
"""Path components of a listed file, at most."""

MAX_FILES = 20_000
"""Files that are listed, at most."""


class ProjectFiles:
    """The files below the project directory *root*, as they are on the disk.

    All paths are POSIX and relative to the root. Reading follows symbolic links and ``..``, as
    Docker Compose does; :meth:`check_writable` refuses both.

    Attributes:
        root: The resolved path of the project directory.

    Raises:
        InputError: *root* does not exist or is not a directory.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            what = "not a directory" if root.exists() else "no such directory"
            raise InputError(what, location=Location(str(root)))
        self.root = root.resolve()

    def paths(self) -> list[str]:
        """Return the project's files, sorted.

        Directories in SKIPPED_DIRECTORIES, symbolic links to directories, unreadable directories
        and names that are not UTF-8 are skipped. A path has at most MAX_DEPTH components. Of more
        than MAX_FILES files those closest to the root are listed.
        """
        listed: list[str] = []
        directories_at_depth = [""]
        for _ in range(MAX_DEPTH):
            subdirectories: list[str] = []
            for directory in directories_at_depth:
                files, directories = self._entries(directory)
                listed += files[: MAX_FILES - len(listed)]
                if len(listed) == MAX_FILES:
                    return sorted(listed)
                subdirectories += directories
            directories_at_depth = subdirectories
        return sorted(listed)

    def paths_in(self, *directories: str) -> list[str]:
        """Return the files in *directories* and directly in the directories of them, sorted."""
        listed: list[str] = []
        for directory in directories:
            files, below = self._entries(directory)
            listed += files
            for each in below if directory else ():
                listed += self._entries(each)[0]
        return sorted(listed)

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
                    elif self.exists(path):  # False for a link that leads to itself
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

    def link_target(self, path: str) -> str | None:
        """Return the path to which *path* leads, None if it contains no symbolic link.

        It is relative to the root, with ``..`` for a path outside of it.
        """
        place = os.path.normpath(self.root / path)
        try:
            target = os.path.realpath(place)
        except (OSError, ValueError):
            return None
        if target == place:
            return None
        return Path(os.path.relpath(target, self.root)).as_posix()

    def has_directory(self, path: str) -> bool:
        """Return whether *path* is a directory, or a link to one."""
        try:
            return (self.root / path).is_dir()
        except (OSError, ValueError):
            return False

    def read_bytes(self, path: str) -> bytes:
        """Return the content of *path*.

        At most MAX_BYTES are read. A pipe or device is never waited for.

        Raises:
            InputError: The file is missing, unreadable, larger than MAX_BYTES, or not a regular
                file.
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
                f"the file is larger than {MAX_BYTES:,} bytes, the limit",
                location=Location(path),
                remedy="if this is not the Compose file, name that with -f",
            )
        return content

    def contents(self, paths: Iterable[str]) -> dict[str, bytes | None]:
        """Return the content of each of *paths*, None for one that cannot be read."""
        found: dict[str, bytes | None] = {}
        for path in paths:
            try:
                found[path] = self.read_bytes(path)
            except InputError:
                found[path] = None
        return found

    def text_of(self, path: str) -> str | None:
        """Return the text of *path* without its byte-order mark.

        None if it cannot be read (see :meth:`read_bytes`), or is not UTF-8 text.
        """
        try:
            return Source.decode(path, self.read_bytes(path)).text
        except InputError:
            return None

    def check_writable(self, path: str) -> None:
        """Check that *path* can be created, replaced or deleted in this project.

        Raises:
            RefusedError: The path is outside the root or in ``.git``, is or contains a symbolic
                link, is not a regular file, or is in a directory that is not writable.
        """
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts:
            raise RefusedError("outside the project directory", location=Location(path))
        if parts[0] == ".git":
            raise RefusedError(
                "composerefactor never changes files in .git", location=Location(path)
            )
        place, directory = self.root, self.root
        for number, part in enumerate(parts, start=1):
            place = place / part
            relative = "/".join(parts[:number])
            try:
                mode = place.lstat().st_mode
            except FileNotFoundError:
                break
            except (OSError, ValueError) as error:
                raise RefusedError(_reason(error), location=Location(relative)) from None
            if stat.S_ISLNK(mode):
                raise self._link_error(path, relative)
            _check_kind(mode, relative, is_last=number == len(parts))
            if stat.S_ISDIR(mode):
                directory = place
        if not os.access(directory, os.W_OK | os.X_OK):
            relative = directory.relative_to(self.root).as_posix()
            raise RefusedError(
                f"the directory is not writable, so {path} cannot be written",
                location=Location(str(self.root) if relative == "." else relative),
                remedy="make it writable, or run as the owner of the project",
            )

    def _link_error(self, path: str, relative: str) -> RefusedError:
        """Return the error for the file *path*, in which *relative* is a symbolic link."""
        target = self.link_target(path) or path
        is_inside = not target.startswith("..") and self.exists(target)
        return RefusedError(
            f"a symbolic link, and its target, {target}, may belong to something else",
            location=Location(relative),
            remedy=f"name the file that it points to: -f {target}"
            if is_inside
            else "replace the link by a copy, or run the command on the project it points to",
        )


def _check_kind(mode: int, relative: str, *, is_last: bool) -> None:
    """Raise RefusedError unless *mode* is that of a directory, or of a file where *is_last*."""
    if is_last and not stat.S_ISREG(mode):
        raise RefusedError("not a regular file", location=Location(relative))
    if not is_last and not stat.S_ISDIR(mode):
        raise RefusedError("not a directory", location=Location(relative))


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _reason(error: OSError | ValueError) -> str:
    """Return the message for a file that cannot be read."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT:
        return "no such file"
    if number == errno.EISDIR:
        return "a directory, where a file is expected"
    if number is None:
        return "not a valid file name"
    return f"cannot be read: {os.strerror(number)}"
