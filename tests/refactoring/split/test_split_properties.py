"""Every split by ``extends`` keeps the resolved configuration, on generated projects."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings

from composerefactor.compose.files import RESOURCE_SECTIONS
from composerefactor.edit.planned_files import Slice
from composerefactor.proof.engine import find_engine, release
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.modules.directories import SINCE_EXTENDS_IN_ROOT
from composerefactor.refactoring.modules.naming import Strategy
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from support.commandline import write
from support.composetext import COMPOSE, ComposeProject, compose_projects
from support.examples import examples
from support.splits import divided, model, opened, resolved

EXTENDS: Strategy = "extends"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(compose_projects(min_services=3, max_services=8))
def test_a_split_keeps_everything(project: ComposeProject) -> None:
    plan, contents = divided(project, EXTENDS)
    check_slices(project, plan)
    check_services(project, contents)
    again = split.plan(opened(contents), SplitOptions(force=True, strategy=EXTENDS))
    assert again.contents() == {}, "a second split is empty"


def check_slices(project: ComposeProject, plan: Plan) -> None:
    """Every character moves once, or is marked as a copy; what is replaced begins a path."""
    text = project.files[COMPOSE]
    taken = [0 if plan.planned_files else 1] * len(text)
    for planned_file in plan.planned_files:
        for piece in planned_file.pieces:
            if not isinstance(piece, Slice):
                continue
            for change in piece.replacements:
                assert text[change.start : change.end] in {"", "."}
                assert change.text in {"../..", "../../"}
            if not piece.copy:
                for at in range(piece.start, piece.end):
                    taken[at] += 1
    assert max(taken) == 1
    left = "".join(char for char, count in zip(text, taken, strict=True) if not count)
    keys = {f"{section}:" for section in ("services", *RESOURCE_SECTIONS)}
    assert {line.strip() for line in left.splitlines()} <= {"", *keys}


def check_services(project: ComposeProject, contents: Mapping[str, bytes]) -> None:
    """Each service is in the root, or in the environment files that the root includes."""
    root = model(contents[COMPOSE])
    names = list(root.get("services") or {})
    for entry in root.get("include", []):
        for path in entry["path"]:
            names += model(contents[path], path)["services"]
    assert sorted(names) == sorted(project.services)


@settings(
    max_examples=examples(5, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(compose_projects(min_services=3, max_services=6))
def test_the_engine_resolves_the_same(engine: Path, project: ComposeProject) -> None:
    if find_engine(str(engine)).release < release(SINCE_EXTENDS_IN_ROOT):
        pytest.skip(f"needs Docker Compose {SINCE_EXTENDS_IN_ROOT}")
    plan, contents = divided(project, EXTENDS)
    assume(plan.planned_files)
    with tempfile.TemporaryDirectory() as name:
        root = write(Path(name), project.files)
        before = resolved(engine, root)
        write(root, contents)
        assert resolved(engine, root) == before
