"""The short proof rejects whatever a thorough one rejects: mutants of results of a split or fix.

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
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composerefactor.errors import ComposerefactorError
from composerefactor.planning.fix_request import FixRequest
from composerefactor.planning.fixes import ChangeFilter, FixPlan, plan_fixes, still_planned
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.planning.propose import intention_of, is_declared
from composerefactor.planning.settle import prover_of
from composerefactor.proof.comparison import ProofResult
from composerefactor.proof.engine import Engine
from composerefactor.proof.memory import Memory
from composerefactor.proof.prover import PlannedVariables, Prover
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from support.commandline import write
from support.composetext import ComposeProject, compose_projects

EXAMPLES = int(os.environ.get("COMPOSEREFACTOR_MUTANTS", "2"))
CORPUS = os.environ.get("COMPOSEREFACTOR_CORPUS")
MUTANTS_OF_A_PROJECT = 10

EDITS: dict[str, tuple[str, str]] = {
    "value": (r"([\w/])(\"?\s*)$", r"\1x\2"),
    "path": (r"\./", "../"),
    "default": (r":?-([^}]*)}", r":-\1x}"),
    "profile": (r"(profiles: \[)", r"\1other, "),
    "variable": (r"\$\{(\w+)", r"${\1_X"),
    "variable without braces": (r"\$(\w+)", r"$\1_X"),
    "include": (r"^(\s*- .*)(\.ya?ml)$", r"\1-other\2"),
    "env file": (r"^(\s*(?:env_file:|-) .*)(\.env)$", r"\1-other\2"),
    "mapping": (r"^(\s+)([\w.-]+): (\S)", r"\1\2-x: \3"),
    "item": (r"^(\s+- )(\"?)(\w)", r"\1\2x\3"),
}
"""A pattern and what replaces its first match in a line, by kind of mutant."""

BLOCKS = (
    *("env_file", "labels", "healthcheck", "aliases", "secrets", "configs", "args", "profiles"),
    *("depends_on", "environment", "command", "networks", "volumes", "ports", "extends", "include"),
)
"""Keys that are lost with all that is below them."""


def without_block(lines: list[str], n: int) -> list[str]:
    """Return *lines* without the key in line *n* and what is below it."""
    indent = len(lines[n]) - len(lines[n].lstrip())
    end = n + 1
    while end < len(lines) and len(lines[end]) - len(lines[end].lstrip()) > indent:
        end += 1
    return [*lines[:n], *lines[end:]]


def mutant(
    contents: Mapping[str, bytes | None], choices: random.Random
) -> dict[str, bytes | None] | None:
    """Return *contents* with one change; None if no line of the file drawn can be changed."""
    path = choices.choice(sorted(path for path, content in contents.items() if content))
    lines = (contents[path] or b"").decode().splitlines(keepends=True)
    kind = choices.choice(("lose", "swap", "block", *EDITS))
    if kind == "block":
        named = rf"\s*(?:{'|'.join(BLOCKS)}):"
    else:
        named = EDITS[kind][0] if kind in EDITS else r"\s*\S"
    places = [n for n, line in enumerate(lines) if re.search(named, line.rstrip("\n"))]
    if not places:
        return None
    n = choices.choice(places)
    line = lines[n]
    if kind == "lose":
        lines[n] = ""
    elif kind == "swap" and n + 1 < len(lines):
        lines[n], lines[n + 1] = lines[n + 1], line
    elif kind == "block":
        lines = without_block(lines, n)
    elif kind in EDITS:
        lines[n] = re.sub(*EDITS[kind], line.rstrip("\n"), count=1) + "\n"
    text = "".join(lines).encode()
    return None if text == contents[path] else {**contents, path: text}


def compare_results(opened: OpenProject, compose: Engine, seed: int, number: int) -> None:
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


def compare_fixes(opened: OpenProject, compose: Engine, seed: int, number: int) -> None:
    """Prove *number* mutants of some of all fixes, with what is remembered, and thoroughly."""
    chosen = FixRequest(unsafe=True).chosen(opened.settings)
    every = plan_fixes(opened.project, opened.library, chosen, ChangeFilter(), opened.environ)
    choices = random.Random(seed)  # noqa: S311 - no secrets are drawn
    left = frozenset(fix.id for fix in every.applied if choices.random() < 1 / 3)
    left = still_planned(opened.project, opened.library, chosen, left, opened.environ)
    some = ChangeFilter(leave=left)
    plan = plan_fixes(opened.project, opened.library, chosen, some, opened.environ)
    found = (mutant(plan.contents, choices) for _ in range(number) if plan.contents)
    mutants = [plan.contents, *(each for each in found if each)]

    def check(prover: Prover, fixes: FixPlan, contents: Mapping[str, bytes | None]) -> ProofResult:
        return prover.check(
            contents,
            variables=PlannedVariables(fixes.variables),
            entries=fixes.entries,
            expected=partial(is_declared, effects=fixes.effects),
            intention=intention_of(fixes.effects),
        )

    def is_ok(proof: ProofResult) -> bool:
        return all(is_declared(found, plan.effects) for found in proof.differences)

    with prover_of(opened, compose) as prover:
        if prover.rejected():
            return
        check(prover, every, every.contents)
    with (
        prover_of(opened, compose) as short,
        prover_of(opened, replace(compose, memory=None, is_thorough=True)) as thorough,
    ):
        for each in mutants:
            proof = check(short, plan, each)
            if is_ok(proof):
                expected = check(thorough, plan, each)
                assert is_ok(expected), expected.differences
                assert {e: {*names} for e, names in proof.recreated.items()} == {
                    e: {*names} for e, names in expected.recreated.items()
                }


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(project=compose_projects(max_services=5), seed=st.integers(0, 2**16))
def test_generated_projects(compose: Engine, project: ComposeProject, seed: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        opened = open_project(ProjectSelection(write(Path(temporary, "shop"), project.files)))
        compare_results(opened, compose, seed, 2)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(project=compose_projects(max_services=5), seed=st.integers(0, 2**16))
def test_fixes_of_generated_projects(compose: Engine, project: ComposeProject, seed: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        opened = open_project(ProjectSelection(write(Path(temporary, "shop"), project.files)))
        memory = Memory(Path(temporary, "cache"))
        compare_fixes(opened, replace(compose, memory=memory), seed, 4)


@pytest.mark.parametrize(
    "path",
    sorted(Path(CORPUS).glob("*/files")) if CORPUS else [],
    ids=lambda path: path.parent.name,
)
def test_corpus(compose: Engine, path: Path, tmp_path: Path) -> None:
    try:
        opened = open_project(ProjectSelection(path))
    except ComposerefactorError as error:
        pytest.skip(f"not one project: {error.message}")
    compare_results(opened, compose, 0, MUTANTS_OF_A_PROJECT)
    memory = replace(compose, memory=Memory(tmp_path))
    compare_fixes(opened, memory, 0, MUTANTS_OF_A_PROJECT)
