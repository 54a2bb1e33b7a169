"""A split of a project with banners, shared blocks, profiles and variants keeps its promises."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, load_project
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms import join as joining
from composerefactor.transforms.split import split
from support.commandline import write
from support.examples import examples
from support.groupedprojects import grouped_projects
from support.memory import Memory
from support.splits import resolved

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
OPTIONS = SplitOptions(force=True)
STRATEGIES = [
    OPTIONS,
    SplitOptions(force=True, strategy="include"),
    SplitOptions(force=True, strategy="extends"),
    SplitOptions(force=True, verbatim=True),
    SplitOptions(force=True, anchors="extends"),
]


def opened(files: Mapping[str, str | bytes]) -> Project:
    roots = [path for path in files if "/" not in path and path.endswith(".yml")]
    return load_project([Invocation((path,)) for path in roots], Library(Memory(files)))


def comments(files: Mapping[str, str | bytes]) -> set[str]:
    texts = [text if isinstance(text, str) else text.decode() for text in files.values()]
    return {found.strip() for text in texts for found in re.findall(r"(?:^|\s)#.*", text)}


def lines(files: Mapping[str, str | bytes]) -> Counter[str]:
    """Return how often each line is written, apart from keys, which each file and stub has."""
    texts = [text if isinstance(text, str) else text.decode() for text in files.values()]
    written = [line.strip() for text in texts for line in text.splitlines()]
    return Counter(x for x in written if x and not re.fullmatch(r"[\w-]+:", x))


def after(
    files: Mapping[str, str | bytes], planned: Mapping[str, bytes | None]
) -> dict[str, bytes]:
    old = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    return {path: text for path, text in {**old, **planned}.items() if text is not None}


@settings(max_examples=examples(15, 200), deadline=None, suppress_health_check=SLOW)
@given(grouped_projects())
def test_a_split_loses_no_comment_and_is_done_once(files: dict[str, str]) -> None:
    plan = split.plan(opened(files), OPTIONS)
    contents = after(files, plan.contents())
    assert comments(files) <= comments(contents)
    assert split.plan(opened(contents), OPTIONS).contents() == {}, "a second split is empty"


@settings(max_examples=examples(15, 200), deadline=None, suppress_health_check=SLOW)
@given(grouped_projects(), st.sampled_from(STRATEGIES))
def test_no_line_is_copied_beyond_the_budget(files: dict[str, str], options: SplitOptions) -> None:
    plan = split.plan(opened(files), options)
    before, now = lines(files), lines(after(files, plan.contents()))
    copied = sum(max(0, now[line] - count) for line, count in before.items())
    written = [line for text in files.values() for line in text.splitlines() if line.strip()]
    assert copied <= max(10, 0.05 * len(written))


@settings(max_examples=examples(4, 40), deadline=None, suppress_health_check=SLOW)
@given(grouped_projects())
def test_the_engine_resolves_a_split_and_a_join_the_same(
    engine: Path, files: dict[str, str]
) -> None:
    plan = split.plan(opened(files), OPTIONS)
    assume(plan.planned_files)
    divided = after(files, plan.contents())
    joined = after(divided, joining.join.plan(opened(divided), joining.Options()).contents())
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "project"  # the directory names the project
        before = resolved(engine, write(root, files))
        assert resolved(engine, write(root, divided)) == before
        assert resolved(engine, write(root, joined)) == before


def test_an_environment_file_with_many_stubs_is_no_monolith() -> None:
    fixed = "".join(f"    {key}: true\n" for key in ("init", "tty", "privileged", "read_only"))
    one = [f"  s{n}:\n    image: s{n}\n{fixed}    command: run\n" for n in range(12)]
    root = "services:\n" + "".join(one) + "  alone:\n    image: alone\n"
    files = {"docker-compose.yml": root, "docker-compose.dev.yml": root.replace("run", "watch")}
    options = SplitOptions(strategy="extends", force=True)
    contents = after(files, split.plan(opened(files), options).contents())
    assert any(text.count(b"extends:") > 10 for text in contents.values())
    assert split.plan(opened(contents), options).contents() == {}
