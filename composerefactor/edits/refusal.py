"""Why an edit cannot be made."""

from __future__ import annotations

from typing import NoReturn

from composerefactor.compose.file import ComposeFile
from composerefactor.errors import RefusedError
from composerefactor.yamltree.nodes import Node
from composerefactor.yamltree.path import Path, shown


def missing(file: ComposeFile, path: Path) -> NoReturn:
    """Raise RefusedError for an address at which nothing stands."""
    raise refused(file, path, None, "is not there any more")


def refused(file: ComposeFile, path: Path, node: Node | None, why: str) -> RefusedError:
    """Return the error for an edit at *path*, where *node* stands."""
    return RefusedError(
        f"{shown(path) or 'the file'} {why}",
        location=file.source.location(node.start if node else 0),
        remedy="make this change by hand",
    )
