"""A split of several root files keeps what they mean, on generated projects."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, load_project
from composerefactor.proof.comparison import compare
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from support.commandline import write
from support.engine import release_of, resolved
from support.environments import Environments, environments
from support.examples import examples
from support.memory import Memory

EXAMPLES = examples(4, 60)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
RAW = "--no-interpolate"
OVERRIDE_OF_INCLUDED = (2, 24, 6)


def opened(project: Environments, files: Mapping[str, str | bytes]) -> Project:
    return load_project([Invocation(paths) for paths in project.entries], Library(Memory(files)))


def divided(project: Environments) -> tuple[Plan, dict[str, bytes]]:
    """Return the plan of a split, and all files as it leaves them."""
    plan = split.plan(opened(project, project.files), SplitOptions(force=True))
    contents = {path: text.encode() for path, text in project.files.items()}
    for path, content in plan.contents().items():
        assert content is not None
        contents[path] = content
    return plan, contents


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[*SLOW, HealthCheck.function_scoped_fixture],
)
@given(environments())
def test_the_engine_resolves_every_base_the_same(engine: Path, project: Environments) -> None:
    plan, contents = divided(project)
    assume(plan.planned_files)
    moved = [section for _, section, _ in plan.moved if section.startswith("x-")]
    with tempfile.TemporaryDirectory() as name:
        root = write(Path(name), project.files)
        merges = release_of(engine) >= OVERRIDE_OF_INCLUDED
        entries = [e for e in project.entries if len(e) == 1 or merges]
        ways = [(paths, *options) for paths in entries for options in ((), (RAW,))]
        before = [resolved(engine, root, *way) for way in ways]
        assume(all(output is not None for output in before))
        write(root, contents)
        for way, was in zip(ways, before, strict=True):
            now = resolved(engine, root, *way)
            assert now is not None, f"{way}: the engine rejects the result"
            assert compare(was or b"", now, moved=moved) == [], way


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(environments())
def test_comments_stay_and_a_second_run_is_empty(project: Environments) -> None:
    plan, contents = divided(project)
    assume(plan.planned_files)
    before = remarks({path: project.files[path].encode() for path in project.bases})
    assert before - remarks(contents) == set()
    again = split.plan(opened(project, contents), SplitOptions(force=True))
    assert again.contents() == {}


def remarks(files: Mapping[str, bytes]) -> set[str]:
    """Return the comments that the generator wrote."""
    text = "\n".join(content.decode() for path, content in files.items() if "compose" in path)
    return {match[0].strip() for match in re.finditer(r"(?:^|(?<=\s))#[^\r\n]*", text)}
