"""With ``--strategy extends``, verification decides what moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from composerefactor.proof.engine import find_engine, release
from composerefactor.refactoring.modules.directories import SINCE_EXTENDS
from support.commandline import CommandLine, tree, write

# That the context is no path shows only where the variable has a value.
TEXT = """\
services:
  web:
    image: nginx:1.27
    volumes:
      - ./html:/html
  api:
    build: http${S:-s}://example.com/api.git
  db:
    image: postgres:16
"""


def test_what_is_not_equal_stays(engine: Path, tmp_path: Path, command_line: CommandLine) -> None:
    if find_engine(str(engine)).release < release(SINCE_EXTENDS):
        pytest.skip(f"needs Docker Compose {SINCE_EXTENDS}")
    project = write(tmp_path / "project", {"docker-compose.yml": TEXT})
    run = command_line(project, "split", "--force", "--strategy", "extends", "--yes")
    assert run.code == 0, run.err
    assert "docker-compose.yml: api (moved, it would not be the same: build.context" in run.err
    after = tree(project)
    assert b"  api:\n    build: http${S:-s}://example.com/api.git\n" in after["docker-compose.yml"]
    assert b"../../html" in after["docker-compose/infrastructure/docker-compose.web.yml"]
    again = command_line(project, "split", "--force", "--strategy", "extends", "--check")
    assert again.code == 0, again.err
