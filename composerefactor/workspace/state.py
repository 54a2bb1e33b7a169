"""The tool's own directory: one private folder a project, and a lock against two runs at once."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from composerefactor.errors import Location, RefusedError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NAME_LENGTH = 40
_KEY_LENGTH = 12
_LOCKED_BYTE = 1024  # Windows locks ranges: one behind the process number, which stays readable


def state_home() -> Path:
    """Return the directory that holds the state of all projects; it need not exist.

    ``$COMPOSEREFACTOR_STATE_HOME``, else where the system keeps such data: on Linux
    ``$XDG_STATE_HOME/composerefactor`` (an absolute path, says the XDG specification) or
    ``~/.local/state/composerefactor``. Raises RefusedError where there is no home directory.
    """
    if own := os.environ.get("COMPOSEREFACTOR_STATE_HOME"):
        return Path(own).absolute()
    xdg = os.environ.get("XDG_STATE_HOME", "")
    if Path(xdg).is_absolute():
        return Path(xdg) / "composerefactor"
    try:
        home = Path.home()
    except RuntimeError:
        raise RefusedError(
            "there is no home directory for the undo record",
            remedy="set COMPOSEREFACTOR_STATE_HOME to a directory of your own",
        ) from None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local")) / "composerefactor"
    if sys.platform == "darwin":
        return home / "Library/Application Support/composerefactor"
    return home / ".local/state/composerefactor"


def project_directory(root: Path) -> Path:
    """Return the folder of the project at the resolved path *root*; it need not exist."""
    key = hashlib.sha256(os.fsencode(root)).hexdigest()[:_KEY_LENGTH]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", root.name)[:_NAME_LENGTH]
    return state_home() / f"{name}-{key}"


@contextmanager
def state_errors(directory: Path) -> Iterator[None]:
    """Turn what the system says about files in *directory* into a RefusedError."""
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"the undo record cannot be kept: {error.strerror or error}",
            location=Location(str(directory)),
            remedy="set COMPOSEREFACTOR_STATE_HOME to a directory that you can write to",
        ) from None


@contextmanager
def project_lock(directory: Path) -> Iterator[None]:
    """Create *directory* and hold its lock; RefusedError where another run holds it.

    The system frees the lock of a process that has ended, however it ended.
    """
    with state_errors(directory):
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, directory: Path) -> None:
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        element = os.read(descriptor, 20).decode("ascii", "replace").strip()
        raise RefusedError(
            f"another run is at work on this project (process {element or 'unknown'})",
            remedy="wait until it has ended",
        ) from None
    except OSError as error:
        raise RefusedError(
            f"the undo record cannot be locked: {error.strerror}",
            location=Location(str(directory)),
            remedy="set COMPOSEREFACTOR_STATE_HOME to a directory on a local disk",
        ) from None
    with state_errors(directory):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())
