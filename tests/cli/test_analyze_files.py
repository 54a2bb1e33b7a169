"""The files that ``analyze`` writes beside its reports: pages, pictures and the smoke test."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.commandline import CommandLine, tree, write

SECRET = "hunter2-planted"
TEXT = f"""\
services:
  db:
    image: postgres:16
    environment: {{POSTGRES_PASSWORD: {SECRET}}}
    healthcheck: {{test: [CMD, psql, "postgres://shop:{SECRET}@127.0.0.1/shop"]}}
  cache:
    image: redis:7
    command: redis-server --requirepass {SECRET}
    volumes: [cache:/data]
volumes:
  cache:
"""


@pytest.mark.parametrize(("name", "begins"), [("a.html", "<!doctype html>"), ("a.svg", "<svg ")])
def test_the_name_of_the_file_tells_the_form(
    tmp_path: Path, command_line: CommandLine, name: str, begins: str
) -> None:
    write(tmp_path, {"compose.yaml": TEXT})
    done = command_line(tmp_path, "analyze", "-o", name)
    assert done.code == 0, done.err
    assert (tmp_path / name).read_text("utf-8").startswith(begins)
    assert SECRET not in (tmp_path / name).read_text("utf-8")


def test_the_script_leads_back_to_the_project_from_where_it_is(
    tmp_path: Path, command_line: CommandLine
) -> None:
    write(tmp_path, {"shop/compose.yaml": TEXT, "ci/bin/keep": ""})
    before = tree(tmp_path / "shop")
    done = command_line(tmp_path, "analyze", "shop", "--smoke-test", "ci/bin/smoke.sh")
    assert done.code == 0, done.err
    assert done.out == b""
    script = tmp_path / "ci" / "bin" / "smoke.sh"
    assert os.access(script, os.X_OK)
    text = script.read_text("utf-8")
    assert SECRET not in text
    assert "\ndirectory=../../shop\n" in text
    assert tree(tmp_path / "shop") == before
    shown = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert "--running" in shown.stdout


def test_the_script_is_for_the_files_that_are_named(
    tmp_path: Path, command_line: CommandLine
) -> None:
    other = "services: {web: {image: nginx}}\n"
    write(tmp_path, {"compose.yaml": TEXT, "ops/compose.prod.yaml": other})
    done = command_line(
        tmp_path, "analyze", "-f", "ops/compose.prod.yaml", "--smoke-test", "smoke.sh"
    )
    assert done.code == 0, done.err
    text = (tmp_path / "smoke.sh").read_text("utf-8")
    assert "docker_compose --file ops/compose.prod.yaml" in text
    assert "compose.yaml --" not in text


def test_a_file_that_cannot_be_written(tmp_path: Path, command_line: CommandLine) -> None:
    write(tmp_path, {"compose.yaml": TEXT})
    done = command_line(tmp_path, "analyze", "--smoke-test", "nowhere/smoke.sh")
    assert done.code == 2
    assert "cannot be written" in done.err


def test_a_project_that_cannot_be_read_has_no_script(
    tmp_path: Path, command_line: CommandLine
) -> None:
    write(tmp_path, {"compose.yaml": "services: [\n"})
    done = command_line(tmp_path, "analyze", "--smoke-test", "smoke.sh")
    assert done.code == 3
    assert "compose.yaml" in done.err
    assert not (tmp_path / "smoke.sh").exists()
