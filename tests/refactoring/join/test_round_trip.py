"""A split and a join keep everything in generated projects."""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from composerefactor.compose.files import ComposeFile, Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, load_project
from composerefactor.compose.short_forms import canonical_value, volumes
from composerefactor.proof.comparison import compare
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.join.merge import EarlierText
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms import join as joining
from composerefactor.transforms.split import split
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python
from support.commandline import write
from support.composetext import COMPOSE, OVERRIDE, ComposeProject, compose_projects
from support.engine import resolved
from support.environments import Environments, environments
from support.examples import examples
from support.memory import Memory

EXAMPLES = examples(5, 60)
SLOW = [
    HealthCheck.filter_too_much,
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.function_scoped_fixture,
]
Entries = tuple[tuple[str, ...], ...]
Files = dict[str, bytes]


def opened(files: Mapping[str, bytes], entries: Entries) -> Project:
    return load_project([Invocation(names) for names in entries], Library(Memory(files)))


def after(files: Mapping[str, bytes], plan: Plan) -> Files:
    changed = {**files, **plan.contents()}
    return {path: content for path, content in changed.items() if content is not None}


def taken_apart(project: ComposeProject | Environments) -> tuple[Files, Files, Entries]:
    """Return the files of *project*, those that a split makes of them, and the entry points."""
    if isinstance(project, ComposeProject):
        names = (COMPOSE, OVERRIDE) if OVERRIDE in project.files else (COMPOSE,)
        entries: Entries = ((COMPOSE,), names)
    else:
        entries = tuple((base,) for base in project.bases)
    files = {path: text.encode() for path, text in project.files.items()}
    plan = split.plan(opened(files, entries), SplitOptions())
    assume(plan.planned_files)
    return files, after(files, plan), entries


def put_together(files: Files, entries: Entries, **known: object) -> tuple[Plan, Files]:
    options = joining.Options(**known)  # type: ignore[arg-type]
    plan = joining.join.plan(opened(files, entries), options)
    return plan, after(files, plan)


def remarks(files: Mapping[str, bytes]) -> set[str]:
    """Return the comments that the generators wrote."""
    text = "\n".join(content.decode() for path, content in files.items() if "compose" in path)
    found = {match[0].strip() for match in re.finditer(r"(?:^|(?<=\s))#[^\r\n]*", text)}
    return {comment for comment in found if "the command's own environment" not in comment}


projects = st.one_of(compose_projects(min_services=3, max_services=8), environments())


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(projects)
def test_the_engine_resolves_every_file_the_same(
    engine: Path, project: ComposeProject | Environments
) -> None:
    files, divided, entries = taken_apart(project)
    plan, joined = put_together(divided, entries)
    moved = [section for _, section, _ in plan.moved if section.startswith("x-")]
    bases = list(dict.fromkeys(names[0] for names in entries))
    with tempfile.TemporaryDirectory() as name:
        root = write(Path(name), files)
        before = [resolved(engine, root, [base], TOKEN="made-up") for base in bases]
        assume(all(output is not None for output in before))
        write(root, joined)
        for base, was in zip(bases, before, strict=True):
            now = resolved(engine, root, [base], TOKEN="made-up")
            assert now is not None, f"{base}: the engine rejects the result"
            x_sections = [*moved, *anchors_of(files)]
            assert compare(was or b"", now, moved=x_sections) == [], base


def anchors_of(files: Mapping[str, bytes]) -> Iterable[str]:
    """Return the blocks that a split moves to a module, where they are in no model any more."""
    for text in files.values():
        yield from re.findall(r"^x-[\w-]+", text.decode(), re.MULTILINE)


@settings(max_examples=examples(15, 300), deadline=None, suppress_health_check=SLOW)
@given(projects)
def test_no_comment_is_lost_and_a_second_join_is_empty(
    project: ComposeProject | Environments,
) -> None:
    files, divided, entries = taken_apart(project)
    plan, joined = put_together(divided, entries)
    assert remarks(files) - remarks(joined) == set()
    again, _ = put_together(joined, entries)
    assert again.contents() == {}
    if all(stay.reason for stay in plan.unmoved):
        kept = {path for path in joined.keys() - files.keys() if not path.endswith(".env")}
        assert kept <= {stay.element[0] for stay in plan.unmoved}, "what is left says why"


def names_a_thing_twice(path: str, text: bytes) -> bool:
    """Return whether a list has one thing twice, or two mounts at one path.

    Docker Compose keeps one of them, and so does a join.
    """
    if not path.endswith(".yml"):
        return False
    file = ComposeFile.parse(Source.decode(path, text))
    for body in file.services.values():
        targets = [posixpath.normpath(volume.text.target) for volume in volumes(body)]
        if len(set(targets)) < len(targets):
            return True
        value = canonical_value(to_python(body, file.source), ())
        for part in value.values() if isinstance(value, dict) else ():
            if isinstance(part, list) and len({repr(item) for item in part}) < len(part):
                return True
    return False


@settings(max_examples=examples(15, 300), deadline=None, suppress_health_check=SLOW)
@given(projects)
def test_an_earlier_revision_gives_the_former_bytes(
    project: ComposeProject | Environments,
) -> None:
    files, divided, entries = taken_apart(project)
    assume("extra.yml" not in "".join(text.decode() for text in files.values()))
    assume(not any(names_a_thing_twice(path, text) for path, text in files.items()))
    plan, joined = put_together(
        divided, entries, earlier=lambda path: [EarlierText("abc1234", files[path])]
    )
    assume(not plan.unmoved)
    assert joined == files


@given(projects)
@settings(max_examples=examples(8, 100), deadline=None, suppress_health_check=SLOW)
def test_an_undo_record_gives_the_former_bytes(project: ComposeProject | Environments) -> None:
    files, divided, entries = taken_apart(project)
    before = {p: files.get(p) for p in divided if divided[p] != files.get(p)}
    _, joined = put_together(divided, entries, before=before, runs="`split`")
    assert joined == files
