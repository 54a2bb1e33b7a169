"""``explain`` names the place that decides each line, and what it overrides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.commandline import SINGLY, CommandLine, write

FILES = {
    "common.yml": """\
services:
  base:
    restart: unless-stopped
    environment:
      LOG_LEVEL: info
""",
    "docker-compose.yml": """\
x-defaults: &defaults
  restart: "no"
  logging:
    driver: json-file
services:
  api:
    <<: *defaults
    extends: {file: common.yml, service: base}
    image: api:${TAG:-3}-${SUFFIX}
    env_file: api.env
    environment:
      DATABASE_URL: postgres://shop:Hunter22x@db:5432/shop
    ports:
      - 8080:80
  web:
    image: nginx
    environment:
      API_URL: http://api:80
    depends_on: [api]
  job:
    extends: api
    network_mode: service:api
""",
    "docker-compose.override.yml": """\
services:
  api:
    restart: always
    ports: !override
      - 8081:80
    logging: !reset null
""",
    ".env": "SUFFIX=slim\n",
    "api.env": "LOG_LEVEL=warn\nAPI_TOKEN=abcdef123456\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an anchor, ``extends``, an override file and two kinds of env files."""
    return write(tmp_path / "project", FILES)


def explained(command_line: CommandLine, project: Path, *arguments: str) -> dict[str, Any]:
    """Return the lines of the service in the default start command, by key."""
    outcome = command_line.plain(project, "explain", *arguments, "--format", "json")
    assert outcome.code == 0, outcome.err
    main = outcome.document["start_commands"][0]
    return {line["key"]: line for line in main["lines"]} | {"": main}


def place(line: dict[str, Any]) -> str:
    return f"{line['location']['file']}:{line['location']['line']}"


@pytest.mark.parametrize(
    ("key", "at", "manner", "overridden"),
    [
        ("image", "docker-compose.yml:9", "file", []),
        (
            "restart",
            "docker-compose.override.yml:3",
            "override",
            ["common.yml:3", "docker-compose.yml:2"],
        ),
        ("environment.LOG_LEVEL", "common.yml:5", "extends", ["api.env:1"]),
        ("environment.API_TOKEN", "api.env:2", "env file", []),
        ("ports", "docker-compose.override.yml:4", "override", ["docker-compose.yml:13"]),
        ("ports.0", "docker-compose.override.yml:5", "override", []),
        ("logging", "docker-compose.override.yml:6", "override", ["docker-compose.yml:3"]),
    ],
)
def test_each_line_has_its_place(
    command_line: CommandLine, project: Path, key: str, at: str, manner: str, overridden: list[str]
) -> None:
    line = explained(command_line, project, "api")[key]
    assert place(line) == at
    assert line["manner"] == manner
    assert [place(each) for each in line["overridden"]] == overridden


def test_variables_have_their_source(command_line: CommandLine, project: Path) -> None:
    line = explained(command_line, project, "api", "image")["image"]
    assert line["value"] == "api:3-slim"
    assert [(v["written"], v["source"]) for v in line["variables"]] == [
        ("${TAG:-3}", "default"),
        ("${SUFFIX}", "env file"),
    ]
    assert place(line["variables"][1]) == ".env:1"


def test_a_variable_of_the_shell_has_precedence(project: Path, command_line: CommandLine) -> None:
    shell = CommandLine(command_line.engine, {**command_line.environ, "SUFFIX": "full"})
    line = explained(shell, project, "api", "image")["image"]
    assert line["value"] == "api:3-full"
    assert line["variables"][1]["source"] == "shell"


def test_what_uses_the_service(command_line: CommandLine, project: Path) -> None:
    users = explained(command_line, project, "api")[""]["used_by"]
    assert {(user["service"], place(user)) for user in users} == {
        ("web", "docker-compose.yml:19"),
        ("web", "docker-compose.yml:18"),
        ("job", "docker-compose.yml:22"),
        ("job", "docker-compose.yml:21"),
    }


def test_no_secret_is_shown(command_line: CommandLine, project: Path) -> None:
    for form in ("text", "json"):
        outcome = command_line.plain(project, "explain", "api", "--format", form, "-v")
        assert b"DATABASE_URL" in outcome.out
        assert b"Hunter22x" not in outcome.out
        assert b"abcdef123456" not in outcome.out


def test_text_fits_into_80_columns(command_line: CommandLine, project: Path) -> None:
    lines = command_line.plain(project, "explain", "api").out.decode().splitlines()
    assert max(map(len, lines)) <= 80


def test_a_module_is_named_after_a_split(command_line: CommandLine, project: Path) -> None:
    assert command_line(project, "split", "--yes", *SINGLY).code == 0
    main = explained(command_line, project, "web")[""]
    (definition,) = main["definitions"]
    assert definition["manner"] == "include"
    assert definition["location"]["file"] != "docker-compose.yml"
    assert definition["through"]["file"] == "docker-compose.yml"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("appi",), 2, "'api'"),
        (("api", "resart"), 2, "'restart'"),
        (("api", "LOG_LEVLE"), 2, "'LOG_LEVEL'"),
        (("api", "healthcheck"), 0, ""),
    ],
)
def test_unknown_names_are_corrected(
    command_line: CommandLine, project: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    outcome = command_line.plain(project, "explain", *arguments)
    assert outcome.code == code
    assert said in outcome.err


def test_other_start_commands_follow(command_line: CommandLine, project: Path) -> None:
    text = command_line.plain(project, "explain", "api", "restart").out.decode()
    assert text.index("docker-compose.override.yml:3") < text.index("docker-compose.yml:2")
    assert "-f docker-compose.yml" in text


def test_an_unreadable_project_is_an_error(command_line: CommandLine, tmp_path: Path) -> None:
    broken = write(tmp_path / "broken", {"docker-compose.yml": "services:\n\tapi: {}\n"})
    assert command_line.plain(broken, "explain", "api").code == 3


def test_without_a_service_all_are_listed(project: Path, command_line: CommandLine) -> None:
    found = command_line(project, "explain", "--format", "json").document
    listed = {
        each["service"]: [(at["file"], at["line"]) for at in each["definitions"]]
        for each in found["services"]
    }
    own = "docker-compose.yml"
    assert listed == {
        "api": [(own, 6), ("docker-compose.override.yml", 2)],
        "web": [(own, 15)],
        "job": [(own, 20)],
    }
    text = command_line(project, "explain").out.decode()
    assert f"web  {own}:15\n" in text
