"""The merge of two definitions as text resolves like the merge of two files."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.proof.comparison import compare
from composerefactor.refactoring.contract import Plan
from composerefactor.transforms.join import Options, join
from support.commandline import write
from support.engine import resolved
from support.environments import Environments, environments
from support.examples import examples
from support.memory import Memory

ROOT = (
    "include:\n  - project_directory: .\n    env_file: /dev/null\n    path: [base.yml, over.yml]\n"
)


def joined(files: Mapping[str, str]) -> tuple[Plan, str]:
    """Join a root that includes ``base.yml`` with ``over.yml`` over it."""
    reader = Memory({"docker-compose.yml": ROOT, **files})
    plan = join.plan(
        load_project([Invocation(("docker-compose.yml",))], Library(reader)), Options()
    )
    content = plan.contents().get("docker-compose.yml")
    return plan, (content or b"").decode()


def service(text: str) -> str:
    return "services:\n  web:\n" + "".join(f"    {line}\n" for line in text.splitlines())


@settings(
    max_examples=examples(5, 60),
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(environments(most_services=3))
def test_the_engine_merges_the_same(engine: Path, project: Environments) -> None:
    base, over = (project.files[path] for path in project.bases[:2])
    assume("include" not in base + over)
    others = {path: text for path, text in project.files.items() if "compose" not in path}
    files = {**others, "base.yml": base, "over.yml": over}
    _, text = joined(files)
    assume(text)  # where it cannot be said as one text, the include stays
    with tempfile.TemporaryDirectory() as name:
        root = write(Path(name), {**files, "docker-compose.yml": ROOT})
        before = resolved(engine, root)
        assume(before is not None)
        write(root, {"docker-compose.yml": text})
        after = resolved(engine, root)
        assert after is not None, "the engine rejects the result"
        assert compare(before or b"", after) == []


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ("image: a\nrestart: always", "image: b", "image: b\nrestart: always"),
        (
            "image: a\nenvironment:\n  A: 1",
            "environment:\n  B: 2  # two\n  A: 3",
            "image: a\nenvironment:\n  A: 3\n  B: 2  # two",
        ),
        (
            "image: a\nlabels:\n  A: 1\n  B: 2",
            "labels:\n  A:  # from nowhere",
            "image: a\nlabels:\n  A:  # from nowhere\n  B: 2",
        ),
        (
            "image: a\nenvironment:\n  A: x y # one",
            "environment:\n  - B=2",
            "image: a\nenvironment:\n  # one\n  - A=x y\n  - B=2",
        ),
        (
            "image: a\ndepends_on:\n  - db",
            "depends_on:\n  q:\n    condition: service_healthy",
            "image: a\ndepends_on:\n  db:\n    condition: service_started\n  q:\n    condition: service_healthy",  # noqa: E501
        ),
        (
            "image: a\nvolumes:\n  - ./a:/a\n  - ./b:/b",
            "volumes:\n  - ./c:/a  # fast\n  - ./d:/d",
            "image: a\nvolumes:\n  - ./c:/a  # fast\n  - ./b:/b\n  - ./d:/d",
        ),
        (
            "image: a\ncommand: one  # why",
            "# not this\ncommand: two",
            "image: a\n# why\n# not this\ncommand: two",
        ),
        (
            "image: a\nlogging:\n  driver: x\n  options:\n    a: b",
            "logging:\n  driver: y",
            "image: a\nlogging:\n  driver: y",
        ),
        (
            "build:\n    context: .\nlabels:\n    - a=1",
            "build:\n  target: dev\nlabels:\n- b=2",
            "build:\n    context: .\n    target: dev\nlabels:\n    - a=1\n    - b=2",
        ),
        ("image: a\nhealthcheck:\n  test: x", "healthcheck:", "image: a\nhealthcheck:\n  test: x"),
    ],
)
def test_each_line_stands_where_it_belongs(base: str, over: str, merged: str) -> None:
    _, text = joined({"base.yml": service(base), "over.yml": service(over)})
    assert text == service(merged)


def test_a_file_without_a_newline_at_its_end() -> None:
    base, over = service("image: a\nexpose:\n  - 80  # why"), service("labels:\n  - b=2")
    _, text = joined({"base.yml": base.removesuffix("\n"), "over.yml": over})
    assert text == service("image: a\nexpose:\n  - 80  # why\nlabels:\n  - b=2")


@pytest.mark.parametrize(
    ("base", "over", "words"),
    [
        ("image: a\nports: !override [80]", "ports:\n  - 81", "a tag"),
        ("image: a\nports: ['80']", "ports:\n  - '81'", "not on lines of its own"),
        (
            "image: a\ndevelop:\n  watch: []",
            "develop:\n  watch: [x]",
            "no single text means the same",
        ),
        ("image: a\nenvironment: &e\n  A: 1", "environment:\n  B: 1", "not on lines of its own"),
    ],
)
def test_what_cannot_be_merged_stays_with_the_place(base: str, over: str, words: str) -> None:
    plan, text = joined({"base.yml": service(base), "over.yml": service(over)})
    assert text == ""
    assert [stay.reason for stay in plan.unmoved if words in stay.reason] != []
    assert {stay.location.path for stay in plan.unmoved} <= {"base.yml", "over.yml"}
    assert all(stay.location.line > 2 for stay in plan.unmoved)
