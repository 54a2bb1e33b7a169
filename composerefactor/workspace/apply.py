"""Writing a changeset to a project: all files or none."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import InputError, Location, RefusedError
from composerefactor.workspace.files import ProjectFiles
from composerefactor.workspace.interrupts import uninterrupted
from composerefactor.workspace.journal import (
    Attributes,
    Journal,
    JournalEntry,
    JournalStore,
    Phase,
    RunId,
    attributes,
    project_lock,
    write_new,
)
from composerefactor.workspace.undo import recover_locked, remove_leftovers, roll_back


def apply(
    root: Path, changeset: Changeset, label: str, read: Mapping[str, bytes | None] | None = None
) -> RunId:
    """Write *changeset* to the project at *root*, and return the number of the run.

    Changed files keep their mode and owner. Directories that become empty are removed, as git does.
    A signal waits until all files are written.

    Args:
        root: The project directory.
        changeset: The files to write, with their content before and after.
        label: The command, as `undo` shows it.
        read: The contents of further files that the changeset was made and verified with; None for
            one that could not be read.

    Raises:
        RefusedError: Nothing was written, because the current content of a file is not what the
            changeset or *read* expects, a file cannot be written, or the undo record cannot be
            written.
        ValueError: The changeset is empty.
    """
    if changeset.is_empty:
        msg = "an empty changeset is not a run"
        raise ValueError(msg)
    files = ProjectFiles(root)
    store = JournalStore(files.root)
    with project_lock(store.directory):
        recover_locked(files, store, force=False)
        for change in changeset.changes:
            files.check_writable(change.path)
            _check_unchanged(files, change)
        for path, content in files.contents(read or ()).items():
            if content != (read or {})[path]:
                raise _changed(path, "has changed since it was read")
        journal = _new_journal(files.root, changeset, store.next_run(), label)
        with uninterrupted("files were written, `composerefactor undo` restores them"):
            record = store.begin(journal)
            try:
                _write(files.root, changeset, journal)
            except BaseException as error:
                roll_back(files, store, record, journal, force=False)
                if isinstance(error, OSError):
                    raise RefusedError(
                        f"cannot be written: {error.strerror or error}; no file was changed",
                        location=Location(str(error.filename or files.root)),
                    ) from None
                raise
            store.advance(record, Phase.APPLIED)
    return journal.run


def _check_unchanged(files: ProjectFiles, change: FileChange) -> None:
    try:
        is_there = os.path.lexists(files.root / change.path)
        content = files.read_bytes(change.path) if is_there else None
    except InputError as error:
        raise RefusedError(error.message, location=Location(change.path)) from None
    if content == change.before:
        return
    problem = "already exists" if change.before is None else "has changed since it was read"
    raise _changed(change.path, problem)


def _changed(path: str, problem: str) -> RefusedError:
    return RefusedError(
        f"{problem}; no file was written",
        location=Location(path),
        remedy="run the command again to use the current content",
    )


def _new_journal(root: Path, changeset: Changeset, run: RunId, label: str) -> Journal:
    token = secrets.token_hex(4)
    entries = tuple(
        JournalEntry(
            path=change.path,
            temporary=str(
                PurePosixPath(change.path).with_name(f".composerefactor-{token}-{number}")
            ),
            before=change.before,
            attributes=None if change.before is None else attributes(root / change.path),
            after=None if change.after is None else hashlib.sha256(change.after).hexdigest(),
        )
        for number, change in enumerate(changeset.changes)
    )
    written = [change.path for change in changeset.changes if change.after is not None]
    return Journal(
        run=run,
        label=label,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        entries=entries,
        created_directories=_missing_directories(root, written),
        removed_directories=_emptied_directories(root, changeset, written),
    )


def _parent_directories(paths: Iterable[str]) -> set[str]:
    """Return all directories below the root that contain *paths*, at any depth."""
    return {
        str(directory) for path in paths for directory in list(PurePosixPath(path).parents)[:-1]
    }


def _missing_directories(root: Path, written: Iterable[str]) -> tuple[str, ...]:
    """Return the directories to create for the files *written*, parents first."""
    return tuple(
        path for path in sorted(_parent_directories(written)) if not (root / path).exists()
    )


def _emptied_directories(
    root: Path, changeset: Changeset, written: Iterable[str]
) -> tuple[tuple[str, int], ...]:
    """Return the directories that the deletions leave empty, with their modes, parents first."""
    deleted = [change.path for change in changeset.deleted]
    removed = set(deleted)
    emptied: list[tuple[str, int]] = []
    for path in sorted(_parent_directories(deleted) - _parent_directories(written), reverse=True):
        directory = root / path
        # a directory that cannot be listed may contain other files
        if os.access(directory, os.R_OK) and all(
            f"{path}/{entry.name}" in removed for entry in directory.iterdir()
        ):
            removed.add(path)
            emptied.append((path, stat.S_IMODE(directory.stat().st_mode)))
    return tuple(reversed(emptied))


def _write(root: Path, changeset: Changeset, journal: Journal) -> None:
    for path in journal.created_directories:
        (root / path).mkdir(exist_ok=True)
    pairs = list(zip(changeset.changes, journal.entries, strict=True))
    for change, entry in pairs:
        if change.after is not None:
            is_private = change.private and entry.attributes is None
            new_attributes = Attributes(0o600) if is_private else entry.attributes
            write_new(root / entry.temporary, change.after, new_attributes)
    for change, entry in pairs:
        if change.after is None:
            (root / change.path).unlink()
        else:
            (root / entry.temporary).replace(root / change.path)
    remove_leftovers(root, journal)
