"""A small project on disk, alone or in git."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from support.commandline import CommandLine, write

Git: TypeAlias = Callable[..., str]

COMPOSE = """\
# The shop
services:
  web:
    image: nginx:1.27
    ports:
      - "443:443"  # the only public port

  api:
    image: ghcr.io/shop/api:3
    healthcheck:
      test: wget -q localhost

  db:
    image: postgres:16
    volumes:
      - ./data:/var/lib/postgresql/data
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project of three services, without git."""
    return write(tmp_path / "shop", {"docker-compose.yml": COMPOSE})


@pytest.fixture
def git(command_line: CommandLine) -> Git:
    """Run git in a directory, without the settings of whoever runs the tests."""

    def run(directory: Path, *arguments: str) -> str:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
        done = subprocess.run(
            command,
            cwd=directory,
            env=dict(command_line.environ),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    return run


@pytest.fixture
def committed(shop: Path, git: Git) -> Path:
    """The project in git, with nothing to commit."""
    git(shop, "init", "-q")
    git(shop, "add", "-A")
    git(shop, "commit", "-qm", "start")
    return shop
