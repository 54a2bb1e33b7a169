"""Single steps on the disk that survive a power failure once they have returned."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Attributes(NamedTuple):
    """What a file has besides its content: permission bits, and the numbers of its owner."""

    mode: int
    user: int = -1
    group: int = -1


def attributes(path: Path) -> Attributes | None:
    """Return the attributes of *path* itself, or None where nothing is there."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return Attributes(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def write_new(path: Path, content: bytes, wanted: Attributes | None) -> None:
    """Create *path*, which must not exist, with *content*; it is on the disk afterwards.

    *wanted* are the attributes it gets; another owner only where the system lets us, and -1 for
    that of any new file. None gives the mode of any new file too: as in git, 0666 less the umask.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666 if wanted is None else 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if wanted is not None:
            _own(path, wanted)
            path.chmod(wanted.mode)
        os.fsync(descriptor)


def _own(path: Path, wanted: Attributes) -> None:
    now = attributes(path)
    if hasattr(os, "chown") and now is not None and now[1:] != wanted[1:]:
        with suppress(PermissionError):
            os.chown(path, -1, wanted.group)
        with suppress(PermissionError):
            os.chown(path, wanted.user, -1)


def sync_directories(paths: Iterable[Path]) -> None:
    """Bring the entries of those *paths* that exist to the disk; Windows does so by itself."""
    if os.name == "nt":
        return
    for path in sorted(set(paths)):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
