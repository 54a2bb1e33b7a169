"""Writing a changeset to a project: all files or none."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import InputError, Location, RefusedError
from composerefactor.workspace.files import ProjectFiles
from composerefactor.workspace.journal import (
    Entry,
    Journal,
    JournalStore,
    Phase,
    RunId,
    attributes,
    write_new,
)
from composerefactor.workspace.state import project_lock
from composerefactor.workspace.undo import recover_locked, remove_leftovers, take_back


def apply(root: Path, changeset: Changeset, label: str) -> RunId:
    """Write *changeset* to the project at *root*; *label* is the command, as `undo` shows it.

    Changed files keep mode and owner, directories that become empty go, as they do in git.
    Raises RefusedError with nothing written where a file is no longer as the changeset has it
    before, or cannot be written, or the undo record cannot be kept. ValueError for an empty set.
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
        journal = _plan(files.root, changeset, store.next_run(), label)
        record = store.begin(journal)
        try:
            _write(files.root, changeset, journal)
            store.advance(record, Phase.APPLIED)
        except BaseException as error:
            take_back(files, store, record, journal, force=False)
            if isinstance(error, OSError):
                raise RefusedError(
                    f"cannot be written: {error.strerror or error}; nothing was changed",
                    location=Location(str(error.filename or files.root)),
                ) from None
            raise
    return journal.run


def _check_unchanged(files: ProjectFiles, change: FileChange) -> None:
    try:
        is_there = os.path.lexists(files.root / change.path)
        content = files.read_bytes(change.path) if is_there else None
    except InputError as error:
        raise RefusedError(error.message, location=Location(change.path)) from None
    if content == change.before:
        return
    what = "exists already" if change.before is None else "changed meanwhile"
    raise RefusedError(
        f"{what}; nothing was written",
        location=Location(change.path),
        remedy="run the command again to work on the file as it is now",
    )


def _plan(root: Path, changeset: Changeset, run: RunId, label: str) -> Journal:
    token = secrets.token_hex(4)
    entries = tuple(
        Entry(
            path=change.path,
            temporary=str(PurePosixPath(change.path).with_name(f".composerefactor-{token}-{at}")),
            before=change.before,
            attributes=None if change.before is None else attributes(root / change.path),
            after=None if change.after is None else hashlib.sha256(change.after).hexdigest(),
        )
        for at, change in enumerate(changeset.changes)
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


def _directories_of(paths: Iterable[str]) -> set[str]:
    """Return all directories below the root that *paths* stand in."""
    return {
        str(directory) for path in paths for directory in list(PurePosixPath(path).parents)[:-1]
    }


def _missing_directories(root: Path, written: Iterable[str]) -> tuple[str, ...]:
    """Return the directories that must be made for *written*, parents first."""
    return tuple(path for path in sorted(_directories_of(written)) if not (root / path).exists())


def _emptied_directories(
    root: Path, changeset: Changeset, written: Iterable[str]
) -> tuple[tuple[str, int], ...]:
    """Return the directories in which the deletions leave nothing, parents first, with modes."""
    deleted = [change.path for change in changeset.deleted]
    gone = set(deleted)
    emptied: list[tuple[str, int]] = []
    for path in sorted(_directories_of(deleted) - _directories_of(written), reverse=True):
        directory = root / path
        # one that cannot be listed holds what we cannot know
        if os.access(directory, os.R_OK) and all(
            f"{path}/{entry.name}" in gone for entry in directory.iterdir()
        ):
            gone.add(path)
            emptied.append((path, stat.S_IMODE(directory.stat().st_mode)))
    return tuple(reversed(emptied))


def _write(root: Path, changeset: Changeset, journal: Journal) -> None:
    for path in journal.created_directories:
        (root / path).mkdir(exist_ok=True)
    pairs = list(zip(changeset.changes, journal.entries, strict=True))
    for change, entry in pairs:
        if change.after is not None:
            write_new(root / entry.temporary, change.after, entry.attributes)
    for change, entry in pairs:
        if change.after is None:
            (root / change.path).unlink()
        else:
            (root / entry.temporary).replace(root / change.path)
    remove_leftovers(root, journal)
