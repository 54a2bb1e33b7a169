"""Paths and variables of included and extended files, as the rules look them up.

A relative path belongs to the directory of the file that contains it or to the project directory
of its ``include``, and an included file has variables of its own. Docker Compose v5.6.1 resolves
each of these projects.
"""

from __future__ import annotations

import pytest

from composerefactor.analysis.analysis import Analysis
from composerefactor.images.catalog import load_catalog
from composerefactor.images.health.built import NoPossibleCheck
from composerefactor.images.health.check import healthcheck_for
from composerefactor.images.health.usage import usage
from support.analyses import analysed, surveyed

APP = """
services:
  app:
    build: .
    env_file: [app.env]
    volumes: [./conf/x.conf:/x.conf:ro]
    environment: {MODE: "${MODE}"}
"""
FILES = {
    "app/Dockerfile": "FROM node:22\nUSER node\n",
    "app/conf/x.conf": "",
    "app/app.env": "A=1\n",
    "app/base.env": "MODE=1\n",
}
RULES = (
    "missing-build-file",
    "missing-mounted-file",
    "missing-env-file",
    "unset-variable",
    "unused-env-variable",
)
PROJECTS: dict[str, tuple[str, dict[str, str]]] = {
    "env_file": (
        "include: [{path: app/compose.yaml, env_file: app/base.env}]",
        {"app/compose.yaml": APP},
    ),
    "short": (
        "include: [app/compose.yaml]",
        {"app/compose.yaml": APP, "app/.env": "MODE=1\n"},
    ),
    "project_directory": (
        "include: [{path: parts/a.yaml, project_directory: app}]",
        {"parts/a.yaml": APP, "app/.env": "MODE=1\n"},
    ),
    "list of paths": (
        "include: [{path: [app/compose.yaml, parts/more.yaml], env_file: app/base.env}]",
        {
            "app/compose.yaml": APP,
            "parts/more.yaml": "services: {app: {volumes: [./conf/y.conf:/y.conf]}}",
            "app/conf/y.conf": "",
        },
    ),
    "nested": (
        "include: [outer/c.yaml]",
        {
            "outer/c.yaml": "include: [../app/compose.yaml]",
            "app/compose.yaml": APP,
            "app/.env": "MODE=1\n",
        },
    ),
    "extends": (
        "services: {app: {extends: {file: app/compose.yaml, service: app}}}",
        {"app/compose.yaml": APP, ".env": "MODE=1\n"},
    ),
    "included file that extends": (
        "include: [app/compose.yaml]",
        {
            "app/compose.yaml": "services: {app: {extends: {file: base/b.yaml, service: app}}}",
            "app/.env": "MODE=1\n",
            "app/base/b.yaml": APP,
            **{path.replace("app/", "app/base/"): text for path, text in FILES.items()},
        },
    ),
    "extends of an included service": (
        "include: [app/compose.yaml]\nservices: {other: {extends: app}}",
        {"app/compose.yaml": APP, "app/.env": "MODE=1\n"},
    ),
    "override of an included service": (
        "include: [app/compose.yaml]\nservices: {app: {volumes: [./z.conf:/z.conf]}}",
        {"app/compose.yaml": APP, "app/.env": "MODE=1\n", "z.conf": ""},
    ),
}


def messages(analysis: Analysis) -> list[str]:
    return [each.message for each in analysis.findings if each.rule in RULES]


@pytest.mark.parametrize("name", PROJECTS)
def test_paths_belong_to_the_file_that_contains_them(name: str) -> None:
    text, files = PROJECTS[name]

    assert messages(analysed(text, {**FILES, **files})) == []


def test_what_is_missing_is_reported_below_the_included_directory() -> None:
    found = messages(analysed("include: [app/compose.yaml]", {"app/compose.yaml": APP}))

    assert found == [
        "app is built from Dockerfile app/Dockerfile, which does not exist",
        "app mounts app/conf/x.conf, which does not exist",
        "app uses the env file app.env, which does not exist",
        "MODE has no value and no default, and no env file of the project sets it",
    ]


def test_the_including_project_sets_variables_first() -> None:
    text, files = PROJECTS["env_file"]
    facts = surveyed(text, {**FILES, **files, ".env": "MODE=2\n"}).entries[0]
    (mode,) = (each for each in facts.variables if each.name == "MODE")

    assert str(mode.set_at) == ".env:1"
    assert facts.services[0].variables[-1].shown == "2"


def test_a_missing_context_is_the_directory_of_the_extending_project() -> None:
    base = "services: {app: {build: {target: x}}}"
    text = "services: {app: {extends: {file: app/compose.yaml, service: app}}}"

    (build,) = surveyed(text, {"app/compose.yaml": base}).entries[0].builds
    (included,) = (
        surveyed("include: [app/compose.yaml]", {"app/compose.yaml": base}).entries[0].builds
    )

    assert (build.context, included.context) == (".", "app")


def test_of_two_includes_the_first_has_precedence() -> None:
    files = {f"{name}.yaml": f"services: {{s: {{image: {name}}}}}" for name in ("a", "b")}

    facts = surveyed("include: [a.yaml, b.yaml]", files).entries[0]

    assert [each.image for each in facts.services] == ["a"]


def test_the_health_check_of_an_included_service_depends_on_its_dockerfile() -> None:
    files = {
        "app/compose.yaml": 'services: {app: {build: ., ports: ["8080:8080"]}}',
        "app/Dockerfile": 'FROM gcr.io/distroless/static-debian12\nENTRYPOINT ["/srv"]\n',
    }
    architecture = surveyed("include: [app/compose.yaml]", files)
    model = architecture.entries[0].model

    use = usage(architecture.project, model, model.services["app"])
    answer = healthcheck_for(architecture.project, model, use, load_catalog())

    assert isinstance(answer, NoPossibleCheck)
