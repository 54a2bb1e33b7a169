"""The facts of a project given as text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from composerefactor.analysis.facts.architecture import EntryArchitecture, survey
from composerefactor.compose.files import Library
from composerefactor.compose.invocation import EntryPoint
from composerefactor.compose.project import load
from composerefactor.images.catalog import load as load_catalog
from support.memory import Memory


@pytest.fixture
def entry() -> Callable[[str], EntryArchitecture]:
    def survey_of(text: str) -> EntryArchitecture:
        project = load([EntryPoint(("compose.yaml",))], Library(Memory({"compose.yaml": text})))
        main = survey(project, "shop", load_catalog()).main
        assert main is not None
        return main

    return survey_of
