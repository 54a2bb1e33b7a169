"""Undoing runs, the last one first, and recovering from an interrupted run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from msgspec import Struct

from composerefactor.errors import InputError, Location, RefusedError
from composerefactor.workspace.files import ProjectFiles
from composerefactor.workspace.interrupts import uninterrupted
from composerefactor.workspace.journal import (
    Journal,
    JournalEntry,
    JournalStore,
    Phase,
    Record,
    RunId,
    attributes,
    project_lock,
    sync_directories,
    write_new,
)


class Recovery(Struct, frozen=True):
    """How an interrupted run was recovered.

    Attributes:
        label: The command of the run.
        outcome: ``"completed"``, ``"rolled back"`` or ``"undone"``.
        paths: The files of the run.
    """

    label: str
    outcome: str
    paths: tuple[str, ...]


class _FileState(Enum):
    """How the content of a file compares with that in the journal."""

    BEFORE = "same as before the run"
    AFTER = "same as after the run"
    EDITED = "neither"


def recover(root: Path) -> Recovery | None:
    """Recover from an interrupted run in the project at *root*; None if there was none.

    Every command that writes calls this first.

    Raises:
        RefusedError: A file was edited since the interruption, or the other run is still active.
    """
    files = ProjectFiles(root)
    store = JournalStore(files.root)
    if store.interrupted() is None:
        return None
    with project_lock(store.directory):
        return recover_locked(files, store, force=False)


def recover_locked(files: ProjectFiles, store: JournalStore, *, force: bool) -> Recovery | None:
    """Do what :func:`recover` does, for a caller that has the project's lock.

    With *force*, files that were edited since are restored too.
    """
    record = store.interrupted()
    if record is None:
        return None
    journal = store.read(record)
    paths = tuple(entry.path for entry in journal.entries)
    states = {_file_state(files, entry) for entry in journal.entries}
    if record.phase is Phase.PENDING and states == {_FileState.AFTER}:
        with _as_refusal(files.root, "completed"):
            remove_leftovers(files.root, journal)
        store.advance(record, Phase.APPLIED)
        return Recovery(journal.label, "completed", paths)
    roll_back(files, store, record, journal, force=force)
    outcome = "rolled back" if record.phase is Phase.PENDING else "undone"
    return Recovery(journal.label, outcome, paths)


def roll_back(
    files: ProjectFiles, store: JournalStore, record: Record, journal: Journal, *, force: bool
) -> list[str]:
    """Restore all files of *journal*, delete the journal, and return the paths restored.

    A signal waits until all files are restored.

    Raises:
        RefusedError: Before anything is written: a file was edited since the run (not with
            *force*), or cannot be written.
    """
    to_restore = [
        entry for entry in journal.entries if _file_state(files, entry) is not _FileState.BEFORE
    ]
    for entry in to_restore:
        files.check_writable(entry.path)
    if not force:
        _refuse_edited(files, store, record, journal)
    with uninterrupted("the files of a run were restored"):
        if record.phase is Phase.APPLIED:
            record = store.advance(record, Phase.UNDOING)
        with _as_refusal(files.root, "undone"):
            _restore_files(files.root, journal, to_restore)
        store.forget(record)
    return [entry.path for entry in to_restore]


def remove_leftovers(root: Path, journal: Journal) -> None:
    """Remove temporary files and emptied directories, the last step of a run."""
    for entry in journal.entries:
        (root / entry.temporary).unlink(missing_ok=True)
    for path, _ in reversed(journal.removed_directories):
        # the directory stays if it is no longer empty
        with suppress(OSError):
            (root / path).rmdir()
    _sync(root, journal)


@contextmanager
def _as_refusal(root: Path, outcome: str) -> Iterator[None]:
    """Turn an OSError into a RefusedError: the last run cannot be what *outcome* says.

    The journal makes it possible to continue later.
    """
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"the last run cannot be {outcome}: {error.strerror or error}",
            location=Location(str(error.filename or root)),
            remedy="fix the cause, then run `composerefactor undo` to continue",
        ) from None


def _restore_files(root: Path, journal: Journal, entries: Iterable[JournalEntry]) -> None:
    for entry in journal.entries:
        with suppress(NotADirectoryError):
            (root / entry.temporary).unlink(missing_ok=True)
    for path, _ in journal.removed_directories:
        (root / path).mkdir(mode=0o700, exist_ok=True)
    try:
        written = _write_copies(root, entries)
    except OSError:
        remove_leftovers(root, journal)  # a disk that is full gets no fuller
        raise
    for entry in written:
        (root / entry.temporary).replace(root / entry.path)
    for entry in entries:
        if entry.before is None:
            (root / entry.path).unlink(missing_ok=True)
    for path, mode in reversed(journal.removed_directories):
        (root / path).chmod(mode)
    for path in reversed(journal.created_directories):
        with suppress(OSError):
            (root / path).rmdir()
    _sync(root, journal)


def _write_copies(root: Path, entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """Write what *entries* had before to temporary files, and return those that had content."""
    written: list[JournalEntry] = []
    for entry in entries:
        target = root / entry.path
        if entry.before is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        # the run kept the mode, so a different one is a later change of the user's
        restored = attributes(target) or entry.attributes
        write_new(root / entry.temporary, entry.before, restored)
        written.append(entry)
    return written


def _sync(root: Path, journal: Journal) -> None:
    directories = [*journal.created_directories, *(path for path, _ in journal.removed_directories)]
    paths = [root / entry.path for entry in journal.entries] + [root / path for path in directories]
    sync_directories(path.parent for path in paths)


def _refuse_edited(
    files: ProjectFiles, store: JournalStore, record: Record, journal: Journal
) -> None:
    edited = [
        entry.path for entry in journal.entries if _file_state(files, entry) is _FileState.EDITED
    ]
    if not edited:
        return
    more = f" (and {len(edited) - 1} more: {', '.join(edited[1:])})" if edited[1:] else ""
    interrupted = "" if record.phase is Phase.APPLIED else "interrupted "
    raise RefusedError(
        f"was edited after the {interrupted}run `{journal.label}` of {journal.time}{more}",
        location=Location(edited[0]),
        remedy="save a copy of your edit, then run `composerefactor undo --force`; or delete "
        f"{store.path(record)} to keep all files as they are now",
    )


def _file_state(files: ProjectFiles, entry: JournalEntry) -> _FileState:
    try:
        is_there = os.path.lexists(files.root / entry.path)
    except ValueError:
        is_there = False
    content = files.read_bytes(entry.path) if is_there else None
    if content == entry.before:
        return _FileState.BEFORE
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    return _FileState.AFTER if digest == entry.after else _FileState.EDITED


class RunSummary(Struct, frozen=True):
    """A run, for display.

    Attributes:
        run: The number of the run.
        label: The command.
        time: When the run started: ISO 8601, UTC.
        paths: The files that it changed.
    """

    run: RunId
    label: str
    time: str
    paths: tuple[str, ...]


def last_run(root: Path) -> RunSummary | None:
    """Return the run that :func:`undo` would undo or finish; None if there is none.

    Writes nothing and takes no lock.
    """
    store = JournalStore(ProjectFiles(root).root)
    record = store.interrupted() or _last_applied(store)
    if record is None:
        return None
    journal = store.read(record)
    paths = tuple(entry.path for entry in journal.entries)
    return RunSummary(journal.run, journal.label, journal.time, paths)


def undo(root: Path, *, force: bool = False) -> list[str]:
    """Undo the last run in the project at *root*, and return the paths that were restored.

    Afterwards the content and mode of each file, and the directories, are as before that run. An
    interrupted run counts as the last one: it is rolled back, and earlier runs stay applied. With
    *force*, files that were edited since are restored too.

    Raises:
        RefusedError: Nothing was written: there is no run to undo, or a file was edited since (not
            with *force*).
    """
    files = ProjectFiles(root)
    store = JournalStore(files.root)
    if not store.records():
        raise _nothing_to_undo()
    with project_lock(store.directory):
        recovery = recover_locked(files, store, force=force)
        if recovery is not None and recovery.outcome != "completed":
            return list(recovery.paths)
        record = _last_applied(store)
        if record is None:
            raise _nothing_to_undo()
        return roll_back(files, store, record, store.read(record), force=force)


def _last_applied(store: JournalStore) -> Record | None:
    applied = [record for record in store.records() if record.phase is Phase.APPLIED]
    return applied[-1] if applied else None


def _nothing_to_undo() -> RefusedError:
    return RefusedError(
        "nothing to undo: no run is recorded for this directory",
        remedy="give the directory that the run changed, or restore the files with git",
    )


class EarlierFiles(Struct, frozen=True):
    """The files of a project as they were before its last runs.

    Attributes:
        files: The content by path; None for a file that did not exist.
        runs: The first of these runs, for display.
    """

    files: dict[str, bytes | None]
    runs: str


def files_before_runs(root: Path, is_relevant: Callable[[str], bool]) -> EarlierFiles | None:
    """Return the files as they were before the last runs in the project at *root*.

    The runs are the last ones for whose labels *is_relevant* returns True, without a gap, as far as
    all their files are unchanged since. Returns None if there are none. Writes nothing and takes no
    lock.
    """
    files = ProjectFiles(root)
    store = JournalStore(files.root)
    contents: dict[str, bytes | None] = {}
    first: Journal | None = None
    for record in reversed(store.records()):
        if record.phase is not Phase.APPLIED:
            break
        journal = store.read(record)
        if not is_relevant(journal.label) or not _is_unchanged_since(files, journal, contents):
            break
        contents |= {entry.path: entry.before for entry in journal.entries}
        first = journal
    return EarlierFiles(contents, f"`{first.label}` of {first.time}") if first else None


def _is_unchanged_since(
    files: ProjectFiles, journal: Journal, later: dict[str, bytes | None]
) -> bool:
    for entry in journal.entries:
        if entry.path in later:
            content = later[entry.path]
        else:
            try:
                content = files.read_bytes(entry.path)
            except InputError:
                content = None
        digest = None if content is None else hashlib.sha256(content).hexdigest()
        if digest != entry.after:
            return False
    return True
