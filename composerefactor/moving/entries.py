"""How the project is started after its roots have moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.project import project_directory
from composerefactor.moving.relocation import Relocation


def started(entry: EntryPoint, found: Relocation) -> EntryPoint:
    """Return *entry* as the command that gives the same model after the move.

    It names the project directory, which is that of the first file otherwise; with it stay the
    project's name, all paths, and the ``.env`` that is read (observed: v2.24.1 to v5.6.1).
    """
    if not found.moves(entry):
        return entry
    pinned = project_directory(entry) if entry.base in found.files else entry.project_directory
    files = tuple(map(found.path, entry.files))
    return replace(entry, files=files, project_directory=pinned, implicit=False)


def renamed(entries: Iterable[EntryPoint], found: Relocation) -> dict[EntryPoint, EntryPoint]:
    """Return the new command of each of *entries* that needs another one."""
    return {entry: started(entry, found) for entry in entries if found.moves(entry)}
