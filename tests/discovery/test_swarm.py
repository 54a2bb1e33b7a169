"""Compose files for Docker Swarm."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from composerefactor.discovery.find import Survey

Surveyed = Callable[[Mapping[str, str | None]], Survey]

SERVICE = "services:\n  web:\n    image: nginx\n"
ON_A_NODE = f"{SERVICE}    deploy:\n      placement:\n        constraints: [node.role == manager]\n"
GLOBAL = f"{SERVICE}    deploy:\n      mode: global\n"


def of_swarm(survey: Survey) -> list[tuple[str, str]]:
    return [(reader.path, reader.statement) for reader in survey.readers]


@pytest.mark.parametrize(
    "header",
    [
        "# this file is meant for Docker Swarm stacks only",
        "# For use with docker swarm",
        "# Deploy with docker stack deploy",
        "# CAUTION: THIS COMPOSE FILE FOR DOCKER SWARM MODE IS NOT MAINTAINED",
        "# Requires a swarm cluster",
        "# It can only be used in swarm mode",
        "# Swarm mode stack of the shop",
    ],
)
def test_a_header_that_says_so(surveyed: Surveyed, header: str) -> None:
    survey = surveyed({"compose.yml": SERVICE, "prod.yml": f"# Shop\n{header}\n\n{SERVICE}"})
    assert of_swarm(survey) == [("prod.yml", "prod.yml:2 says that it is for Docker Swarm")]
    (reader,) = survey.readers
    assert reader.name == "docker stack deploy"


@pytest.mark.parametrize(
    "header",
    [
        "# Not for Docker Swarm",
        "# Works with Docker Swarm, too",
        "# For Docker Swarm or Compose",
        "# For Docker Compose and Docker Swarm",
        "# Without swarm mode, deploy is ignored",
        "# If you want to run it in swarm mode, add a network",
        "# Swarm of drones: the simulator",
        "# The full stack",
    ],
)
def test_a_header_that_does_not(surveyed: Surveyed, header: str) -> None:
    assert of_swarm(surveyed({"compose.yml": f"{header}\n\n{SERVICE}"})) == []


@pytest.mark.parametrize(
    "name",
    [
        *("docker-stack.yml", "stack.yml", "docker-compose.swarm.yml", "swarm/prod-swarm.yaml"),
        *("docker-stack-prod.yml", "docker-compose-stack.yml", "docker-traefik-stack.yml"),
    ],
)
def test_a_name_that_says_so(surveyed: Surveyed, name: str) -> None:
    files = {"compose.yml": SERVICE, name: SERVICE}
    expected = [(name, f"{name} has the name of a Docker Swarm stack")]
    assert of_swarm(surveyed(files)) == expected
    # What Docker Swarm ignores shows that the file is for Docker Compose, as a command does.
    assert of_swarm(surveyed({**files, name: f"{SERVICE}    build: .\n"})) == []
    assert of_swarm(surveyed({**files, "up.sh": f"docker compose -f {name} up\n"})) == []


@pytest.mark.parametrize("name", ["full-stack.yml", "elk-stack.yml", "docker-compose.yml", "x.yml"])
def test_another_name(surveyed: Surveyed, name: str) -> None:
    assert of_swarm(surveyed({name: SERVICE})) == []


@pytest.mark.parametrize(("text", "line"), [(ON_A_NODE, 6), (GLOBAL, 5)])
def test_settings_of_docker_swarm(surveyed: Surveyed, text: str, line: int) -> None:
    files = {"compose.yml": SERVICE, "monitoring.yml": text}
    statement = f"monitoring.yml:{line} sets what only Docker Swarm uses"
    assert of_swarm(surveyed(files)) == [("monitoring.yml", statement)]
    composed = text.replace("image: nginx", "image: nginx\n    container_name: web")
    assert of_swarm(surveyed({**files, "monitoring.yml": composed})) == []


def test_settings_in_a_file_that_docker_compose_finds(surveyed: Surveyed) -> None:
    assert of_swarm(surveyed({"compose.yml": ON_A_NODE})) == []
    assert (
        of_swarm(surveyed({"a.yml": GLOBAL + "  db:\n    image: x\n    restart: always\n"})) == []
    )


def test_a_readme_that_says_so(surveyed: Surveyed) -> None:
    files = {"compose.yml": SERVICE, "prod.yml": SERVICE}
    says = {"README.md": "# Shop\n* `prod.yml` is for Docker Swarm\n"}
    expected = [("prod.yml", "README.md:2 says that it is for Docker Swarm")]
    assert of_swarm(surveyed({**files, **says})) == expected
    doubtful = "`prod.yml` works with Docker Swarm\ncompose.yml, prod.yml: for Docker Swarm\n"
    assert of_swarm(surveyed({**files, "README.md": doubtful})) == []
