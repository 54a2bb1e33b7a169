"""Moving the roots of a project that is open."""

from __future__ import annotations

import os
from pathlib import Path

from composerefactor.errors import UsageError
from composerefactor.moving.plan import Move
from composerefactor.moving.relocation import Relocation, relocation
from composerefactor.proposal.opening import Opened, ProjectTexts


def relocated(opened: Opened, path: Path, directory: str) -> Move:
    """Return the move of the root files of the project that is open to *directory*.

    *path* is where the user says that the project is: roots that stand in *directory* below it
    already are a project of their own, and stay.

    Raises UsageError for a *path* that is not the project directory, or a *directory* that is none
    below it, and RefusedError for files
    and commands that cannot follow.
    """
    if opened.root == (path / directory).resolve():
        return Move(opened.project, Relocation(directory), ProjectTexts(opened.files))
    if opened.root != path.resolve():
        below = opened.root.relative_to(path.resolve()).as_posix()
        raise UsageError(
            f"--move-roots is given for {path}, and the project directory is {below} below it",
            remedy=f"give that: composerefactor split {below} --move-roots {directory}",
        )
    place = opened.root / directory
    is_directory = place.is_dir() or not os.path.lexists(place)
    found = relocation(opened.project, opened.readers, directory, is_directory=is_directory)
    files = ProjectTexts(opened.files)
    return Move.of(opened.project, files, opened.readers, found, opened.root.name)
