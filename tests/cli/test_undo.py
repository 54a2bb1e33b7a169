"""``undo``."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.commandline import SINGLY, CommandLine, tree, write

SPLIT = ("split", *SINGLY, "--yes", "--engine", "none", "--unproven")


@pytest.fixture
def before(shop: Path) -> dict[str, bytes]:
    return tree(shop)


@pytest.fixture
def divided(shop: Path, before: dict[str, bytes], command_line: CommandLine) -> Path:
    assert command_line(shop, *SPLIT).code == 0
    return shop


def test_undo(divided: Path, before: dict[str, bytes], command_line: CommandLine) -> None:
    done = command_line(divided, "undo", "--yes")
    assert (done.code, done.out) == (0, b"")
    assert "reverted 4 files" in done.err
    assert tree(divided) == before
    assert not (divided / "docker-compose").exists()


def test_nothing_to_take_back(shop: Path, command_line: CommandLine) -> None:
    done = command_line(shop, "undo", "--yes")
    assert (done.code, done.out) == (3, b"")
    assert "error" in done.err


def test_without_a_terminal(divided: Path, command_line: CommandLine) -> None:
    after = tree(divided)
    done = command_line(divided, "undo")
    assert done.code == 2
    assert "--yes" in done.err
    assert tree(divided) == after


def test_a_file_that_was_edited_since(
    divided: Path, before: dict[str, bytes], command_line: CommandLine
) -> None:
    path = "docker-compose/services/docker-compose.api.yml"
    write(divided, {path: (divided / path).read_bytes() + b"    tty: true\n"})
    after = tree(divided)
    done = command_line(divided, "undo", "--yes")
    assert done.code == 3
    assert path in done.err
    assert "--force" in done.err
    assert tree(divided) == after
    forced = command_line(divided, "undo", "--yes", "--force")
    assert forced.code == 0
    assert tree(divided) == before


def test_quiet(divided: Path, command_line: CommandLine) -> None:
    assert command_line(divided, "undo", "--yes", "-q").err == ""


def test_a_run_on_a_file_below(tmp_path: Path, shop: Path, command_line: CommandLine) -> None:
    before = tree(shop)
    done = command_line(tmp_path, *SPLIT, "-f", "shop/docker-compose.yml")
    assert done.code == 0, done.err
    assert tree(shop) != before
    undone = command_line(tmp_path, "undo", "--yes")
    assert undone.code == 0, undone.err
    assert tree(shop) == before


def test_a_run_with_a_named_file(shop: Path, command_line: CommandLine) -> None:
    (shop / "docker-compose.yml").rename(shop / "stack.yml")
    before = tree(shop)
    assert command_line(shop, *SPLIT, "-f", "stack.yml").code == 0
    undone = command_line(shop, "undo", "--yes")
    assert undone.code == 0, undone.err
    assert tree(shop) == before
