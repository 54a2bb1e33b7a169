"""What files keep that extend what they repeat of each other, on generated projects."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, load
from composerefactor.proof.comparison import compare
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from support.commandline import write
from support.engine import release_of, resolved
from support.environments import OVERRIDE, Environments, environments
from support.memory import Memory

EXAMPLES = int(os.environ.get("STAYING_EXAMPLES", "10"))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
BASE = "compose.yml"
TEXT = "services:\n  front-door:\n    image: caddy:2\n    environment:\n      A: base\n"
SINCE_STUBS = {"include": (2, 24, 7), "extends": (2, 25, 0)}


def alternatives(project: Environments) -> dict[str, str]:
    """Return the files of *project*, of which the bases are merged over another one."""
    return {**{p: t for p, t in project.files.items() if p != OVERRIDE}, BASE: TEXT}


def opened(project: Environments, files: Mapping[str, str | bytes]) -> Project:
    entries = [Invocation((BASE,)), *(Invocation((BASE, path)) for path in project.bases)]
    return load(entries, Library(Memory(files)))


def remarks(texts: Iterable[str]) -> set[str]:
    """Return the comments in *texts*, each from its ``#`` on."""
    return {found.strip() for text in texts for found in re.findall(r"#.*", text)}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(environments(), st.sampled_from(("include", "extends")))
def test_any_files_merge_as_before(engine: Path, project: Environments, strategy: str) -> None:
    assume(release_of(engine) >= SINCE_STUBS[strategy])
    files = alternatives(project)
    plan = split.plan(opened(project, files), SplitOptions(strategy=strategy))
    assume(plan.planned_files)
    contents = {path: text.encode() for path, text in files.items()}
    contents |= {path: text for path, text in plan.contents().items() if text is not None}
    assert remarks(files.values()) <= remarks(text.decode() for text in contents.values())
    first, second, *_ = project.bases
    lists = [*((BASE, path) for path in project.bases), (BASE, first, second), (second, first)]
    moved = [section for _, section, _ in plan.moved if section.startswith("x-")]
    with tempfile.TemporaryDirectory() as name:
        root = write(Path(name), files)
        before = [resolved(engine, root, paths) for paths in lists]
        write(root, contents)
        for paths, was in zip(lists, before, strict=True):
            if was is not None:
                now = resolved(engine, root, paths)
                assert now is not None, f"{paths}: the engine rejects the result"
                assert compare(was, now, moved=moved) == [], paths
    again = split.plan(opened(project, contents), SplitOptions(strategy=strategy))
    assert again.contents() == {}, "a second split is empty"
