"""`composerefactor split --move-roots` from end to end, with the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.commandline import SINGLY, CommandLine, tree, write

THREE = """\
services:
  web:
    image: nginx:1.27
    volumes:
      - ./nginx:/etc/nginx/conf.d:ro
  api:
    image: shop/api:3
  db:
    image: postgres:16
"""
MOVE = ("split", *SINGLY, "--move-roots", "docker-compose")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    files = {"docker-compose.yml": THREE, "Makefile": "up:\n\tdocker compose up -d\n"}
    return write(tmp_path / "shop", files)


@pytest.mark.parametrize(("env", "command"), [({}, True), ({".env": "TAG=3\n"}, False)])
def test_running_it_again_changes_nothing(
    shop: Path, command_line: CommandLine, env: dict[str, str], *, command: bool
) -> None:
    write(shop, env)
    if not command:
        (shop / "Makefile").unlink()
    done = command_line(shop, *MOVE, "--yes")
    assert done.code == 0, done.err
    assert not (shop / "docker-compose.yml").exists()
    for again in (
        MOVE,
        (
            "split",
            *SINGLY,
        ),
    ):
        done = command_line(shop, *again, "--check", "--engine", "none")
        assert done.code == 0, done.err
        assert "nothing to do" in done.err


def test_the_commands_stand_in_the_json(shop: Path, command_line: CommandLine) -> None:
    found = command_line(shop, *MOVE, "--dry-run", "--format", "json").document
    assert found["relocated"] == {"docker-compose.yml": "docker-compose/docker-compose.yml"}
    after = "docker compose -f docker-compose/docker-compose.yml"
    assert found["commands"] == [{"before": "docker compose", "after": after}]
    assert found["mentions"] == []
    assert found["proof"]["ok"] is True


def test_join_brings_the_former_bytes_back_and_undo_takes_that_back(
    shop: Path, command_line: CommandLine
) -> None:
    write(shop, {".env": "TAG=3\n"})
    before = tree(shop)
    assert command_line(shop, *MOVE, "--yes").code == 0
    divided = tree(shop)
    done = command_line(shop, "join", "--yes")
    assert done.code == 0, done.err
    assert "docker-compose/docker-compose.yml -> docker-compose.yml" in done.err
    assert tree(shop) == before
    assert command_line(shop, "undo", "--yes").code == 0
    assert tree(shop) == divided


def test_join_of_roots_that_hold_their_paths(shop: Path, command_line: CommandLine) -> None:
    assert command_line(shop, *MOVE, "--yes").code == 0
    done = command_line(shop, "join", "--yes")
    assert done.code == 0, done.err
    text = (shop / "docker-compose/docker-compose.yml").read_text()
    assert "name: shop\n" in text
    assert "- ../nginx:/etc/nginx/conf.d:ro\n" in text
    assert "include" not in text


def test_a_directory_that_is_a_file_is_refused(shop: Path, command_line: CommandLine) -> None:
    before = tree(shop)
    done = command_line(shop, "split", *SINGLY, "--move-roots", "Makefile", "--yes")
    assert done.code == 3
    assert "Makefile: exists, and is not a directory" in done.err
    assert tree(shop) == before


def test_a_command_that_cannot_follow_is_refused(shop: Path, command_line: CommandLine) -> None:
    text = '{"dockerComposeFile": "../docker-compose.yml", "service": "${SERVICE}"}'
    write(shop, {".env": "TAG=3\n", ".devcontainer/devcontainer.json": text})
    before = tree(shop)
    done = command_line(shop, *MOVE, "--yes")
    assert done.code == 3
    assert ".devcontainer/devcontainer.json:1" in done.err
    assert tree(shop) == before


def test_the_project_directory_has_to_be_given(shop: Path, command_line: CommandLine) -> None:
    before = tree(shop)
    done = command_line(shop.parent, *MOVE, "--yes")
    assert done.code == 2
    assert "composerefactor split shop --move-roots docker-compose" in done.err
    assert tree(shop) == before


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose/docker-compose.yml"])
def test_a_root_cannot_be_left_out(shop: Path, command_line: CommandLine, name: str) -> None:
    found = command_line(shop, *MOVE, "--dry-run", "--format", "json").document
    change = next(change["id"] for change in found["changes"] if change["path"] == name)
    done = command_line(shop, *MOVE, "--leave", change, "--yes")
    assert done.code == 2
    assert f"the change of {name} follows from those of other files" in done.err


def test_a_template_of_an_override_goes_along(shop: Path, command_line: CommandLine) -> None:
    template = "docker-compose.override.yml.example"
    write(shop, {template: "services:\n  web:\n    tty: true\n"})
    done = command_line(shop, *MOVE, "--yes")
    assert done.code == 0, done.err
    assert (shop / "docker-compose" / template).exists()
    assert command_line(shop, *MOVE, "--check").code == 0


def test_a_compose_file_that_others_extend_stays(shop: Path, command_line: CommandLine) -> None:
    extends = "    extends:\n      file: common.yml\n      service: base\n"
    common = "services:\n  base:\n    volumes: [./data:/data]\n"
    write(shop, {"common.yml": common, "docker-compose.yml": f"{THREE}{extends}"})
    done = command_line(shop, *MOVE, "--yes", "-v")
    assert done.code == 0, done.err
    assert "not moved, since other files or programs need them: common.yml" in done.err
    assert (shop / "common.yml").read_text() == common


def test_what_no_command_can_be_seen_to_miss_is_said(shop: Path, command_line: CommandLine) -> None:
    script = "#!/bin/sh\ndocker compose up -d\n"
    small = "services:\n  web:\n    image: nginx:${TAG:-1}\n"
    write(shop, {"scripts/up.sh": script, "docker-compose.yml": small})
    done = command_line(shop, *MOVE, "--dry-run", "-v")
    assert "run in the project directory now: scripts/up.sh:2" in done.err
    assert "docker-compose.yml has another project name and other paths" in done.err
