"""Finding programs on the PATH of the user.

A relative entry of PATH, such as ``.``, would start a program of the project, so it is ignored.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def search_path() -> str:
    """Return PATH without its relative entries."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if Path(entry).is_absolute())


def find_program(name: str) -> str | None:
    """Return the absolute path of the program *name*; None if PATH does not contain it.

    *name* may also be a path, then it is one that the user has typed.
    """
    if Path(name).name != name:
        return shutil.which(name)
    found = shutil.which(name, path=search_path())
    # Windows searches the current directory first
    return found if found and Path(found).is_absolute() else None
