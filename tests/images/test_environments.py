"""What a Compose file is for, by its name, its header and its values."""

from __future__ import annotations

from pathlib import Path

import pytest

from composerefactor.images.environments import (
    development_profile_reason,
    environment_of,
    short_lived_reason,
)
from composerefactor.planning.opening import ProjectSelection, open_project

PLAIN = "services:\n  web:\n    image: nginx:1.27\n"


def kind(directory: Path, name: str, text: str, settings: str = "") -> str | None:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if settings:
        (directory / ".composerefactor.yml").write_text(settings)
    project = open_project(ProjectSelection(directory, file=(name,))).project
    environment = environment_of(project, name)
    return environment.kind if environment else None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker-compose.yml", None),
        ("docker-compose.override.yml", None),
        ("docker-compose.dev-azure.yml", "development"),
        ("docker-compose-local.yaml", "development"),
        ("docker-compose.test.override.yml", "test"),
        ("compose.e2e.yaml", "test"),
        ("docker-compose.prod.yml", "production"),
        ("docker-compose.staging.yml", "staging"),
        ("docker-compose.devices.yml", None),
        (".devcontainer/docker-compose.yml", "development"),
        ("tests/docker-compose.yml", "test"),
        ("deploy/docker-compose.yml", None),
    ],
)
def test_by_name(tmp_path: Path, name: str, expected: str | None) -> None:
    assert kind(tmp_path, name, PLAIN) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("# Shop Backend Development Environment", "development"),
        ("# Compose file for local development", "development"),
        ("# Docker Compose for Staging Environment", "staging"),
        ("# For production use docker-compose.prod.yml", None),
        ("# Not for production", None),
        ("# Development and production environments", None),
        ("# The shop", None),
        ("---\n# Development environment override", "development"),
    ],
)
def test_by_header(tmp_path: Path, header: str, expected: str | None) -> None:
    assert kind(tmp_path, "compose.yaml", f"{header}\n{PLAIN}") == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("environment: {NODE_ENV: development}", "development"),
        ("environment: [ASPNETCORE_ENVIRONMENT=Production]", "production"),
        ("environment: ['NODE_ENV=${NODE_ENV:-production}']", None),
        ("environment: {NODE_ENV: development, APP_ENV: production}", None),
        (
            f"environment: {{{', '.join(f'{n}_ENV: dev' for n in 'ABCDE')}, APP_ENV: prod}}",
            "development",
        ),
        ("environment: {DB_NAME: test}", None),
        ("build: {context: ., target: dev}", "development"),
        ("image: localstack/localstack:3", "development"),
        ("build: ./docker/firestore-emulator", "development"),
        ("image: ghcr.io/navikt/mock-oauth2-server:2.1", "development"),
        ("build: {context: ./vendor/laravel/sail/runtimes/8.4}", "development"),
        ("environment: [ENVIRONMENT_NAME=local]", "development"),
        ("environment: [ENVIRONMENT_LABEL=local]", None),
    ],
)
def test_by_content(tmp_path: Path, lines: str, expected: str | None) -> None:
    text = f"services:\n  web:\n    {lines}\n"
    text += "" if "image" in lines else "    image: nginx:1.27\n"
    assert kind(tmp_path, "compose.yaml", text) == expected


@pytest.mark.parametrize(
    ("web", "mail", "readme", "expected"),
    [
        ("image: a", "image: axllent/mailpit:v1.21", "", "mail catches all mail"),
        ("image: a", "{image: axllent/mailpit:v1.21, profiles: [mail]}", "", None),
        ("{build: docker/php, volumes: ['.:/var/www']}", "image: b", "", "web runs mounted source"),
        ("{build: go, volumes: ['./src:/src'], working_dir: /src/a}", "image: b", "", "web runs"),
        ("{build: ., volumes: ['.:/app'], restart: always}", "image: b", "", None),
        ("{build: ., volumes: ['./data:/app/data']}", "image: b", "", None),
        ("{build: ., image: a}", "{build: mail, image: b}", "", "compose.yaml only builds images"),
        ("{build: ., image: a}", "{build: mail, ports: [25]}", "", None),
        ("image: a", "image: b", "# Shop Test Harness", "README.md: Test Harness"),
        ("image: a", "image: b", "# Shop\n\nSee the test environment", None),
        ("image: a", "image: b", "<p>PHP development environment</p>", "README.md"),
        ("image: a", "image: b", "# Shop\n\n## Setting up\n\nLocal test setup", None),
        ("{image: postgres:16, ports: [5432]}", "image: redis:8", "", "of package.json runs"),
        ("{image: postgres:16, ports: [5432]}", "image: b", "", None),
        ("image: postgres:16", "image: redis:8", "", None),
    ],
)  # fmt: skip
def test_what_only_developers_start(
    tmp_path: Path, web: str, mail: str, readme: str, expected: str | None
) -> None:
    services = (
        f"  {name}: {{{body.strip('{}')}}}\n" for name, body in (("web", web), ("mail", mail))
    )
    (tmp_path / "compose.yaml").write_text("services:\n" + "".join(services))
    (tmp_path / "README.md").write_text(readme)
    (tmp_path / "package.json").write_text("{}")
    project = open_project(ProjectSelection(tmp_path)).project
    reason = short_lived_reason(project, "compose.yaml")
    assert reason is None if expected is None else expected in (reason or "")
    assert environment_of(project, "compose.yaml") is None


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("src/Test/Integration", "test"),
        ("Shop.Tests", "test"),
        ("shop/playwright", "test"),
        ("apps/test-app", None),
        ("deploy/latest", None),
        ("", None),
    ],
)
def test_the_directory_of_the_project(tmp_path: Path, directory: str, expected: str | None) -> None:
    header = "# Production setup\n" if expected else ""
    (tmp_path / "compose.yaml").write_text(header + PLAIN)
    project = open_project(ProjectSelection(tmp_path)).project
    project.directory = directory
    environment = environment_of(project, "compose.yaml")
    assert (environment and environment.kind) == expected


def test_settings_decide(tmp_path: Path) -> None:
    name = "docker-compose.dev.yml"
    settings = f"environments:\n  {name}: production\n"
    assert kind(tmp_path, name, PLAIN, settings) == "production"
    assert short_lived_reason(open_project(ProjectSelection(tmp_path)).project, name) is None


@pytest.mark.parametrize(
    ("base", "override", "runs_elsewhere"),
    [
        ("image: a, profiles: [dev]", "tty: true", False),
        ("image: a", "profiles: [dev]", True),
        ("image: a, profiles: [dev, nightly]", "tty: true", True),
    ],
)
def test_a_profile_counts_in_every_start_command(
    tmp_path: Path, base: str, override: str, *, runs_elsewhere: bool
) -> None:
    for name, body in (("compose.yaml", base), ("compose.dev.yaml", override)):
        (tmp_path / name).write_text(f"services:\n  mail: {{{body}}}\n")
    project = open_project(ProjectSelection(tmp_path)).project
    assert (development_profile_reason(project, "mail") is None) == runs_elsewhere
