"""The facts of a project given as text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from composerefactor.architecture.architecture import EntryArchitecture, survey
from composerefactor.catalog.catalog import load as load_catalog
from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.library import Library
from composerefactor.compose.project import load
from support.memory import Memory


@pytest.fixture
def entry() -> Callable[[str], EntryArchitecture]:
    def survey_of(text: str) -> EntryArchitecture:
        project = load([EntryPoint(("compose.yaml",))], Library(Memory({"compose.yaml": text})))
        main = survey(project, "shop", load_catalog()).main
        assert main is not None
        return main

    return survey_of
