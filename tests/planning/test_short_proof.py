"""The short proof rejects whatever a thorough one rejects: mutants of results of a split.

In the suite, for a few generated projects. With ``COMPOSEREFACTOR_CORPUS`` (a directory of
projects) or ``COMPOSEREFACTOR_MUTANTS`` (a number of generated projects), for many.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composerefactor.errors import ComposerefactorError
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.planning.settle import prover_of
from composerefactor.proof.engine import Engine
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from support.commandline import write
from support.composetext import ComposeProject, compose_projects

EXAMPLES = int(os.environ.get("COMPOSEREFACTOR_MUTANTS", "2"))
CORPUS = os.environ.get("COMPOSEREFACTOR_CORPUS")
MUTANTS_OF_A_PROJECT = 10


def mutant(
    contents: Mapping[str, bytes | None], choices: random.Random
) -> dict[str, bytes | None] | None:
    """Return *contents* with one change to one line; None if the line cannot be changed."""
    path = choices.choice(sorted(path for path, content in contents.items() if content))
    lines = (contents[path] or b"").decode().splitlines(keepends=True)
    n = choices.randrange(len(lines))
    kind = choices.choice(("lose", "swap", "value", "path", "default", "profile"))
    line = lines[n]
    if kind == "lose":
        lines[n] = ""
    elif kind == "swap" and n + 1 < len(lines):
        lines[n], lines[n + 1] = lines[n + 1], line
    elif kind == "value":
        lines[n] = re.sub(r"([\w/])(\"?\s*)$", r"\1x\2", line, count=1)
    elif kind == "path":
        lines[n] = line.replace("./", "../")
    elif kind == "default":
        lines[n] = re.sub(r":?-([^}]*)}", r":-\1x}", line)
    else:
        lines[n] = re.sub(r"(profiles: \[)", r"\1other, ", line)
    text = "".join(lines).encode()
    return None if text == contents[path] else {**contents, path: text}


def compare_verdicts(opened: OpenProject, compose: Engine, seed: int, number: int) -> None:
    """Prove *number* mutants of a split of the project, briefly and thoroughly."""
    plan = split.plan(opened.project, SplitOptions())
    contents = plan.contents()
    moved = [name for _, name, _ in plan.moved if name.startswith("x-")]
    choices = random.Random(seed)  # noqa: S311 - no secrets are drawn
    found = (mutant(contents, choices) for _ in range(number) if contents)
    mutants = [contents, *(each for each in found if each)]
    with (
        prover_of(opened, compose, probes=True) as short,
        prover_of(opened, replace(compose, is_thorough=True)) as thorough,
    ):
        if len(short.rejected()) == len(opened.project.readable):
            return
        for each in mutants:
            if short.check(each, moved=moved, entries=plan.entries).ok:
                proof = thorough.check(each, moved=moved, entries=plan.entries)
                assert proof.ok, proof.differences


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(project=compose_projects(max_services=5), seed=st.integers(0, 2**16))
def test_generated_projects(compose: Engine, project: ComposeProject, seed: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        opened = open_project(ProjectSelection(write(Path(temporary, "shop"), project.files)))
        compare_verdicts(opened, compose, seed, 2)


@pytest.mark.parametrize(
    "path",
    sorted(Path(CORPUS).glob("*/files")) if CORPUS else [],
    ids=lambda path: path.parent.name,
)
def test_corpus(compose: Engine, path: Path) -> None:
    try:
        opened = open_project(ProjectSelection(path))
    except ComposerefactorError as error:
        pytest.skip(f"not one project: {error.message}")
    compare_verdicts(opened, compose, 0, MUTANTS_OF_A_PROJECT)
