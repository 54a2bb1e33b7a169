"""The record of a run, complete on the disk before the run touches the first file.

A journal is one file that says in its name how far the run is; going on is one rename::

    0003.pending.json    being written to the project
    0003.applied.json    done; what `undo` takes back
    0003.undoing.json    being taken back; gone when that is done

It holds the old content of all files, which may be secret: only the user can read it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, NewType

from msgspec import Struct

from composerefactor.errors import InputError, Location
from composerefactor.workspace.state import project_directory, state_errors


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


RunId = NewType("RunId", int)

_FORMAT = 1
_NAME = re.compile(r"(\d{4,})\.(pending|applied|undoing)\.json")


class Phase(StrEnum):
    """How far a run is."""

    PENDING = "pending"
    APPLIED = "applied"
    UNDOING = "undoing"


class Entry(Struct, frozen=True):
    """One file of a run; *path* and *temporary* are POSIX and relative to the project root.

    *temporary* is the only name beside the target that is ever written. *before* and *attributes*
    are None for a created file, *after* (a SHA-256 in hexadecimal digits) for a deleted one.
    """

    path: str
    temporary: str
    before: bytes | None
    attributes: Attributes | None
    after: str | None


class Journal(Struct, frozen=True):
    """A run: *label* is the command, *time* in ISO 8601 (UTC).

    Directories, relative to the root and parents first, are those that the run creates, and those
    that it leaves empty and removes, with their permission bits.
    """

    run: RunId
    label: str
    time: str
    entries: tuple[Entry, ...]
    created_directories: tuple[str, ...]
    removed_directories: tuple[tuple[str, int], ...]


class Record(Struct, frozen=True):
    """A journal in the store."""

    run: RunId
    phase: Phase

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.run:04}.{self.phase}.json"


class JournalStore:
    """The journals of the project at the resolved path *root*."""

    def __init__(self, root: Path) -> None:
        self.directory = project_directory(root)

    def records(self) -> list[Record]:
        """Return what there is, oldest first; nothing is created."""
        names: list[str] = []
        with state_errors(self.directory), suppress(FileNotFoundError):
            names = [path.name for path in self.directory.iterdir()]
        matches = [match for name in names if (match := _NAME.fullmatch(name))]
        found = [Record(RunId(int(match[1])), Phase(match[2])) for match in matches]
        return sorted(found, key=lambda record: record.run)

    def interrupted(self) -> Record | None:
        """Return the record of a run, or an undo, that has not come to its end."""
        return next((one for one in self.records() if one.phase is not Phase.APPLIED), None)

    def next_run(self) -> RunId:
        """Return the number of the next run."""
        return RunId(max((record.run for record in self.records()), default=0) + 1)

    def path(self, record: Record) -> Path:
        """Return where *record* is kept."""
        return self.directory / record.name

    def read(self, record: Record) -> Journal:
        """Return the journal of *record*; InputError where it is damaged."""
        path = self.path(record)
        with state_errors(self.directory):
            content = path.read_bytes()
        try:
            return _from_json(json.loads(content))
        except (ValueError, LookupError, TypeError):
            raise InputError(
                "this undo record is damaged, or of another version",
                location=Location(str(path)),
                remedy="delete it to go on without; its run can then not be taken back",
            ) from None

    def begin(self, journal: Journal) -> Record:
        """Keep *journal* as pending; it is on the disk afterwards."""
        record = Record(journal.run, Phase.PENDING)
        planned_file = self.directory / "draft"
        with state_errors(self.directory):
            planned_file.unlink(missing_ok=True)
            write_new(planned_file, _to_json(journal), Attributes(0o600))
            planned_file.replace(self.path(record))
            sync_directories([self.directory])
        return record

    def advance(self, record: Record, phase: Phase) -> Record:
        """Put *record* into *phase*, at once or not at all."""
        moved = Record(record.run, phase)
        with state_errors(self.directory):
            self.path(record).replace(self.path(moved))
            sync_directories([self.directory])
        return moved

    def forget(self, record: Record) -> None:
        """Delete *record*: its run is as if it had never been."""
        with state_errors(self.directory):
            self.path(record).unlink()
            sync_directories([self.directory])


def _to_json(journal: Journal) -> bytes:
    entries = [
        {
            "path": entry.path,
            "temporary": entry.temporary,
            "before": None if entry.before is None else base64.b64encode(entry.before).decode(),
            "attributes": entry.attributes,
            "after": entry.after,
        }
        for entry in journal.entries
    ]
    document = {
        "format": _FORMAT,
        "run": journal.run,
        "label": journal.label,
        "time": journal.time,
        "entries": entries,
        "created_directories": journal.created_directories,
        "removed_directories": journal.removed_directories,
    }
    return json.dumps(document, indent=1).encode("ascii")


def _from_json(document: Any) -> Journal:
    if document["format"] != _FORMAT:
        raise ValueError(document["format"])
    entries = tuple(
        Entry(
            path=entry["path"],
            temporary=entry["temporary"],
            before=None if entry["before"] is None else base64.b64decode(entry["before"]),
            attributes=None if entry["attributes"] is None else Attributes(*entry["attributes"]),
            after=entry["after"],
        )
        for entry in document["entries"]
    )
    return Journal(
        run=RunId(document["run"]),
        label=document["label"],
        time=document["time"],
        entries=entries,
        created_directories=tuple(document["created_directories"]),
        removed_directories=tuple((path, mode) for path, mode in document["removed_directories"]),
    )
