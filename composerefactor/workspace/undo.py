"""Taking applied runs back, the last one first."""

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
from composerefactor.workspace.journal import (
    Entry,
    Journal,
    JournalStore,
    Phase,
    Record,
    RunId,
    attributes,
    sync_directories,
    write_new,
)
from composerefactor.workspace.state import project_lock


class Recovery(Struct, frozen=True):
    """What was repaired: the run's *label*, what became of it in words, and its *paths*."""

    label: str
    outcome: str
    paths: tuple[str, ...]


class _State(Enum):
    BEFORE = "as before the run"
    AFTER = "as the run left it"
    EDITED = "as neither"


def recover(root: Path) -> Recovery | None:
    """Repair what an interrupted run has left in the project at *root*; None if there is nothing.

    Every command that writes calls this first. Raises RefusedError where a file has been edited
    since the interruption, and where the other run is still at work.
    """
    files = ProjectFiles(root)
    store = JournalStore(files.root)
    if store.interrupted() is None:
        return None
    with project_lock(store.directory):
        return recover_locked(files, store, force=False)


def recover_locked(files: ProjectFiles, store: JournalStore, *, force: bool) -> Recovery | None:
    """Do what :func:`recover` does for a caller that holds the project's lock.

    With *force* the old content replaces edited files too.
    """
    record = store.interrupted()
    if record is None:
        return None
    journal = store.read(record)
    paths = tuple(entry.path for entry in journal.entries)
    states = {_state(files, entry) for entry in journal.entries}
    if record.phase is Phase.PENDING and states == {_State.AFTER}:
        with _errors(files.root):
            remove_leftovers(files.root, journal)
        store.advance(record, Phase.APPLIED)
        return Recovery(journal.label, "completed", paths)
    take_back(files, store, record, journal, force=force)
    outcome = "rolled back" if record.phase is Phase.PENDING else "taken back"
    return Recovery(journal.label, outcome, paths)


def take_back(
    files: ProjectFiles, store: JournalStore, record: Record, journal: Journal, *, force: bool
) -> list[str]:
    """Bring all files of *journal* back to what they were, and forget it; the paths restored.

    Raises RefusedError, before anything is written, where a file is neither as before the run nor
    as after it (unless *force*), or cannot be written.
    """
    to_restore = [entry for entry in journal.entries if _state(files, entry) is not _State.BEFORE]
    for entry in to_restore:
        files.check_writable(entry.path)
    if not force:
        _refuse_edited(files, store, record, journal)
    if record.phase is Phase.APPLIED:
        record = store.advance(record, Phase.UNDOING)
    with _errors(files.root):
        _restore(files.root, journal, to_restore)
    store.forget(record)
    return [entry.path for entry in to_restore]


def remove_leftovers(root: Path, journal: Journal) -> None:
    """Remove temporary files, and directories that the run leaves empty, once all else is done."""
    for entry in journal.entries:
        (root / entry.temporary).unlink(missing_ok=True)
    for path, _ in reversed(journal.removed_directories):
        # something else may have been put there meanwhile: then it stays
        with suppress(OSError):
            (root / path).rmdir()
    _sync(root, journal)


@contextmanager
def _errors(root: Path) -> Iterator[None]:
    """Turn what the system says half-way into a RefusedError: the journal allows to go on."""
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"an interrupted run could not be repaired: {error.strerror or error}",
            location=Location(str(error.filename or root)),
            remedy="mend that, then run `composerefactor undo` to go on",
        ) from None


def _restore(root: Path, journal: Journal, entries: Iterable[Entry]) -> None:
    for entry in journal.entries:
        with suppress(NotADirectoryError):
            (root / entry.temporary).unlink(missing_ok=True)
    for path, _ in journal.removed_directories:
        (root / path).mkdir(mode=0o700, exist_ok=True)
    written: list[Entry] = []
    for entry in entries:
        target = root / entry.path
        if entry.before is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        # a mode that was changed since the run is the user's; the run itself kept it
        wanted = attributes(target) or entry.attributes
        write_new(root / entry.temporary, entry.before, wanted)
        written.append(entry)
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


def _sync(root: Path, journal: Journal) -> None:
    directories = [*journal.created_directories, *(path for path, _ in journal.removed_directories)]
    paths = [root / entry.path for entry in journal.entries] + [root / path for path in directories]
    sync_directories(path.parent for path in paths)


def _refuse_edited(
    files: ProjectFiles, store: JournalStore, record: Record, journal: Journal
) -> None:
    edited = [entry.path for entry in journal.entries if _state(files, entry) is _State.EDITED]
    if not edited:
        return
    more = f" (and {len(edited) - 1} more: {', '.join(edited[1:])})" if edited[1:] else ""
    interrupted = "" if record.phase is Phase.APPLIED else "interrupted "
    raise RefusedError(
        f"edited since the {interrupted}run `{journal.label}` of {journal.time}{more}",
        location=Location(edited[0]),
        remedy="keep a copy of your edit, then run `composerefactor undo --force`; or delete "
        f"{store.path(record)} to leave everything as it is now",
    )


def _state(files: ProjectFiles, entry: Entry) -> _State:
    try:
        is_there = os.path.lexists(files.root / entry.path)
    except ValueError:
        is_there = False
    content = files.read_bytes(entry.path) if is_there else None
    if content == entry.before:
        return _State.BEFORE
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    return _State.AFTER if digest == entry.after else _State.EDITED


class RunSummary(Struct, frozen=True):
    """A run as shown to a person: the command, when (ISO 8601, UTC), and the files it wrote."""

    run: RunId
    label: str
    time: str
    paths: tuple[str, ...]


def last_run(root: Path) -> RunSummary | None:
    """Return what :func:`undo` would take back, or finish; None if there is nothing.

    Nothing is written, and nothing is locked.
    """
    store = JournalStore(ProjectFiles(root).root)
    record = store.interrupted() or _last_applied(store)
    if record is None:
        return None
    journal = store.read(record)
    paths = tuple(entry.path for entry in journal.entries)
    return RunSummary(journal.run, journal.label, journal.time, paths)


def undo(root: Path, *, force: bool = False) -> list[str]:
    """Take the last applied run in the project at *root* back; the paths that were restored.

    Every byte, every mode, and directories are as before that run. A run that was interrupted
    counts as the last one: it is rolled back, and earlier ones stay. Raises RefusedError with
    nothing written where there is nothing to take back, or a file was edited since; *force*
    brings the old content back all the same.
    """
    files = ProjectFiles(root)
    store = JournalStore(files.root)
    if not store.records():
        raise _nothing()
    with project_lock(store.directory):
        recovery = recover_locked(files, store, force=force)
        if recovery is not None and recovery.outcome != "completed":
            return list(recovery.paths)
        record = _last_applied(store)
        if record is None:
            raise _nothing()
        return take_back(files, store, record, store.read(record), force=force)


def _last_applied(store: JournalStore) -> Record | None:
    applied = [record for record in store.records() if record.phase is Phase.APPLIED]
    return applied[-1] if applied else None


def _nothing() -> RefusedError:
    return RefusedError(
        "there is nothing to undo: no run in this directory has been recorded",
        remedy="name the directory that the run was started for; or ask git",
    )


class Before(Struct, frozen=True):
    """The files by path, None for one that was not there; *runs* says which runs, for a person."""

    files: dict[str, bytes | None]
    runs: str


def before_runs(root: Path, wanted: Callable[[str], bool]) -> Before | None:
    """Return the files as they were before the last runs in the project at *root*.

    Only those runs count whose label is *wanted* and that no other run follows, and only as long
    as all files are as they left them; None where there is none. Nothing is written or locked.
    """
    files = ProjectFiles(root)
    store = JournalStore(files.root)
    found: dict[str, bytes | None] = {}
    first: Journal | None = None
    for record in reversed(store.records()):
        if record.phase is not Phase.APPLIED:
            break
        journal = store.read(record)
        if not wanted(journal.label) or not _is_as_left(files, journal, found):
            break
        found |= {entry.path: entry.before for entry in journal.entries}
        first = journal
    return Before(found, f"`{first.label}` of {first.time}") if first else None


def _is_as_left(files: ProjectFiles, journal: Journal, later: dict[str, bytes | None]) -> bool:
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
