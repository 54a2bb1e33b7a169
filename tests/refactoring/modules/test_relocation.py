"""Paths in new files, and how root files include them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.edit.planned_files import NewText, Slice
from composerefactor.proof.comparison import compare
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.modules.directories import SINCE_EXTENDS, SINCE_EXTENDS_IN_ROOT
from composerefactor.refactoring.modules.include import NO_VARIABLES, WHY_ENV_FILE
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.refactoring.split.plan import SINCE_EQUAL_PAIRS
from composerefactor.transforms.split import split
from support.commandline import write
from support.engine import resolved
from support.memory import Memory

MAIN, PROD = "docker-compose.yml", "docker-compose.prod.yml"
MODULE = "docker-compose/services/docker-compose.{}.yml".format
EMPTY = "docker-compose/empty.env"


def planned(files: Mapping[str, str], *roots: str, **options: Any) -> tuple[Plan, dict[str, str]]:
    """Return the plan of a split into one module a service, and the files that it writes."""
    entries = [Invocation((path,)) for path in roots or (MAIN,)]
    project = load_project(entries, Library(Memory(files)))
    chosen = {"force": True, "granularity": "service", **options}
    plan = split.plan(project, SplitOptions(**chosen))
    return plan, {path: (text or b"").decode() for path, text in plan.contents().items()}


def project(api: str, sections: str = "") -> dict[str, str]:
    """Return a project whose service api has the attributes *api*."""
    body = "".join(f"    {line}\n" for line in api.splitlines())
    return {
        MAIN: f"services:\n  api:\n{body}  db:\n    image: postgres:16\n"
        f"  jobs:\n    image: jobs\n    volumes: [./jobs:/jobs]\n{sections}"
    }


# --- paths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("build: .\n", "build: ../..\n"),
        ("build:\n  context: ./api\n", "build:\n  context: ../../api\n"),
        ("build:\n  target: a\n", "build:\n  context: ../..\n  target: a\n"),
        ("build: {target: a}\n", "build: {context: ../.., target: a}\n"),
        ("build: {}\n", "build: {context: ../..}\n"),
        (
            "build:\n  # why\n  args: [A=1]\n",
            "build:\n  # why\n  context: ../..\n  args: [A=1]\n",
        ),
        ("image: a\nenv_file: .env\n", "image: a\nenv_file: ../../.env\n"),
        (
            "image: a\nvolumes:\n  - ./a:/a  # ours\n  - ../b:/b\n",
            "image: a\nvolumes:\n  - ../../a:/a  # ours\n  - ../../../b:/b\n",
        ),
        ("image: a\nvolumes: [~/a:/a, /b:/b]\n", "image: a\nvolumes: [~/a:/a, /b:/b]\n"),
        (
            "image: a\nextends:\n  file: base.yml\n  service: a\n",
            "image: a\nextends:\n  file: ../../base.yml\n  service: a\n",
        ),
    ],
)
def test_a_module_is_written_for_its_own_directory(before: str, after: str) -> None:
    files = project(before) | {"base.yml": "services:\n  a:\n    image: a\n"}
    _, found = planned(files)
    expected = project(after)[MAIN].partition("  db:")[0]
    assert found[MODULE("api")] == expected
    assert found[MAIN].startswith(f"include:\n  - {MODULE('api')}\n")


def test_files_of_secrets_and_configs_that_move_along() -> None:
    sections = "secrets:\n  key:\n    file: ./key\nconfigs:\n  c: {file: ../c}\n"
    _, found = planned(project("image: a\nsecrets: [key]\nconfigs: [c]\n", sections))
    assert "secrets:\n  key:\n    file: ../../key\n" in found[MODULE("api")]
    assert "configs:\n  c: {file: ../../../c}\n" in found[MODULE("api")]
    _, kept = planned(project("image: a\n", sections))
    assert sections in kept[MAIN], "what stays keeps its paths"


def test_a_block_that_is_copied_has_the_paths_of_each_module() -> None:
    files = project("<<: *app\nimage: a\n")
    head = "x-app: &app\n  env_file: ['a.env', {path: b.env}]\n"
    text = head + files[MAIN].replace("image: jobs", "image: jobs\n    <<: *app")
    moved = {"db": "deploy/db.yml", "jobs": "jobs.yml"}
    _, found = planned({MAIN: text}, anchors="copy", modules=moved)
    assert "env_file: ['../../a.env', {path: ../../b.env}]\n" in found[MODULE("api")]
    assert "env_file: ['a.env', {path: b.env}]\n" in found["jobs.yml"]


@pytest.mark.parametrize(
    ("path", "up"),
    [("jobs.yml", "."), ("a/jobs.yml", ".."), ("a/b/c/jobs.yml", "../../..")],
)
def test_a_module_at_another_depth(path: str, up: str) -> None:
    _, found = planned(project("image: a\n"), modules={"jobs": path})
    assert f"volumes: [{'.' if up == '.' else up}/jobs:/jobs]\n" in found[path]
    assert f"  - {path}\n" in found[MAIN]


def test_the_directory_of_the_root_is_what_counts() -> None:
    root = "deploy/docker-compose.yml"
    files = {root: project("build: ../api\n")[MAIN]}
    _, found = planned(files, root, modules={"jobs": "x/jobs.yml"})
    assert found["deploy/docker-compose/services/docker-compose.api.yml"].endswith(
        "build: ../../../api\n"
    )
    assert "- x/jobs.yml\n" in found[root]
    assert "[../jobs:/jobs]" in found["deploy/x/jobs.yml"]


# --- paths that cannot be rewritten -------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "reason"),
    [
        (
            "image: a\nvolumes: ['${DATA:-./data}:/data', ./b:/b]\n",
            "a path in volumes begins with a variable",
        ),
        ("image: a\nenv_file: $FILE\n", "a path in env_file begins with a variable"),
        ("build: ${CONTEXT}\n", "a path in build.context begins with a variable"),
        (
            "image: a\nvolumes:\n  - ${MOUNT:-./a:/a}\n  - ./b:/b\n",
            "a path in volumes begins with a variable",
        ),
        (
            "image: a\nvolumes: [{type: $TYPE, source: a, target: /a}]\n",
            "a variable decides whether volumes has a path",
        ),
        ('image: a\nvolumes: ["\\x2e/a:/a"]\n', "is written with escapes"),
    ],
)
def test_a_module_with_a_fixed_path_is_read_in_the_directory_of_the_root(
    api: str, reason: str
) -> None:
    plan, found = planned(project(api))
    assert found[MODULE("api")] == project(api)[MAIN].partition("  db:")[0], "every character"
    assert found[MAIN] == (
        "include:\n"
        f"  - {MODULE('db')}\n"
        f"  - {MODULE('jobs')}\n"
        "  - project_directory: .\n"
        f"    env_file: {EMPTY}{WHY_ENV_FILE}\n"
        "    path:\n"
        f"      - {MODULE('api')}\n"
    )
    assert found[EMPTY].startswith("# Empty on purpose")
    assert "../../jobs:/jobs" in found[MODULE("jobs")], "the others are included by path"
    (note,) = (note for note in plan.notes if "project_directory" in note)
    assert reason in note
    assert note.endswith(": docker-compose.api.yml")


PATHS_WITH_VARIABLES = (
    "build: ${CONTEXT-./context}",
    "build: {context: /a, additional_contexts: ['${MORE:-more=./more}']}",
    "build: {context: /a, additional_contexts: ['other=${OTHER:+./other}']}",
    "env_file: ${FILE:-./a.env}",
    "volumes: ['${MOUNT:-./mount:/mount}']",
    "volumes: ['${DATA:-./data}:/data']",
    "volumes: ['./half${REST:-:/half}']",
    "volumes: [{type: '${TYPE:-bind}', source: ./long, target: /long}]",
    "volumes: [{type: bind, source: '${LONG:-./long}', target: /long}]",
    "develop: {watch: [{path: '${WATCH:-./watch}', action: rebuild}]}",
    "extends: {file: '${BASE:-./base.yml}', service: base}",
    "secrets: [key]",
    "configs: [conf]",
)
RESOURCES_WITH_VARIABLES = """\
secrets:
  key:
    file: ${KEY:-./key}
configs:
  conf:
    file: ${CONF-./conf}
"""
VALUES = """\
CONTEXT=other
MORE=more=../more
OTHER=set
FILE=b.env
MOUNT=./other:/other
DATA=../data
REST=/x:/y
LONG=other
WATCH=w
BASE=other/base.yml
KEY=keys/key
CONF=./c
"""


@pytest.mark.parametrize("values", ["", VALUES], ids=["unset", "set"])
def test_the_engine_resolves_the_same_for_every_value(
    engine: Path, tmp_path: Path, values: str
) -> None:
    """A path that a variable contains is relative to the root, whoever sets the variable."""
    services = [
        f"  s{number}:\n    image: s\n    {attribute}\n"
        for number, attribute in enumerate(PATHS_WITH_VARIABLES)
    ]
    base = "services:\n  base:\n    volumes: [./base:/base]\n"
    files = {
        MAIN: "services:\n" + "".join(services) + RESOURCES_WITH_VARIABLES,
        ".env": values,
        **dict.fromkeys(("a.env", "b.env"), "A=1\n"),
        **dict.fromkeys(("base.yml", "other/base.yml"), base),
    }
    root = write(tmp_path / "project", files)
    before = resolved(engine, root, [MAIN])
    plan, found = planned(files)
    assert len({module for module in plan.moved.values() if module}) == len(services)
    write(root, found)
    after = resolved(engine, root, [MAIN])
    assert before
    assert after
    assert compare(before, after) == []


def test_variables_that_begin_no_path_are_no_reason() -> None:
    plan, found = planned(project("image: ${IMAGE}\nvolumes: ['./${NAME}:/a', 'data:/${B}']\n"))
    assert "image: ${IMAGE}\n    volumes: ['../../${NAME}:/a'" in found[MODULE("api")]
    assert "project_directory" not in found[MAIN]
    assert EMPTY not in found
    assert plan.notes == ()


def test_paths_in_comments_stay_and_the_plan_says_so() -> None:
    text = "build: .\nvolumes:\n  # - ./old:/old\n  - ./new:/new\n"
    plan, found = planned(project(text))
    assert "      # - ./old:/old\n      - ../../new:/new\n" in found[MODULE("api")]
    notes = [note for note in plan.notes if "comments in" in note]
    assert ["docker-compose.api.yml" in note and "./old" in note for note in notes] == [True]
    plan, _ = planned(project("# see ./old\nbuild: .\n"))
    assert not any("comments in" in note for note in plan.notes)


def test_an_env_file_beside_a_module() -> None:
    files = project("build: .\n") | {"docker-compose/services/.env": "A=1\n"}
    plan, found = planned(files, modules={"db": "data/db.yml"})
    assert "build: .\n" in found[MODULE("api")]
    assert found[MAIN].startswith("include:\n  - data/db.yml\n  - project_directory: .\n")
    assert any("its directory has a .env" in note for note in plan.notes)


def test_the_env_file_is_not_one_that_is_there_or_that_git_ignores() -> None:
    files = project("build: ${CONTEXT}\n") | {EMPTY: "A=1\n"}
    _, found = planned(files)
    assert EMPTY not in found
    assert f"env_file: {EMPTY.replace('empty.env', 'empty-env')}" in found[MAIN]


def test_a_second_split_uses_the_same_env_file() -> None:
    first = {**project("build: ${CONTEXT}\n"), **planned(project("build: ${CONTEXT}\n"))[1]}
    more = {**first, MAIN: first[MAIN] + "services:\n  new:\n    build: ${NEW}\n"}
    _, found = planned(more)
    assert EMPTY not in found
    assert found[MAIN] == f"{first[MAIN]}      - {MODULE('new')}\n"


@pytest.mark.parametrize(
    ("mount", "since"),
    [("./data:/data", SINCE_EXTENDS), ("$DATA:/data", SINCE_EXTENDS_IN_ROOT)],
)
def test_a_module_that_extends_a_file_needs_a_later_docker_compose(mount: str, since: str) -> None:
    api = f"extends: {{file: base.yml, service: a}}\nvolumes: ['{mount}']\n"
    plan, _ = planned(project(api) | {"base.yml": "services:\n  a:\n    image: a\n"})
    assert plan.since == since


# --- the whole plan -----------------------------------------------------------------------------

EVERYTHING = """\
name: shop
x-app: &app
  build: .
  restart: always
services:
  api:
    <<: *app
    environment: {A: "1"}
    secrets: [key]
  jobs:
    <<: *app
    volumes: ["${DATA:-./data}:/data", ./jobs:/jobs]
  mail:
    <<: *app
    env_file: ./mail.env
  db:
    image: postgres:16
    volumes: [data:/data, ./db:/db]
volumes:
  data:
secrets:
  key:
    file: ./key
"""
FILES = {MAIN: EVERYTHING, "mail.env": "B=2\n", "key": "k", ".env": "A=1\nDATA=/srv/data\n"}


@pytest.mark.parametrize("options", [{}, {"anchors": "copy"}, {"anchors": "extends"}])
def test_nothing_is_absolute(options: dict[str, str]) -> None:
    _, found = planned(FILES, **options)
    assert EMPTY in found
    for path, text in found.items():
        assert not re.search(r"(?:file|path|directory|context|-): */", text), path
        assert NO_VARIABLES not in text, path


def test_verbatim_moves_every_character() -> None:
    plan, found = planned(FILES, verbatim=True)
    pieces = [piece for file in plan.planned_files for piece in file.pieces]
    assert not any(piece.replacements for piece in pieces if isinstance(piece, Slice))
    new = {line for p in pieces if isinstance(p, NewText) for line in p.text.splitlines()}
    assert found[MAIN].count("- project_directory: .") == 1
    written = {line for path, text in found.items() for line in text.splitlines()} - new
    assert written <= {*EVERYTHING.splitlines(), "services:", "volumes:", "secrets:", ""}


@pytest.mark.parametrize(
    "options", [{}, {"anchors": "copy"}, {"verbatim": True}, {"modules": {"mail": "m.yml"}}]
)
def test_the_engine_resolves_the_same(
    engine: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    root = write(tmp_path / "project", FILES)
    ways = ((), ("--no-interpolate",))
    before = [resolved(engine, root, [MAIN], *options) for options in ways]
    write(root, planned(FILES, **options)[1])
    after = [resolved(engine, root, [MAIN], *options) for options in ways]
    for was, now in zip(before, after, strict=True):
        assert was
        assert now
        assert compare(was, now, moved=["x-app"]) == []


# --- several root files -------------------------------------------------------------------------


def service(name: str, *lines: str) -> str:
    fixed = (f"image: {name}", "restart: always", "init: true", f"volumes: [./{name}:/{name}]")
    return f"  {name}:\n" + "".join(f"    {line}\n" for line in (*fixed, *lines))


BOTH = "services:\n" + "".join(map(service, ("api", "db", "jobs")))


def test_root_files_that_share_modules() -> None:
    prod = BOTH + "    env_file: prod.env\n"
    _, found = planned({MAIN: BOTH, PROD: prod}, MAIN, PROD)
    added = "docker-compose/environments/docker-compose.prod.yml"
    for name in ("api", "db", "jobs"):
        assert f"volumes: [../../{name}:/{name}]\n" in found[MODULE(name)]
    assert found[MAIN] == "include:\n" + "".join(
        f"  - {MODULE(name)}\n" for name in ("api", "db", "jobs")
    )
    assert found[PROD].startswith(
        f"include:\n  - path:\n      - {MODULE('jobs')}\n      - {added}\n"
    )
    assert "env_file: ../../prod.env\n" in found[added], "read in the directory of the first file"
    assert EMPTY not in found


@pytest.mark.parametrize(("value", "since"), [("prod", ""), ("$KIND", SINCE_EQUAL_PAIRS)])
def test_a_value_that_may_be_set_twice_needs_a_later_docker_compose(value: str, since: str) -> None:
    base = BOTH + "    environment: {KIND: base}\n"
    prod = BOTH + f"    environment: {{KIND: {value}}}\n"
    plan, found = planned({MAIN: base, PROD: prod}, MAIN, PROD)
    assert f"KIND: {value}" in "".join(found.values())
    assert plan.since == since


def test_files_that_are_merged_are_all_read_in_one_directory() -> None:
    prod = BOTH + "    env_file: ${PROD}\n"
    _, found = planned({MAIN: BOTH, PROD: prod}, MAIN, PROD)
    assert "volumes: [./jobs:/jobs]\n" in found[MODULE("jobs")]
    assert "volumes: [../../api:/api]\n" in found[MODULE("api")]
    for root in (MAIN, PROD):
        assert f"  - project_directory: .\n    env_file: {EMPTY}" in found[root]
    assert found[EMPTY]
