"""Compose texts as projects in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, load_project
from support.memory import Memory

ProjectOf: TypeAlias = Callable[..., Project]


@pytest.fixture(scope="session")
def project_of() -> ProjectOf:
    """Make a project of texts by path; *entries* are the files of each entry point."""

    def make(files: Mapping[str, str | bytes], *entries: tuple[str, ...]) -> Project:
        names = entries or (("docker-compose.yml",),)
        return load_project([Invocation(each) for each in names], Library(Memory(files)))

    return make
