"""``verify --live`` says beforehand what ``up`` then does, container by container."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.commandline import SINGLY, CommandLine, write

if TYPE_CHECKING:
    from daemon.conftest import Daemon

pytestmark = pytest.mark.daemon

BASE = """\
x-common: &common
  image: local/busybox:1
  network_mode: none
  command: ["sleep", "1000"]
  stop_grace_period: 1s

services:
  web:
    <<: *common
    environment:
      PRICE: 5$$
      DB_PASSWORD: correct-horse
    volumes:
      - ./data:/data
      - cache:/cache
  worker:
    <<: *common
    labels: {team: shop}
    restart: "no"
  mail:
    <<: *common
    configs:
      - source: mail
        target: /etc/mail.conf
  beside:
    image: local/busybox:1
    network_mode: service:worker
    command: ["sleep", "1000"]
    stop_grace_period: 1s

volumes:
  cache:

configs:
  mail:
    file: ./mail.conf
"""
FILES = {"docker-compose.yml": BASE, "mail.conf": "relay\n", "data/keep": ""}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path / "shop", FILES)


@pytest.fixture
def up(engine: Path, daemon: Daemon, shop: Path) -> Iterator[Callable[..., str]]:
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
    compose("--profile", "*", "down", "--volumes", "--timeout", "0", "--remove-orphans")


@pytest.fixture
def live(
    daemon: Daemon, command_line: CommandLine, shop: Path
) -> Callable[..., dict[str, tuple[str, str]]]:
    """Outcome and reasons by service, and that the exit code and the other form agree."""
    environ = {
        **command_line.environ,
        "DOCKER_HOST": daemon.host,
        "PATH": f"{Path(daemon.docker).parent}:{command_line.environ['PATH']}",
        "HOME": str(shop.parent),
    }
    line = replace(command_line, environ=environ)

    def told(*arguments: str) -> dict[str, tuple[str, str]]:
        done = line(shop, "verify", "--live", "--format", "json", *arguments)
        assert done.code in {0, 1}, done.err
        assert b"correct-horse" not in done.out
        listed: list[dict[str, Any]] = done.document["containers"]
        text = line(shop, "verify", "--live", *arguments).out.decode()
        count = sum(each["outcome"] == "recreated" for each in listed)
        assert f"{count} of {len(listed)} container" in text if listed else "nothing was" in text
        assert "correct-horse" not in text
        assert done.code == any(each["outcome"] == "recreated" for each in listed)
        return {each["service"]: (each["outcome"], "; ".join(each["reasons"])) for each in listed}

    return told


def test_what_is_told_is_what_up_does(
    daemon: Daemon,
    up: Callable[..., str],
    live: Callable[..., dict[str, tuple[str, str]]],
    shop: Path,
    command_line: CommandLine,
) -> None:
    assert live() == {}
    up()
    kept = live()
    assert {outcome for outcome, _ in kept.values()} == {"kept"}, kept
    assert kept.keys() == {"web", "worker", "mail", "beside"}
    assert command_line(shop, "split", *SINGLY, "--yes").code == 0
    assert live() == kept  # another layout is no reason
    assert command_line(shop, "undo", "--yes").code == 0

    changed = (
        BASE.replace("5$$", "6$$")
        .replace("team: shop", "team: mail")
        .replace("cache:/cache", "store:/cache")
        .replace("  cache:\n", "  store:\n")
        .replace('restart: "no"', "restart: always")
    )
    write(shop, {"docker-compose.yml": changed})
    told = live()
    assert told["web"][0] == "recreated"
    assert "environment: PRICE changed" in told["web"][1]
    assert "at /cache: volume shop_store instead of volume shop_cache" in told["web"][1]
    assert told["worker"][0] == "recreated"
    assert "labels: team" in told["worker"][1]
    assert "restart policy no -> always" in told["worker"][1]
    assert told["mail"] == ("kept", "")
    assert told["beside"] == ("recreated", "it shares a namespace or volumes with worker")
    before = daemon.containers()
    up()
    after = daemon.containers()
    anew = {name for name in before if after[name][0] != before[name][0]}
    assert anew == {
        f"/shop-{service}-1" for service, (outcome, _) in told.items() if outcome == "recreated"
    }
    assert {outcome for outcome, _ in live().values()} == {"kept"}


def test_a_service_that_is_gone_and_one_that_is_new(
    up: Callable[..., str], live: Callable[..., dict[str, tuple[str, str]]], shop: Path
) -> None:
    up()
    write(shop, {"docker-compose.yml": BASE.replace("  mail:\n    <<", "  post:\n    <<")})
    told = live()
    assert told["mail"][0] == "orphan"
    assert "post" not in told


def test_a_newer_image_of_the_same_name(
    daemon: Daemon, up: Callable[..., str], live: Callable[..., dict[str, tuple[str, str]]]
) -> None:
    up()
    ids = daemon.run("images", "--quiet", "--no-trunc", "local/busybox:1").split()
    container = daemon.run("create", "--network", "none", "local/busybox:1", "true").strip()
    try:
        daemon.run("commit", "--change", "ENV NEWER=1", container, "local/busybox:1")
        told = live()
        assert told["web"][0] == "recreated"
        assert "newer" in told["web"][1]
    finally:
        daemon.run("rm", container)
        daemon.run("tag", ids[0], "local/busybox:1")


def test_without_a_daemon(command_line: CommandLine, shop: Path, tmp_path: Path) -> None:
    environ = {**command_line.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    done = replace(command_line, environ=environ)(shop, "verify", "--live")
    assert done.code == 3
    assert "docker" in done.err
    assert "Traceback" not in done.err
