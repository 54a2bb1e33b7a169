# ruff: noqa: E501 - tables with a case a line
from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose.invocation import Invocation
from composerefactor.discovery.command_files import reader_for
from composerefactor.discovery.find import Survey

Surveyed = Callable[[Mapping[str, str | None]], Survey]

PROD = ("docker-compose.yml", "docker-compose.prod.yml")
DEV = ("docker-compose.yml", "docker-compose.dev.yml")
BOTH = "-f docker-compose.yml -f docker-compose.prod.yml"


def evidence(survey: Survey, files: tuple[str, ...]) -> list[str]:
    """Return the places of the commands that name *files*."""
    return [
        str(why)
        for entry in survey.entries
        if entry.files == files
        for why in entry.evidence
        if why.path
    ]


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("Makefile", f"up:\n\tdocker compose {BOTH} up\n", 2),
        ("Makefile", f"F := {BOTH}\nup:\n\t@docker compose $(F) \\\n\t\tup\n", 3),
        ("Makefile", f"D = docker compose $(F)\nF = {BOTH}\nup:\n\t-$(D) up\n", 4),
        ("Makefile", "F = -f docker-compose.yml\nF += -f docker-compose.prod.yml\nup:\n\tdocker compose $(F) up", 4),
        ("Makefile", f"up:\n\t$(DOCKER_COMPOSE) {BOTH} up\n", 2),
        ("Makefile", "export COMPOSE_FILE := docker-compose.yml:docker-compose.prod.yml\nup:\n\tdocker compose up", 3),
        ("Makefile", f"up: ; docker compose {BOTH} up\n", 1),
        ("Makefile", f"DC = docker compose {BOTH}\n", 1),
        ("build/prod.mk", f"up:\n\tcd .. && docker compose {BOTH} up\n", 2),
        ("justfile", f"f := '{BOTH}'\n\nup:\n    docker compose {{{{f}}}} up\n", 4),
        ("justfile", f"up:\n  #!/bin/sh\n  cd .\n  docker compose {BOTH} up\n", 4),
        ("Taskfile.yml", f"vars:\n  F: {BOTH}\ntasks:\n  up:\n    cmds:\n      - docker compose {{{{.F}}}} up\n", 6),
        ("package.json", f'{{\n "scripts": {{\n  "up": "docker compose {BOTH} up"\n }}\n}}\n', 3),
        ("deploy.sh", f"set -e\ndocker compose \\\n  {BOTH} \\\n  up\n", 2),
        ("bin/deploy", f'#!/usr/bin/env bash\ncd "$(dirname "$0")/.."\ndocker compose {BOTH} up\n', 3),
        ("scripts/x/up.sh", f'H="$(cd "$(dirname "${{BASH_SOURCE[0]}}")/../.." && pwd)"\ncd "$H"\ndocker-compose {BOTH} up', 3),
        ("scripts/x/up.sh", 'R=$(git rev-parse --show-toplevel)\ndocker compose -f "$R/docker-compose.yml" -f $R/docker-compose.prod.yml up', 2),
        ("up.bat", "docker-compose -f .\\docker-compose.yml ^\r\n  -f docker-compose.prod.yml up\r\n", 1),
        (".github/workflows/ci.yml", f"jobs:\n  a:\n    steps:\n      - run: docker compose {BOTH} up\n", 4),
        (".github/workflows/ci.yml", f"jobs:\n  a:\n    steps:\n      - run: |\n          set -e\n          docker compose {BOTH} up\n", 6),
        (".github/workflows/ci.yml", "env:\n  COMPOSE_FILE: docker-compose.yml:docker-compose.prod.yml\njobs:\n  a:\n    steps:\n      - run: docker compose up\n", 6),
        (".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - working-directory: docker\n        run: docker compose -f ../docker-compose.yml -f ../docker-compose.prod.yml up\n", 5),
        (".gitlab-ci.yml", f"deploy:\n  script:\n    - cd docker\n    - cd ..\n    - docker compose {BOTH} up\n", 5),
        (".circleci/config.yml", f"jobs:\n  a:\n    steps:\n      - run:\n          command: docker compose {BOTH} up\n", 5),
        ("Jenkinsfile", f"pipeline {{\n  sh 'docker compose {BOTH} up'\n}}\n", 2),
        ("Jenkinsfile", f'sh """\n  set -e\n  docker compose {BOTH} up\n"""\n', 3),
        ("README.md", f"# Run\n\n```sh\n$ docker compose {BOTH} up\n```\n", 4),
        ("README.md", f"Start `docker compose {BOTH} up` now.\n", 1),
        ("README.md", f"Start:\n\n    docker compose {BOTH} up\n", 3),
        ("README.md", f"Start:\n\ndocker compose {BOTH} up\n", 3),
        ("docs/run.md", f"```console\n# docker compose {BOTH} up\n```\n", 2),
        (".env", "# x\nCOMPOSE_FILE=docker-compose.yml:docker-compose.prod.yml\n", 2),
        (".env", "A='x\nCOMPOSE_FILE=b.yml'\nexport COMPOSE_FILE: docker-compose.yml:docker-compose.prod.yml # all\n", 3),
        (".env.example", "COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE='docker-compose.yml,docker-compose.prod.yml'\n", 2),
        (".devcontainer/devcontainer.json", '{\n // x\n "dockerComposeFile": [\n  "../docker-compose.yml",\n  "../docker-compose.prod.yml",\n ],\n}\n', 4),
        (".vscode/tasks.json", '{"tasks": [\n {"command": "docker", "args": ["compose", "-f", "docker-compose.yml", "-f", "docker-compose.prod.yml", "up"]}]}', 2),
        ("deploy/app.service", f"[Service]\nWorkingDirectory=/opt/app\nExecStart=/usr/bin/docker compose {BOTH} up\n", 3),
        ("Procfile", f"web: docker compose {BOTH} up\n", 1),
    ],
)  # fmt: skip
def test_each_source(
    surveyed: Surveyed, project: dict[str, str], path: str, text: str, line: int
) -> None:
    survey = surveyed({**project, path: text})
    assert f"{path}:{line}" in evidence(survey, PROD)
    assert not any(entry.assumed for entry in survey.entries if entry.files == PROD)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("README.md", f"```yaml\nrun: docker compose {BOTH} up\n```\n"),
        ("CHANGELOG.md", f"```\ndocker compose {BOTH} up\n```\n"),
        ("bin/tool", f"#!/usr/bin/env python\n# docker compose {BOTH} up\n"),
        ("Makefile", f"up:\n\t# docker compose {BOTH} up\n"),
        ("package.json", "{ not json: ["),
        (".github/workflows/ci.yml", f"jobs:\n  - [\ndocker compose {BOTH} up"),
        ("notes.txt", f"docker compose {BOTH} up"),
    ],
)
def test_texts_that_are_not_commands(
    surveyed: Surveyed, project: dict[str, str], path: str, text: str
) -> None:
    assert evidence(surveyed({**project, path: text}), PROD) == []


def test_unknown_part_of_a_name_means_the_existing_files(
    surveyed: Surveyed, project: dict[str, str]
) -> None:
    text = "up:\n\tdocker compose -f docker-compose.yml -f docker-compose.$(ENV).yml --env-file .env.$(ENV) up\n"
    entries = surveyed({**project, "Makefile": text}).entries
    found = {entry.files: entry for entry in entries if entry.env_files}
    assert set(found) == {PROD, DEV}
    assert found[PROD].env_files == (".env.prod",)
    assert all(entry.assumed for entry in found.values())


def test_only_the_default_in_the_text_is_not_assumed(
    surveyed: Surveyed, project: dict[str, str]
) -> None:
    text = (
        "ENV ?= dev\nup:\n\tdocker compose -f docker-compose.yml -f docker-compose.$(ENV).yml up\n"
    )
    found = {
        entry.files: entry.assumed for entry in surveyed({**project, "Makefile": text}).entries
    }
    assert found[DEV] is False
    assert found[PROD] is True


def test_missing_file_is_reported(surveyed: Surveyed, project: dict[str, str]) -> None:
    text = "docker compose -f docker-compose.yml -f docker-compose.server.yml up\n"
    survey = surveyed({**project, "up.sh": text})
    (unresolved,) = survey.unresolved
    assert unresolved.reason == "docker-compose.server.yml: not in the project"
    assert str(unresolved.evidence) == "up.sh:1"


def test_a_default_file_that_is_started_with_another_project_directory(surveyed: Surveyed) -> None:
    files = {"infra/compose.yml": "services: {a: {build: app}}\n", "app/Dockerfile": "FROM a:1\n"}
    command = "docker compose --project-directory . -f infra/compose.yml up\n"
    (found,) = surveyed({**files, "up.sh": command}).entries
    assert (found.directory, found.project_directory) == (".", ".")
    directories = {"infra", "."}
    both = surveyed(
        {**files, "up.sh": f"{command}docker compose -f infra/compose.yml ps\n"}
    ).entries
    assert {entry.project_directory or "infra" for entry in both} == directories


def test_an_override_file_does_not_move_the_default_file(surveyed: Surveyed) -> None:
    files = {
        "compose.yaml": "services: {web: {image: nginx}}\n",
        "deploy/compose.login.yaml": "services: {web: {ports: ['80:80']}}\n",
        "deploy/compose.shop.yaml": "services: {shop: {image: shop}}\n",
    }
    files["up.sh"] = "docker compose -f deploy/compose.shop.yaml up\n"
    merged = ("compose.yaml", "deploy/compose.login.yaml")
    (found,) = [one for one in surveyed(files).entries if one.files == merged]
    assert (found.directory, found.project_directory) == (".", None)


def test_directory_and_options(surveyed: Surveyed, project: dict[str, str]) -> None:
    text = (
        "cd docker && docker compose --project-directory .. -p shop --profile b --profile a"
        " --env-file ../x.env -f ../docker-compose.yml -f extra.yml up\n"
    )
    (found,) = [one for one in surveyed({**project, "up.sh": text}).entries if one.profiles]
    assert found == Invocation(
        files=("docker-compose.yml", "docker/extra.yml"),
        directory="docker",
        project_directory=".",
        env_files=("x.env",),
        project_name="shop",
        profiles=("a", "b"),
    )


def test_implicit_command_in_a_subdirectory(surveyed: Surveyed, project: dict[str, str]) -> None:
    texts = {**project, "sub/compose.yaml": project["docker-compose.yml"]}
    survey = surveyed(
        {**texts, "README.md": "```\ngit clone x\ncd x\ncd sub\ndocker compose up\n```"}
    )
    (found,) = [one for one in survey.entries if one.files == ("sub/compose.yaml",)]
    assert (found.directory, found.implicit) == ("sub", True)
    assert "README.md:5" in map(str, found.evidence)


def test_independent_project_below_is_ignored(surveyed: Surveyed, project: dict[str, str]) -> None:
    texts = {**project, "sub/compose.yaml": project["docker-compose.yml"]}
    command = "up:\n\tdocker compose up\n"
    assert not any(
        "sub/compose.yaml" in one.files
        for one in surveyed({**texts, "sub/Makefile": command}).entries
    )
    called = {**texts, "sub/Makefile": command, "Makefile": "up:\n\t$(MAKE) -C sub up # compose\n"}
    assert any("sub/compose.yaml" in one.files for one in surveyed(called).entries)


def test_files_that_cannot_be_read_are_skipped(surveyed: Surveyed, project: dict[str, str]) -> None:
    unreadable = dict.fromkeys(("big.sh", "Makefile", "docker-compose.bin.yml", "compose.yaml"))
    survey = surveyed({**project, **unreadable})
    assert evidence(survey, PROD) == []
    assert survey.entries[0].files == ("compose.yaml",)


@given(
    path=st.sampled_from(
        [
            *("Makefile", "justfile", "Taskfile.yml", "package.json", "x.sh", "x.bat", "README.md"),
            *(".github/workflows/x.yml", "Jenkinsfile", ".env", ".devcontainer/devcontainer.json"),
            *("x.service", "Procfile", ".vscode/tasks.json"),
        ]
    ),
    parts=st.lists(
        st.sampled_from(
            [
                *(
                    "\n",
                    "\t",
                    " ",
                    "  ",
                    ":",
                    "=",
                    "`",
                    "```",
                    "'",
                    '"',
                    "{",
                    "}",
                    "[",
                    "]",
                    "(",
                    ")",
                ),
                *(
                    "docker compose ",
                    "-f a.yml ",
                    "$X",
                    "\\",
                    "\\\n",
                    "run: ",
                    "- ",
                    "|",
                    "sh '",
                    "#!/",
                ),
                *(
                    "export ",
                    "X := ",
                    "COMPOSE_FILE=",
                    '"scripts": ',
                    "//",
                    "/*",
                    "*/",
                    "é",
                    "\r\n",
                    "\0",
                ),
            ]
        ),
        max_size=80,
    ),
)
def test_no_source_raises(path: str, parts: list[str]) -> None:
    reader = reader_for(path)
    assert reader is not None
    for script in reader(path, "".join(parts)):
        assert all(line.number >= 1 for line in script.lines)
