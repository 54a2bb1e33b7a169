"""Which paths hold sources of the project, and so no data."""

from __future__ import annotations

from collections.abc import Callable
from posixpath import normpath

from composerefactor.proposal.opening import Opened

_KEEPERS = frozenset({".gitkeep", ".keep", ".gitignore"})
"""Files that keep a directory in git whose content is not."""


def keeper(opened: Opened | None) -> Callable[[str], bool]:
    """Return whether a path holds sources of the project, so that it is no place for data."""

    def keeps(path: str) -> bool:
        if opened is None or not path.startswith("./"):
            return False
        below = normpath(path)
        if opened.exported is not None:
            place = opened.root / below
            return place.is_file() or any(
                one.is_file() and one.name not in _KEEPERS for one in place.rglob("*")
            )
        tracked = opened.project.is_tracked
        return tracked(below) and not any(tracked(f"{below}/{name}") for name in _KEEPERS)

    return keeps
