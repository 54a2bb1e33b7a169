"""Which files move, what prevents it, and where commands have to name the directory."""

from __future__ import annotations

import pytest

from composerefactor.compose.project import project_name
from composerefactor.errors import ComposerefactorError, InputError, RefusedError, UsageError
from composerefactor.refactoring.move_roots.plan import why_directory_option
from support.moving import shop

WEB = "services:\n  web:\n    image: nginx\n"


def test_files_of_the_top_level_move() -> None:
    found = shop({"docker-compose.yml": WEB, "docker-compose.dev.yml": WEB, "sub/compose.yml": WEB})
    assert found.relocation.files == {
        "docker-compose.dev.yml": "docker-compose/docker-compose.dev.yml",
        "docker-compose.yml": "docker-compose/docker-compose.yml",
    }


def test_what_another_program_reads_stays() -> None:
    texts = {"docker-compose.yml": WEB, "docker-stack.yml": WEB}
    found = shop({**texts, "run.sh": "docker stack deploy -c docker-stack.yml shop\n"})
    assert list(found.relocation.files) == ["docker-compose.yml"]


@pytest.mark.parametrize(
    ("texts", "error", "place"),
    [
        (
            {"docker-compose/docker-compose.yml": ""},
            RefusedError,
            "docker-compose/docker-compose.yml",
        ),
        (
            {
                "docker-compose.prod.yml": WEB,
                "run.sh": "docker stack deploy -c docker-compose.yml shop\n"
                "docker compose -f docker-compose.yml -f docker-compose.prod.yml up\n",
            },
            RefusedError,
            "run.sh:1",
        ),
        (
            {
                "jobs/compose.yml": "services:\n  web:\n    extends:\n"
                "      file: ../docker-compose.yml\n      service: web\n",
                "run.sh": "docker compose -f jobs/compose.yml up\n",
            },
            RefusedError,
            "jobs/compose.yml:4",
        ),
        (
            {"sub/.env": "A=1", "run.sh": "cd sub && docker compose up\n"},
            RefusedError,
            "sub/.env",
        ),
        (
            {
                "docker-compose.dev.yml": f"{WEB}  web:\n",
                "run.sh": "docker compose -f docker-compose.dev.yml up",
            },
            InputError,
            "docker-compose.dev.yml:4",
        ),
    ],
)
def test_what_cannot_move_is_refused_with_its_place(
    texts: dict[str, str], error: type[ComposerefactorError], place: str
) -> None:
    with pytest.raises(error) as raised:
        shop({"docker-compose.yml": WEB, **texts})
    assert str(raised.value.location) == place


@pytest.mark.parametrize("directory", [".", "..", "../x", "/x", "a b", ".hidden", "x\ny"])
def test_the_directory_is_one_below_the_project(directory: str) -> None:
    with pytest.raises(UsageError):
        shop({"docker-compose.yml": WEB}, directory)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ({}, ""),
        ({".env": "A=1"}, "there is .env,"),
        ({".env.example": "A=1"}, "there is .env.example,"),
        ({".env": "COMPOSE_FILE=docker-compose.yml\nCOMPOSE_PROFILES=x\n"}, ""),
        ({".env": "COMPOSE_FILE=docker-compose.yml\nA=1\n"}, "there is .env,"),
        ({".envrc": "use nix"}, ""),
        ({"docker-compose.yml": WEB + "    user: ${ME:-0}\n"}, "docker-compose.yml:4 uses $ME"),
        ({"docker-compose.yml": WEB + "    volumes: ['${PWD}:/x']\n"}, "begins with a variable"),
        ({"docker-compose.yml": WEB + "    environment: [A=1, B]\n"}, "docker-compose.yml:4"),
        ({"docker-compose.yml": WEB + "    environment:\n      A:\n"}, "docker-compose.yml:5"),
        ({"docker-compose.yml": WEB + "    build: {target: x}\n"}, "has no build context"),
        (
            {"docker-compose.yml": WEB + "    security_opt: ['seccomp:./p.json']\n"},
            "docker-compose.yml:4 names a file",
        ),
        ({"docker-compose.yml": WEB + "    env_file: a.env\n", "a.env": "A=$B\n"}, "a.env takes"),
        ({"run.sh": "docker compose --project-directory . up\n"}, "names it already"),
        (
            {
                "extra/docker-compose.x.yml": "services:\n  web:\n    restart: always\n",
                "run.sh": "docker compose -f docker-compose.yml -f extra/docker-compose.x.yml up\n",
            },
            "would not be in one directory",
        ),
        ({"requirements.txt": "docker-compose==1.29.2\n"}, "docker-compose 1.x"),
    ],
)
def test_commands_name_the_directory_where_files_cannot_say_it(
    texts: dict[str, str], why: str
) -> None:
    found = shop({"docker-compose.yml": WEB, **texts})
    words = why_directory_option(
        found.project, found.relocation, found.listing.paths, found.found.readers, "shop"
    )
    assert why in words
    assert bool(why) == bool(words)


@pytest.mark.parametrize(
    ("directory", "name"), [("My Shop 2.0", "myshop20"), ("_-x_y-", "x_y-"), ("Äö", "")]
)
def test_project_name(directory: str, name: str) -> None:
    assert project_name(directory) == name
