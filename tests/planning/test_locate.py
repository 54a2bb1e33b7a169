from __future__ import annotations

from collections.abc import Callable

import pytest

from composerefactor.planning.opening import OpenProject
from composerefactor.planning.settle import locate, stable

BASE = """\
include: [mail.yml]
services:
  api: &api
    image: a
    environment:
      A: "1"
  worker:
    <<: *api
    command: work
networks:
  lan:
"""
OVERRIDE = "services:\n  api:\n    environment:\n      B: '2'\n"
MAIL = "services:\n  mail:\n    image: m\n"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("services", "api", "image"), "docker-compose.yml:4"),
        (("services", "api", "environment", "A"), "docker-compose.yml:6"),
        (("services", "api", "environment", "B"), "docker-compose.override.yml:4"),
        (("services", "api", "environment"), "docker-compose.override.yml:3"),
        (("services", "worker", "image"), "docker-compose.yml:4"),
        (("services", "worker", "command"), "docker-compose.yml:9"),
        (("services", "mail", "image"), "mail.yml:3"),
        (("networks", "lan", "driver"), "docker-compose.yml:11"),
        (("volumes", "data"), "None"),
    ],
)
def test_locate(opened_of: Callable[..., OpenProject], path: tuple[str, ...], place: str) -> None:
    files = {"docker-compose.yml": BASE, "docker-compose.override.yml": OVERRIDE, "mail.yml": MAIL}
    project = opened_of(files).project
    entry = next(e for e in project.entries if len(e.files) > 1)
    assert str(locate(project, entry, path)) == place


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "container_name: {}\n    deploy: {{replicas: 2}}",
            "services.deploy.replicas: can't set container_name and {} as container name must be",
        ),
    ],
)
def test_a_message_is_about_the_first_of_equal_faults(
    opened_of: Callable[..., OpenProject], fault: str, message: str
) -> None:
    names = ("api", "worker", "mail")
    bodies = (fault.format(name) if name != "api" else "tty: true" for name in names)
    services = "".join(
        f"  {n}:\n    image: a\n    {b}\n" for n, b in zip(names, bodies, strict=True)
    )
    project = opened_of({"docker-compose.yml": f"services:\n{services}"}).project
    entry = project.entries[0]
    for name in ("worker", "mail"):
        assert stable(project, {entry: message.format(name)}) == {entry: message.format("worker")}
    assert stable(project, {entry: "no such file"}) == {entry: "no such file"}
