"""What the files were before the last runs, as long as nobody has edited them since."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from composerefactor.errors import InputError
from composerefactor.workspace.files import ProjectFiles
from composerefactor.workspace.journal import Journal, JournalStore, Phase


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
