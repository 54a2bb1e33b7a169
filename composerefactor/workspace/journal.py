"""What the tool keeps outside the project: a state directory, its lock, and the journal of runs.

Each project has one private directory below :func:`state_home`. It contains a lock against two
runs at once, and one journal per run, which is complete on the disk before the run changes the
first file. The file name of a journal says how far the run is, so that each step is one rename::

    0003.pending.json    the project is being written
    0003.applied.json    finished; `undo` restores the files from it
    0003.undoing.json    the files are being restored; deleted when that is finished

A journal contains the old content of all changed files, which may be secret: only the user can
read it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, NewType

from msgspec import Struct, convert, to_builtins

from composerefactor.errors import InputError, Location, RefusedError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NAME_LENGTH = 40
_KEY_LENGTH = 12
_LOCKED_BYTE = 1024  # Windows locks ranges; this one is behind the process number, still readable


def state_home() -> Path:
    """Return the directory with the state of all projects; it need not exist.

    It is ``$COMPOSEREFACTOR_STATE_HOME`` if that is set, else the usual directory of the operating
    system: on Linux ``$XDG_STATE_HOME/composerefactor`` (the XDG specification requires an absolute
    path, so a relative one is ignored) or ``~/.local/state/composerefactor``.

    Raises:
        RefusedError: The user has no home directory.
    """
    if own := os.environ.get("COMPOSEREFACTOR_STATE_HOME"):
        return Path(own).absolute()
    from platformdirs import user_state_path  # noqa: PLC0415 - imports much, only for this case

    try:
        return user_state_path("composerefactor", appauthor=False)
    except RuntimeError:
        raise RefusedError(
            "no home directory to keep the undo record in",
            remedy="set COMPOSEREFACTOR_STATE_HOME to a directory of your own",
        ) from None


def project_directory(root: Path) -> Path:
    """Return the state directory of the project at the resolved path *root*; it need not exist."""
    key = hashlib.sha256(os.fsencode(root)).hexdigest()[:_KEY_LENGTH]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", root.name)[:_NAME_LENGTH]
    return state_home() / f"{name}-{key}"


@contextmanager
def state_errors(directory: Path) -> Iterator[None]:
    """Turn an OSError about files in *directory* into a RefusedError."""
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"cannot write the undo record: {error.strerror or error}",
            location=Location(str(directory)),
            remedy="set COMPOSEREFACTOR_STATE_HOME to a directory that you can write to",
        ) from None


@contextmanager
def project_lock(directory: Path) -> Iterator[None]:
    """Create *directory* if it is missing, and lock it for the duration of the context.

    The operating system releases the lock of a process that has ended, however it ended.

    Raises:
        RefusedError: Another run has the lock, or the directory cannot be created or locked.
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
        process = os.read(descriptor, 20).decode("ascii", "replace").strip()
        raise RefusedError(
            f"another run is working on this project (process {process or 'unknown'})",
            remedy="wait until it has ended",
        ) from None
    except OSError as error:
        raise RefusedError(
            f"cannot lock the undo record: {error.strerror}",
            location=Location(str(directory)),
            remedy="set COMPOSEREFACTOR_STATE_HOME to a directory on a local disk",
        ) from None
    with state_errors(directory):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())


class Attributes(NamedTuple):
    """The attributes of a file that a run preserves.

    Attributes:
        mode: Permission bits.
        user: Numeric user id; -1 for that of any new file.
        group: Numeric group id; -1 for that of any new file.
    """

    mode: int
    user: int = -1
    group: int = -1


def attributes(path: Path) -> Attributes | None:
    """Return the attributes of *path*, not following a link; None if it does not exist."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return Attributes(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def write_new(path: Path, content: bytes, new_attributes: Attributes | None) -> None:
    """Create *path*, which must not exist, with *content*, and sync it to the disk.

    *new_attributes* are the attributes that the file gets. A different owner is set only where the
    operating system permits it. With None the file gets the mode of any new file, as in git: 0666
    less the umask.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666 if new_attributes is None else 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if new_attributes is not None:
            _set_owner(path, new_attributes)
            path.chmod(new_attributes.mode)
        os.fsync(descriptor)


def _set_owner(path: Path, new_attributes: Attributes) -> None:
    now = attributes(path)
    if hasattr(os, "chown") and now is not None and now[1:] != new_attributes[1:]:
        with suppress(PermissionError):
            os.chown(path, -1, new_attributes.group)
        with suppress(PermissionError):
            os.chown(path, new_attributes.user, -1)


def sync_directories(paths: Iterable[Path]) -> None:
    """Sync the directories *paths* to the disk that exist; Windows needs no such call."""
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


RunId = NewType("RunId", int)

_FORMAT = 1
_NAME = r"(\d{4,})\.(pending|applied|undoing)\.json"


class Phase(StrEnum):
    """How far a run is; see the docstring of the module."""

    PENDING = "pending"
    APPLIED = "applied"
    UNDOING = "undoing"


class JournalEntry(Struct, frozen=True):
    """One file that a run changes.

    Attributes:
        path: The file, POSIX and relative to the project root.
        temporary: The only other path that the run writes to; also relative to the root.
        before: The old content; None for a file that the run creates.
        attributes: The old attributes; None for a file that the run creates.
        after: SHA-256 of the new content in hexadecimal digits; None for a deleted file.
    """

    path: str
    temporary: str
    before: bytes | None
    attributes: Attributes | None
    after: str | None


class Journal(Struct, frozen=True):
    """All that is needed to finish a run or to undo it.

    Attributes:
        run: The number of the run.
        label: The command, as `undo` shows it.
        time: When the run started: ISO 8601, UTC.
        entries: The files that the run changes.
        created_directories: Directories that the run creates, relative to the root, parents first.
        removed_directories: Directories that the run leaves empty and removes, with their
            permission bits; relative to the root, parents first.
    """

    run: RunId
    label: str
    time: str
    entries: tuple[JournalEntry, ...]
    created_directories: tuple[str, ...]
    removed_directories: tuple[tuple[str, int], ...]


class Record(Struct, frozen=True):
    """A journal in the store: the number of its run, and how far the run is."""

    run: RunId
    phase: Phase

    @property
    def name(self) -> str:
        """The file name of the journal."""
        return f"{self.run:04}.{self.phase}.json"


class JournalStore:
    """The journals of the project at the resolved path *root*.

    Every method raises RefusedError for a file of the state directory that cannot be read or
    written.
    """

    def __init__(self, root: Path) -> None:
        self.directory = project_directory(root)

    def records(self) -> list[Record]:
        """Return the records of all journals, oldest first; creates nothing."""
        names: list[str] = []
        with state_errors(self.directory), suppress(FileNotFoundError):
            names = [path.name for path in self.directory.iterdir()]
        matches = [match for name in names if (match := re.fullmatch(_NAME, name))]
        records = [Record(RunId(int(match[1])), Phase(match[2])) for match in matches]
        return sorted(records, key=lambda record: record.run)

    def interrupted(self) -> Record | None:
        """Return the record of an interrupted run or undo; None if there is none."""
        unfinished = (record for record in self.records() if record.phase is not Phase.APPLIED)
        return next(unfinished, None)

    def next_run(self) -> RunId:
        """Return the number of the next run."""
        return RunId(max((record.run for record in self.records()), default=0) + 1)

    def path(self, record: Record) -> Path:
        """Return the path of the journal of *record*."""
        return self.directory / record.name

    def read(self, record: Record) -> Journal:
        """Return the journal of *record*.

        Raises:
            InputError: The journal is damaged, or was written by an incompatible version.
        """
        path = self.path(record)
        with state_errors(self.directory):
            content = path.read_bytes()
        try:
            return _from_json(content)
        except (ValueError, LookupError, TypeError, RecursionError):
            raise InputError(
                "the undo record is damaged, or was written by another version",
                location=Location(str(path)),
                remedy="delete it to continue; its run can then no longer be undone",
            ) from None

    def begin(self, journal: Journal) -> Record:
        """Store *journal* as pending, sync it to the disk, and return its record."""
        record = Record(journal.run, Phase.PENDING)
        draft = self.directory / "draft"
        with state_errors(self.directory):
            draft.unlink(missing_ok=True)
            write_new(draft, _to_json(journal), Attributes(0o600))
            draft.replace(self.path(record))
            sync_directories([self.directory])
        return record

    def advance(self, record: Record, phase: Phase) -> Record:
        """Move the journal of *record* to *phase* in one atomic step; return its new record."""
        moved = Record(record.run, phase)
        with state_errors(self.directory):
            self.path(record).replace(self.path(moved))
            sync_directories([self.directory])
        return moved

    def forget(self, record: Record) -> None:
        """Delete the journal of *record*."""
        with state_errors(self.directory):
            self.path(record).unlink()
            sync_directories([self.directory])


def _to_json(journal: Journal) -> bytes:
    # json and not msgspec writes the text: a path may have bytes that are not UTF-8 (surrogates).
    return json.dumps({"format": _FORMAT, **to_builtins(journal)}, indent=1).encode("ascii")


def _from_json(content: bytes) -> Journal:
    document = json.loads(content)
    if document["format"] != _FORMAT:
        raise ValueError(document["format"])
    return convert(document, Journal)
