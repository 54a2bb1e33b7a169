from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from composerefactor.discovery.files import Listing
from composerefactor.discovery.find import Survey, project_directories

Surveyed = Callable[[Mapping[str, str | None]], Survey]

WEB = "services:\n  web:\n    image: nginx\n"
API = "services:\n  api:\n    build: .\n"
MORE = "services:\n  web:\n    restart: always\n"
BASE = "docker-compose.yml"


def found(survey: Survey) -> dict[tuple[str, ...], str]:
    """Return each file list with 'implicit', 'assumed' or ''."""
    return {
        one.files: "implicit" if one.implicit else "assumed" if one.assumed else ""
        for one in survey.entries
    }


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, {}),
        ({"compose.yaml": WEB}, {("compose.yaml",): "implicit"}),
        (
            {BASE: WEB, "docker-compose.override.yml": MORE},
            {(BASE,): "", (BASE, "docker-compose.override.yml"): "implicit"},
        ),
        (
            {BASE: WEB, "docker-compose.prod.yml": MORE},
            {(BASE,): "implicit", (BASE, "docker-compose.prod.yml"): "assumed"},
        ),
        (
            {BASE: WEB, "docker-compose.prod.yml": WEB},
            {
                (BASE,): "implicit",
                ("docker-compose.prod.yml",): "",
                (BASE, "docker-compose.prod.yml"): "assumed",
            },
        ),
        (
            {BASE: WEB, "docker-compose.monitoring.yml": API},
            {(BASE,): "implicit", ("docker-compose.monitoring.yml",): ""},
        ),
        (
            {BASE: WEB, "docker-compose.x.yml": WEB.replace("image: nginx", "image: !override a")},
            {(BASE,): "implicit", (BASE, "docker-compose.x.yml"): "assumed"},
        ),
        (
            {BASE: WEB, "tools.yml": API + "    networks: [front]\n"},
            {(BASE,): "implicit", (BASE, "tools.yml"): "assumed"},
        ),
        (
            {
                BASE: WEB,
                "docker-compose.test.yml": WEB,
                "docker-compose.test.override.yml": MORE,
            },
            {
                (BASE,): "implicit",
                ("docker-compose.test.yml",): "",
                (BASE, "docker-compose.test.yml"): "assumed",
                ("docker-compose.test.yml", "docker-compose.test.override.yml"): "assumed",
                (BASE, "docker-compose.test.override.yml"): "assumed",
            },
        ),
        (
            {"base.yml": WEB, "other.yml": WEB, "dev.yml": MORE},
            {("base.yml",): "", ("other.yml",): "", ("base.yml", "dev.yml"): "assumed"},
        ),
        (
            {"default.yml": WEB, "other.yml": WEB, "https.override.yml": MORE},
            {
                ("default.yml",): "",
                ("other.yml",): "",
                ("default.yml", "https.override.yml"): "assumed",
            },
        ),
        ({"dev.yml": MORE}, {("dev.yml",): "assumed"}),
        (
            {BASE: "include: [web.yml]\nservices: {}\n", "web.yml": WEB},
            {(BASE,): "implicit"},
        ),
        (
            {
                BASE: API.replace("build: .", "extends: {file: web.yml, service: web}"),
                "web.yml": WEB,
            },
            {(BASE,): "implicit"},
        ),
        ({BASE: WEB, ".travis.yml": WEB, "list.yml": "services: [a]\n"}, {(BASE,): "implicit"}),
        ({BASE: WEB, "rancher-compose.yml": MORE}, {(BASE,): "implicit"}),
        (
            {BASE: WEB, "docker-compose.old.yml": "db:\n  image: postgres\n"},
            {(BASE,): "implicit", ("docker-compose.old.yml",): ""},
        ),
        (
            {BASE: WEB, "b.yml": MORE, ".env": "COMPOSE_FILE=docker-compose.yml:b.yml\n"},
            {(BASE,): "", (BASE, "b.yml"): ""},
        ),
        ({BASE: "not: [yaml", "docker-compose.prod.yml": "a: [b"}, {(BASE,): "implicit"}),
    ],
)
def test_by_names_and_contents(
    surveyed: Surveyed,
    texts: dict[str, str],
    expected: dict[tuple[str, ...], str],
) -> None:
    assert found(surveyed(texts)) == expected


def test_commands_decide_over_names(surveyed: Surveyed) -> None:
    texts = {
        BASE: WEB,
        "dev.yml": WEB,
        "docker-compose.prod.yml": WEB,
        "Makefile": "up:\n\tdocker compose -f dev.yml -f docker-compose.prod.yml up\n",
    }
    assert found(surveyed(texts)) == {
        (BASE,): "implicit",
        ("dev.yml",): "",
        ("dev.yml", "docker-compose.prod.yml"): "",
    }


def test_a_default_file_that_is_merged_elsewhere_does_not_start_alone(surveyed: Surveyed) -> None:
    texts = {
        BASE: WEB,
        "vpn/docker-compose.yml": API,
        "own/docker-compose.yml": API,
        ".env.example": f"COMPOSE_FILE={BASE}:vpn/docker-compose.yml:own/docker-compose.yml\n",
        "README.md": "```\ndocker compose -f own/docker-compose.yml up\n```\n",
    }
    assert found(surveyed(texts)) == {
        (BASE,): "implicit",
        (BASE, "vpn/docker-compose.yml", "own/docker-compose.yml"): "",
        ("own/docker-compose.yml",): "implicit",
    }


def test_evidence_is_collected_and_the_default_comes_first(surveyed: Surveyed) -> None:
    texts = {
        BASE: WEB,
        "a.yml": API,
        "README.md": "```\ndocker compose up\n```\n",
        "up.sh": "docker compose up\ndocker compose -f a.yml up\n",
    }
    first, second = surveyed(texts).entries
    assert [str(why) for why in first.evidence] == ["default file", "README.md:2", "up.sh:1"]
    assert second.files == ("a.yml",)
    assert [str(why) for why in second.evidence] == ["complete on its own", "up.sh:2"]


def test_directories_of_files_that_commands_name(surveyed: Surveyed) -> None:
    texts = {
        BASE: WEB,
        "deploy/prod.yml": MORE,
        "deploy/dev.yml": MORE,
        "deploy/alone.yml": API,
        "elsewhere/alone.yml": API,
        "up.sh": f"docker compose -f {BASE} -f deploy/prod.yml up\n",
    }
    assert found(surveyed(texts)) == {
        (BASE,): "implicit",
        (BASE, "deploy/prod.yml"): "",
        (BASE, "deploy/dev.yml"): "assumed",
        ("deploy/alone.yml",): "",
    }


def test_project_directories(listing: Callable[[Mapping[str, str]], Listing]) -> None:
    texts = {"a/compose.yaml": WEB, "b/c/docker-compose.yml": WEB, "b/x.yml": WEB}
    assert project_directories(listing(texts)) == ["a", "b/c"]
