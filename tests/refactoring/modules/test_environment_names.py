"""What the environments of root files are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from composerefactor.compose.project import Project
from composerefactor.refactoring.modules.naming import (
    are_environments,
    environment_name,
    name_in_path,
)

ProjectOf: TypeAlias = Callable[..., Project]

PLAIN = "docker-compose.yml"
SERVICE = "services:\n  web:\n    image: nginx\n"
PRODUCTION = f"{SERVICE}    environment: [NODE_ENV=production]\n"
DEVELOPMENT = f"{SERVICE}    environment: [NODE_ENV=development]\n"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("docker-compose.dev.yml", "dev"),
        ("docker-compose-dev.yml", "dev"),
        ("docker-compose_dev.yml", "dev"),
        ("compose.prod.yaml", "prod"),
        ("dev.docker-compose.yml", "dev"),
        ("dockercompose.prod.yml", "prod"),
        ("local.yml", "local"),
        ("docker-compose.pull.yml", "pull"),
        ("deploy/compose.Prod_EU.yaml", "prod-eu"),
        ("docker-compose.test.override.yml", "test-override"),
        ("docker-stack.yml", "stack"),
        ("docker-shop-local.yml", "shop-local"),
        ("decompose.yml", "decompose"),
        (PLAIN, ""),
        ("compose.yaml", ""),
    ],
)
def test_a_name_in_a_path(path: str, name: str) -> None:
    assert name_in_path(path) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (SERVICE, "base"),
        (PRODUCTION, "production"),
        (f"{SERVICE}    environment:\n      APP_ENV: local\n", "local"),
        (f"{SERVICE}    environment:\n      ASPNETCORE_ENVIRONMENT: Development\n", "development"),
        (f"{SERVICE}    environment:\n      RAILS_ENV: ${{RAILS_ENV:-staging}}\n", "staging"),
        (f"{SERVICE}    environment: [FLASK_ENV]\n", "base"),
        (
            f"{SERVICE}    environment: [DJANGO_SETTINGS_MODULE=shop.settings.production]\n",
            "production",
        ),
        (f"{SERVICE}    environment: [DJANGO_SETTINGS_MODULE=shop.settings]\n", "base"),
        (f"{SERVICE}    environment: [NODE_ENV=custom]\n", "base"),
        (f"{SERVICE}    build: {{context: ., target: dev}}\n", "dev"),
        (f"{SERVICE}    build: {{context: ., target: runtime}}\n", "base"),
        (f"{PRODUCTION}    build: {{context: ., target: dev}}\n", "production"),
        (f"# The production stack\n{SERVICE}", "production"),
        (f"# Local development setup\n{SERVICE}", "development"),
        (f"# Production. Ask ops before a change.\n{SERVICE}", "production"),
        (f"# === Docker Compose for staging ===\n{SERVICE}", "staging"),
        (f"# Everything for local development, and more\n{SERVICE}", "development"),
        (f"# Not for production.\n{SERVICE}", "base"),
        (f"# The test server\n{SERVICE}", "test"),
        (f"# For the production setup see docker-compose.prod.yml\n{SERVICE}", "base"),
        (f"# A production stack\n# and a development stack\n{SERVICE}", "base"),
        (f"{SERVICE}# a production stack\n", "base"),
        (PRODUCTION + DEVELOPMENT.replace("web", "api").removeprefix("services:\n"), "base"),
    ],
)
def test_a_plain_file_is_called_what_it_says(project_of: ProjectOf, text: str, name: str) -> None:
    assert environment_name(project_of({PLAIN: text}), PLAIN) == name


def test_no_two_files_are_called_the_same(project_of: ProjectOf) -> None:
    files = {
        PLAIN: PRODUCTION,
        "docker-compose.prod.yml": SERVICE,
    }
    project = project_of(files, *((path,) for path in files))
    assert [environment_name(project, path) for path in files] == ["base", "prod"]


@pytest.mark.parametrize(
    ("text", "other", "name"),
    [
        (f"# Development setup\n{SERVICE}", "local", "development"),
        (f"# Development setup\n{SERVICE}", "dev", "base"),
        (DEVELOPMENT, "local", "base"),
    ],
)
def test_the_header_comment_counts_beside_another_word_for_the_same(
    project_of: ProjectOf, text: str, other: str, name: str
) -> None:
    files = {PLAIN: text, f"docker-compose.{other}.yml": SERVICE}
    project = project_of(files, *((path,) for path in files))
    assert [environment_name(project, path) for path in files] == [name, other]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({PLAIN: SERVICE, "docker-compose.prod.yml": SERVICE}, True),
        ({"compose.dev-eu.yml": SERVICE, "compose.test.yml": SERVICE}, True),
        ({PLAIN: SERVICE, "docker-compose-mysql.yml": SERVICE}, False),
        ({"compose.dev.yml": SERVICE, "compose.tls.yml": SERVICE}, False),
        ({PLAIN: DEVELOPMENT, "docker-compose.server.yml": PRODUCTION}, True),
        ({"compose.mysql.yml": PRODUCTION, "compose.postgres.yml": PRODUCTION}, False),
    ],
)
def test_environments_or_variants(
    project_of: ProjectOf, files: dict[str, str], *, expected: bool
) -> None:
    project = project_of(files, *((path,) for path in files))
    assert are_environments(project, list(files)) is expected
