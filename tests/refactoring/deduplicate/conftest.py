"""Root files as projects in memory, and their split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from support.memory import Memory

Divide: TypeAlias = Callable[..., tuple[Plan, dict[str, str]]]


@pytest.fixture(scope="session")
def divide() -> Divide:
    """Split *bases*, each a root file; return the plan, and all files afterwards."""

    def divide(
        files: Mapping[str, str], bases: Sequence[str], options: SplitOptions | None = None
    ) -> tuple[Plan, dict[str, str]]:
        project = load_project([Invocation((path,)) for path in bases], Library(Memory(files)))
        plan = split.plan(project, options or SplitOptions(force=True, granularity="service"))
        contents = dict(files)
        for path, content in plan.contents().items():
            assert content is not None
            contents[path] = content.decode()
        return plan, contents

    return divide
