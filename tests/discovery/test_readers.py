# ruff: noqa: E501 - tables with a case a line
from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from composerefactor.discovery.find import Survey

Surveyed = Callable[[Mapping[str, str | None]], Survey]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("up.sh", "docker stack deploy -c shop.yml shop", ("docker stack deploy", "shop.yml", 1)),
        ("up.sh", "docker stack deploy --compose-file=shop.yml x", ("docker stack deploy", "shop.yml", 1)),
        ("up.sh", "\npodman-compose -f shop.yml up", ("podman-compose", "shop.yml", 2)),
        ("up.sh", 'podman-compose "$@"', ("podman-compose", "compose.yaml", 1)),
        ("up.sh", "docker buildx bake -f shop.yml", ("docker buildx bake", "shop.yml", 1)),
        ("up.sh", "docker buildx bake", ("docker buildx bake", "compose.yaml", 1)),
        ("up.sh", "kompose convert -f shop.yml", ("kompose", "shop.yml", 1)),
        ("up.sh", "envsubst < shop.yml | docker compose -f - up", ("envsubst", "shop.yml", 1)),
        ("up.sh", "./bin/envsubst -no-unset -i shop.yml > compose.yaml", ("envsubst", "shop.yml", 1)),
        ("requirements-dev.txt", "pytest\ndocker-compose==1.29.2\n", ("docker-compose 1.x", "compose.yaml", 2)),
        (
            "src/test/XTest.java",
            'import org.testcontainers;\nnew DockerComposeContainer<>(new File("shop.yml"))',
            ("Testcontainers", "shop.yml", 2),
        ),
    ],
)  # fmt: skip
def test_reader(surveyed: Surveyed, path: str, text: str, expected: tuple[str, str, int]) -> None:
    service = "services:\n  web:\n    image: nginx\n"
    survey = surveyed({"compose.yaml": service, "shop.yml": service, path: text})
    (found,) = survey.readers
    assert (found.name, found.path, found.evidence.line) == expected
    assert found.evidence.path == path


def test_none_where_only_compose_reads(surveyed: Surveyed, project: dict[str, str]) -> None:
    text = "docker compose up\ndocker stack ls\npip install docker-compose==2.0\n"
    text += "podman-compose version --short\npodman-compose --version\necho podman-compose\n"
    assert surveyed({**project, "up.sh": text}).readers == ()


def test_a_comment_above_the_services_names_envsubst(surveyed: Surveyed) -> None:
    service = "services:\n  web:\n    image: nginx\n    # envsubst renders its templates\n"
    files = {"compose.yaml": f"# Requires envsubst first.\n\n{service}", "shop.yml": service}
    (found,) = surveyed(files).readers
    assert (found.name, found.path, found.evidence.line) == ("envsubst", "compose.yaml", 1)


INSTALL = (
    "curl -L https://github.com/docker/compose/releases/download/1.29.2/docker-compose -o dc\n"
)


def test_an_old_compose_reads_what_its_script_names(surveyed: Surveyed) -> None:
    service = "services:\n  web:\n    image: nginx\n"
    script = INSTALL + "docker-compose -f shop.yml up -d\n"
    survey = surveyed({"compose.yaml": service, "shop.yml": service, "up.sh": script})
    assert [(found.path, found.evidence.line) for found in survey.readers] == [("shop.yml", 1)]


def test_an_old_compose_cannot_read_a_file_with_include(surveyed: Surveyed) -> None:
    service = "services:\n  web:\n    image: nginx\n"
    files = {"compose.yaml": f"include: [more.yml]\n{service}", "more.yml": "services: {}\n"}
    assert surveyed({**files, "up.sh": INSTALL}).readers == ()
