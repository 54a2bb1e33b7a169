"""Every split keeps the resolved configuration, on generated projects."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from composerefactor.compose.files import RESOURCE_SECTIONS
from composerefactor.edit.planned_files import NewText, PlannedFile, Slice
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from composerefactor.yaml.source import Source
from support.commandline import write
from support.composetext import COMPOSE, OVERRIDE, ComposeProject, compose_projects
from support.examples import examples
from support.splits import divided, model, opened, resolved


def lines(texts: Mapping[str, bytes]) -> Counter[str]:
    return Counter(line.strip() for text in texts.values() for line in text.decode().splitlines())


def merged(contents: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the root with the sections of its modules put back."""
    found = model(contents[COMPOSE])
    for entry in found.pop("include", []):
        for path in entry["path"]:
            for section, values in model(contents[path], path).items():
                if section.startswith("x-"):
                    found.setdefault(section, values)
                    continue
                here = found.setdefault(section, {})
                assert not here.keys() & values.keys(), "defined twice"
                here.update(values)
    return found


CHAIN = """\
services:
  web: &svc0
    build: ./app
  db: &svc1
    <<: *svc0
    hostname: host1
  api:
    <<: *svc1
    hostname: host2
"""
"""What ``api`` merges needs ``web``, which stands beside it and below the copies."""


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(compose_projects(min_services=3, max_services=8))
@example(ComposeProject({COMPOSE: CHAIN}, ["web", "db", "api"]))
def test_a_verbatim_split_keeps_everything(project: ComposeProject) -> None:
    plan, contents = divided(project, verbatim=True)
    check_lines(project, contents)
    check_slices(project, plan)
    check_data(project, contents)
    check_line_ends(project, contents)
    again = split.plan(opened(contents), SplitOptions(force=True, verbatim=True))
    assert again.contents() == {}, "a second split is empty"


def check_lines(project: ComposeProject, contents: Mapping[str, bytes]) -> None:
    """Every line that is not blank stands somewhere afterwards."""
    before = lines({COMPOSE: project.files[COMPOSE].encode()})
    after = lines({p: c for p, c in contents.items() if p.startswith("docker-compose")})
    assert {line for line in before if line and not after[line]} <= {"services:"}


def check_slices(project: ComposeProject, plan: Plan) -> None:
    """Every character moves once, or is marked as a copy; only keys of sections are left out."""
    text = project.files[COMPOSE]
    taken = [0 if plan.planned_files else 1] * len(text)
    for planned_file in plan.planned_files:
        for piece in planned_file.pieces:
            if isinstance(piece, Slice) and not piece.copy:
                for at in range(piece.start, piece.end):
                    taken[at] += 1
    assert max(taken) == 1
    left = "".join(char for char, count in zip(text, taken, strict=True) if not count)
    keys = {f"{section}:" for section in ("services", *RESOURCE_SECTIONS)}
    assert {line.strip() for line in left.splitlines()} <= {"", *keys}


def check_data(project: ComposeProject, contents: Mapping[str, bytes]) -> None:
    """The sections of all modules together are those of the file."""
    before, after = model(project.files[COMPOSE].encode()), merged(contents)
    for section in before.keys() | after.keys():
        if not section.startswith("x-"):
            assert after.get(section) == before.get(section), section


def check_line_ends(project: ComposeProject, contents: Mapping[str, bytes]) -> None:
    crlf = "\r\n" in project.files[COMPOSE]
    for path, content in contents.items():
        if path.startswith("docker-compose") and path.endswith(".yml") and path != OVERRIDE:
            assert content.count(b"\r\n") == (content.count(b"\n") if crlf else 0), path


@settings(
    max_examples=examples(5, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(compose_projects(min_services=3, max_services=6))
def test_the_engine_resolves_the_same(engine: Path, project: ComposeProject) -> None:
    plan, contents = divided(project)
    assume(plan.planned_files)
    with tempfile.TemporaryDirectory() as name:
        root = write(Path(name), project.files)
        before = resolved(engine, root)
        write(root, contents)
        assert resolved(engine, root) == before


texts = st.text(st.sampled_from("ab:# \r\né"), max_size=40)


@given(texts, st.data(), st.booleans())
def test_drafts_are_their_pieces(text: str, data: st.DataObject, has_bom: bool) -> None:  # noqa: FBT001
    source = Source("a.yml", text)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    edges = [0, *cuts, len(text)]
    slices = [Slice(source, a, b) for a, b in itertools.pairwise(edges)]
    whole = PlannedFile("a.yml", tuple(slices), has_bom)
    assert whole.text() == text
    assert Source.decode("a.yml", whole.content() or b"") == Source("a.yml", text, has_bom)
    between = PlannedFile("b.yml", tuple(p for s in slices for p in (s, NewText("|"))))
    assert between.text().replace("|", "") == text
