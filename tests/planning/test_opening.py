from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from composerefactor.errors import InputError
from composerefactor.planning.opening import (
    OpenProject,
    ProjectSelection,
    open_project,
    project_root,
)
from composerefactor.planning.registry import fixers
from composerefactor.refactoring.contract import Change
from support.commandline import write

BASE = "docker-compose.yml"
TEXT = "services:\n  web:\n    image: web:${TAG:-1}\n    profiles: [a, b]\n"


@pytest.mark.parametrize(
    ("paths", "root"),
    [
        ([BASE], "."),
        (["compose.yaml", "sub/compose.yaml"], "."),
        (["deploy/compose.yaml"], "deploy"),
        (["a/b/docker-compose.yml", "README.md"], "a/b"),
        (["docker-compose.prod.yml"], "."),
        (["deploy/docker-compose.prod.yml"], "deploy"),
        (["node_modules/x/compose.yaml", "app/compose.yaml"], "app"),
    ],
)
def test_project_root(tmp_path: Path, paths: list[str], root: str) -> None:
    write(tmp_path, dict.fromkeys(paths, TEXT))
    assert project_root(tmp_path) == tmp_path / root


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ([], "no Compose file here"),
        (["a/compose.yaml", "b/compose.yaml"], "2 projects below: a, b"),
        ([f"p{n:02}/compose.yaml" for n in range(12)], "p07 and 4 more"),
    ],
)
def test_no_single_project(tmp_path: Path, paths: list[str], words: str) -> None:
    write(tmp_path, dict.fromkeys(paths, TEXT))
    with pytest.raises(InputError, match=words):
        project_root(tmp_path)


def test_given_start_commands_replace_found_ones(opened_of: Callable[..., OpenProject]) -> None:
    files = {BASE: TEXT, "other.yml": TEXT, "x.env": "TAG=2\n"}
    found = opened_of(files)
    assert [e.files for e in found.project.entries] == [(BASE,)]
    named = opened_of(files, file=(BASE, "other.yml"), env_file=("x.env",))
    assert [(e.files, e.env_files) for e in named.project.entries] == [
        ((BASE, "other.yml"), ("x.env",))
    ]
    environ = opened_of(files, environ={"COMPOSE_FILE": "other.yml"})
    assert [e.files for e in environ.project.entries] == [("other.yml",)]


def test_an_env_file_applies_to_found_start_commands(opened_of: Callable[..., OpenProject]) -> None:
    files = {
        BASE: TEXT,
        "Makefile": "up:\n\tdocker compose --env-file prod.env up -d\n",
        "prod.env": "TAG=3\n",
        "x.env": "TAG=2\n",
    }
    found = opened_of(files, env_file=("x.env",))
    assert {e.env_files for e in found.project.entries} == {("x.env",), ("prod.env",)}


def test_only_variables_that_the_files_name_are_passed_on(
    opened_of: Callable[..., OpenProject],
) -> None:
    environ = {"TAG": "5", "HOME": "/h", "AWS_SECRET_ACCESS_KEY": "made up", "PATH": "/bin"}
    assert opened_of({BASE: TEXT}, environ=environ).environ == {"TAG": "5"}


def test_variables_and_profiles(opened_of: Callable[..., OpenProject]) -> None:
    found = opened_of({BASE: TEXT})
    (entry,) = found.project.entries
    assert [v.name for v in found.variables_of(entry)] == ["TAG"]
    assert found.profiles_of(entry) == ["a", "b"]


def test_no_readable_start_command(opened_of: Callable[..., OpenProject]) -> None:
    with pytest.raises(InputError, match=f"{BASE}: the file is empty"):
        opened_of({BASE: ""})


def test_what_is_not_searched_for_clients_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n  db:\n    image: postgres:16\n    ports: ['5432:5432']\n"
        "    environment: {POSTGRES_PASSWORD: h5Rt20wPzk88}\n"
    )
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "settings.json").write_text("{}")
    monkeypatch.setattr("composerefactor.discovery.files._MAX_SEARCHED", 1)
    project = open_project(ProjectSelection(tmp_path)).project
    known = fixers()
    planned = [
        change
        for name in ("bind-local-ports", "move-secrets")
        for change in known[name].plan(project, known[name].options())
    ]
    assert [(each.confidence, each.evidence) for each in planned if isinstance(each, Change)] == [
        ("likely", "clients are not searched in 1 of the project's files"),
        ("likely", "not searched in 1 of the project's files"),
    ]
