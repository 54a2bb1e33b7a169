"""Projects on disk, opened as a command opens them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.proof.engine import Engine, find_engine
from support.commandline import write

OpenedOf: TypeAlias = Callable[..., OpenProject]


@pytest.fixture
def opened_of(tmp_path: Path) -> OpenedOf:
    """Write files, by path, and open the project; keywords are those of ProjectSelection."""

    def make(files: Mapping[str, str], **choice: Any) -> OpenProject:
        return open_project(ProjectSelection(write(tmp_path / "shop", files), **choice))

    return make


@pytest.fixture(scope="session")
def compose(engine: Path) -> Engine:
    """The real engine."""
    return find_engine(str(engine))
