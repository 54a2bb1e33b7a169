"""Taking applied runs back, the last one first."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from composerefactor.errors import RefusedError
from composerefactor.workspace.files import ProjectFiles
from composerefactor.workspace.journal import JournalStore, Phase, Record, RunId
from composerefactor.workspace.recover import recover_locked, take_back
from composerefactor.workspace.state import project_lock


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
