"""With a real daemon: after a split, ``up`` leaves every running container as it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.commandline import SINGLY, CommandLine, write

if TYPE_CHECKING:
    from daemon.conftest import Daemon

pytestmark = pytest.mark.daemon

BASE = """\
# The whole shop in one file.
x-common: &common
  image: local/busybox:1
  network_mode: none
  command: ["sleep", "1000"]
  stop_grace_period: 1s

services:
  web:
    <<: *common
    env_file: web.env
    environment:
      # asked for by the auditors
      LEVEL: ${LEVEL:-info}
    volumes:
      - ./data:/data
      - cache:/cache

  worker:
    <<: *common
    labels: {team: shop}
    tmpfs: /scratch
    depends_on: [web]

  mail:
    <<: *common
    configs:
      - source: mail
        target: /etc/mail.conf

  tools:
    <<: *common
    profiles: [debug]

volumes:
  cache:

configs:
  mail:
    file: ./mail.conf
"""
OVERRIDE = """\
services:
  worker:
    environment: {SIZE: "2"}
"""
FILES = {
    "docker-compose.yml": BASE,
    "docker-compose.override.yml": OVERRIDE,
    "web.env": "SECRET=1\n",
    "mail.conf": "relay\n",
    "data/keep": "",
    ".env": "LEVEL=debug\n",
}

Up = Callable[..., str]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path / "shop", FILES)


@pytest.fixture
def up(engine: Path, daemon: Daemon, shop: Path) -> Iterator[Up]:
    """Starts the project as its user does, and says what Docker Compose says."""

    def compose(*arguments: str) -> str:
        done = subprocess.run(
            [str(engine), *arguments],
            cwd=shop,
            env={"PATH": os.environ["PATH"], "HOME": str(shop.parent), "DOCKER_HOST": daemon.host},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    yield lambda *arguments: compose(*arguments, "up", "--detach")
    compose("--profile", "*", "down", "--volumes", "--timeout", "0")


@pytest.mark.parametrize("arguments", [(), ("--profile", "debug"), ("-f", "docker-compose.yml")])
def test_no_container_is_recreated(
    daemon: Daemon, up: Up, shop: Path, command_line: CommandLine, arguments: tuple[str, ...]
) -> None:
    up(*arguments)
    before = daemon.containers()
    assert len(before) == 3 + ("debug" in arguments)
    done = command_line(shop, "split", *SINGLY, "--yes")
    assert done.code == 0, done.err
    assert "services:" not in (shop / "docker-compose.yml").read_text()
    said = up(*arguments)
    assert daemon.containers() == before, said


def test_what_is_changed_is_recreated(daemon: Daemon, up: Up, shop: Path) -> None:
    """The test above sees a container that is made anew."""
    up()
    before = daemon.containers()
    write(shop, {"docker-compose.yml": BASE.replace("team: shop", "team: mail")})
    up()
    after = daemon.containers()
    assert [name for name in before if after[name] != before[name]] == ["/shop-worker-1"]


def test_undo_recreates_nothing_either(
    daemon: Daemon, up: Up, shop: Path, command_line: CommandLine
) -> None:
    assert command_line(shop, "split", *SINGLY, "--yes").code == 0
    up()
    before = daemon.containers()
    assert command_line(shop, "undo", "--yes").code == 0
    up()
    assert daemon.containers() == before
