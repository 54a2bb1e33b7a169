"""What counts as needed for development alone, and what does not."""

from __future__ import annotations

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.services import services_in
from composerefactor.transforms._development import (
    DEBUG_PORTS,
    DevelopmentFinder,
    DevelopmentSetting,
    cut_text,
    developers_only_reason,
    values_by_environment,
)
from composerefactor.yaml.nodes import MappingNode
from composerefactor.yaml.source import Source

BUILT = "services:\n  a:\n    build: ./app\n"
DOCKERFILE = "FROM node AS dev\nFROM node AS prod\n"


def read(text: str) -> ComposeFile:
    return ComposeFile.parse(Source("compose.yaml", text))


def settings_in(file: ComposeFile, dockerfile: str | None = None) -> list[DevelopmentSetting]:
    body = file.services["a"]
    assert isinstance(body, MappingNode)
    texts = {} if dockerfile is None else {"app/Dockerfile": dockerfile.encode()}
    project = Project((), exists=texts.__contains__, read=texts.__getitem__)
    finder = DevelopmentFinder(project, DEBUG_PORTS)
    return list(finder.settings(services_in(file)["a"], body))


def kept(attribute: str, dockerfile: str | None = None) -> str:
    """Return what production has of the lines of *attribute*."""
    file = read(BUILT + "".join(f"    {line}\n" for line in attribute.splitlines()))
    found = settings_in(file, dockerfile)
    assert all(setting.evidence for setting in found)
    removed = [path for setting in found for path in setting.removed]
    text = cut_text(file, removed)
    return "\n".join(line[4:] for line in text.removeprefix(BUILT).splitlines())


GONE = (
    "command: npm run dev",
    "command: uvicorn main:app --reload",
    "command: [nodemon, app.js]",
    "entrypoint: node --inspect=0.0.0.0:9229 app.js",
    "command: python -m debugpy --listen 0.0.0.0:5678 app.py",
    "volumes:\n  - ./app:/app\n  - /app/node_modules",
    "volumes: [./app/src:/app/src:ro]",
)
ARGUMENTS = "services:\n  a:\n    build:\n      context: ./app\n      args:{}\n    image: a\n"


@pytest.mark.parametrize("attribute", GONE)
def test_gone(attribute: str) -> None:
    assert kept(attribute) == ""


def test_all_arguments_or_one_of_them() -> None:
    both = read(ARGUMENTS.format("\n        NODE_ENV: development\n        APP_ENV: dev"))
    assert {path for each in settings_in(both) for path in each.removed} == {
        ("services", "a", "build", "args")
    }
    one = read(ARGUMENTS.format("\n        NODE_ENV: development\n        PORT: 1"))
    assert [each.removed for each in settings_in(one)] == [
        (("services", "a", "build", "args", "NODE_ENV"),)
    ]


STAYS = (
    "command: npm start",
    "command: serve --reload-interval 5",
    "command: airflow webserver",
    "volumes:\n  - ./app/data:/data\n  - ./app/nginx.conf:/etc/nginx.conf\n  - data:/app/src",
    "volumes:\n  - ./other/src:/src\n  - ../app:/app",
    "environment:\n  NODE_ENV: ${NODE_ENV:-development}\n  DEBUG: '0'\n  DEBUG_URL: x",
    'ports:\n  - "9229:80"\n  - "127.0.0.1:8080:8080"',
)


@pytest.mark.parametrize("attribute", STAYS)
def test_stays(attribute: str) -> None:
    assert kept(attribute) == attribute


def test_one_of_several_goes_with_its_comment() -> None:
    ports = 'ports:\n  - "80:80"\n  # attach here\n  - "9229:9229"  # node\n  - "81:81"'
    assert kept(ports) == 'ports:\n  - "80:80"\n  - "81:81"'


def test_an_item_that_is_commented_out_stays() -> None:
    volumes = "volumes:\n  - data:/data\n  - ./app:/app\n  # - ./more:/more"
    assert kept(volumes) == "volumes:\n  - data:/data\n  # - ./more:/more"


def test_a_key_that_is_commented_out_stays() -> None:
    ports = "# environment:\n#   A: b\nports:\n  - '9229:9229'\n  - '1:1'"
    assert kept(ports) == "# environment:\n#   A: b\nports:\n  - '1:1'"
    volumes = "# environment:\n#   A: b\nvolumes:\n  - ./app:/app\n  # tmpfs:\n  #   - /tmp"
    assert kept(volumes) == "# environment:\n#   A: b\n  # tmpfs:\n  #   - /tmp"


def test_modes_become_those_of_production() -> None:
    pairs = "environment:\n  - FLASK_ENV=development\n  - FLASK_DEBUG=1\n  - A=b"
    assert kept(pairs) == "environment:\n  - A=b"
    file = read(BUILT + "    environment: {APP_ENV: development, NODE_ENV: development}\n")
    app, node = settings_in(file)
    image = read("services:\n  a:\n    image: a\n    environment: {APP_ENV: development}\n")
    assert settings_in(image)[0].staging == {}
    image = read("services:\n  a:\n    image: a\n    environment: {LOG_LEVEL: debug}\n")
    assert settings_in(image) == []  # its owner wants to see more of the program of others
    assert (app.production, app.staging) == (
        {"environment": {"APP_ENV": "production"}},
        {"APP_ENV": "staging"},
    )
    assert (node.production, node.staging) == ({"environment": {"NODE_ENV": "production"}}, {})


def test_a_target_is_that_of_the_dockerfile() -> None:
    build = "build:\n  context: ./app\n  target: dev"
    file = BUILT.replace("    build: ./app\n", "")
    text = f"{file}    {build}".replace("\n  c", "\n      c").replace("\n  t", "\n      t")
    (setting,) = settings_in(read(text), DOCKERFILE)
    assert setting.removed == (("services", "a", "build", "target"),)
    assert setting.production == {"build": {"target": "prod"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{image: mailhog/mailhog}", True),
        ("{image: 'dpage/pgadmin4:8'}", True),
        ("{image: postgres}", False),
        ("{image: portainer/portainer-ce}", False),
    ],
)
def test_services_for_developers(text: str, *, expected: bool) -> None:
    service = services_in(read(f"services:\n  s: {text}\n"))["s"]
    assert bool(developers_only_reason(service)) is expected


@pytest.mark.parametrize(
    ("name", "value", "production", "staging"),
    [
        ("NODE_ENV", "development", "production", "production"),
        ("STATUS_DEV", "dev", "prod", "staging"),
        ("ASPNETCORE_ENVIRONMENT", "Development", "Production", "Staging"),
        ("APP_ENV", "local", "production", "staging"),
        ("DEBUG", "True", "False", "False"),
        ("API_LOG_LEVEL", "DEBUG", "INFO", "INFO"),
        ("API_URL", "http://localhost:8000/v1", None, None),
    ],
)
def test_values_that_differ_by_environment(
    name: str, value: str, production: str | None, staging: str | None
) -> None:
    values = values_by_environment(name, value)
    assert values is not None
    assert (values.production, values.staging) == (production, staging)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_NAME", "dev"),
        ("IMAGE_TAG", "dev"),
        ("STORAGE_MODE", "local"),
        ("API_URL", "http://me:word@localhost/"),
        ("API_URL", "http://api:8000"),
    ],
)
def test_values_that_suit_all_environments(name: str, value: str) -> None:
    assert values_by_environment(name, value) is None


def test_a_mode_with_a_default_has_another_one_in_production() -> None:
    (setting,) = settings_in(read(BUILT + "    environment: ['APP_ENV=${MODE:-dev}']\n"))
    assert setting.removed == ()
    assert setting.production == {"environment": {"APP_ENV": "${MODE:-prod}"}}
    assert setting.staging == {"APP_ENV": "${MODE:-staging}"}


def test_no_blank_lines_are_left_at_the_end() -> None:
    file = read("services:\n  a:\n    image: a\n\n  b:\n    image: b\n")
    assert cut_text(file, [("services", "b")]) == "services:\n  a:\n    image: a\n"
