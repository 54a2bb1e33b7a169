"""Keeping files with secrets out of git."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatch

from composerefactor.compose.project import Project
from composerefactor.credentials.envfiles import text_of
from composerefactor.edits.operations import AddLines


def ignore(project: Project, path: str, pattern: str = "") -> AddLines | None:
    """Return the edit of ``.gitignore`` that keeps *path* out of git, or None where something does.

    *pattern* is its name, unless another is given. Without git the lines of the file decide.
    """
    if project.is_ignored(path):
        return None
    pattern = pattern or posixpath.basename(path)
    lines = [line.strip().removeprefix("/") for line in text_of(project, ".gitignore").splitlines()]
    if any(line and not line.startswith(("#", "!")) and fnmatch(pattern, line) for line in lines):
        return None
    return AddLines(".gitignore", f"{pattern}\n")
