"""Credentials never reach git, nor any output but the patch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.commandline import CommandLine, tree, write

Git = Callable[..., str]
SECRET = "zq81-unlikely"
TEXT = f"""\
services:
  db:
    image: postgres:16
    environment:
      POSTGRES_PASSWORD: {SECRET}
"""
MOVE = ("fix", "--unsafe", "--select", "move-secrets")


def project(tmp_path: Path, git: Git, more: dict[str, str]) -> Path:
    root = write(tmp_path / "shop", {"compose.yaml": TEXT, **more})
    git(root, "init", "-q")
    git(root, "add", "-A", "-f")
    git(root, "commit", "-qm", "start")
    return root


def test_an_ignored_env_file_is_written(
    tmp_path: Path, git: Git, command_line: CommandLine
) -> None:
    root = project(tmp_path, git, {".gitignore": ".env\n"})
    done = command_line(root, *MOVE, "--yes")
    assert done.code == 0, done.err
    assert (root / ".env").read_text() == f"POSTGRES_PASSWORD={SECRET}\n"
    assert SECRET not in done.err
    assert ".env\n" not in git(root, "status", "--short", "--untracked-files=all")
    again = command_line(root, *MOVE, "--check")
    assert again.code == 0, again.err


def test_an_env_file_of_others_grows_though_git_does_not_know_it(
    tmp_path: Path, git: Git, command_line: CommandLine
) -> None:
    root = project(tmp_path, git, {".gitignore": ".env\n"})
    write(root, {".env": "A=1\n"})
    done = command_line(root, *MOVE, "--yes")
    assert done.code == 0, done.err
    assert (root / ".env").read_text() == f"A=1\nPOSTGRES_PASSWORD={SECRET}\n"


def test_git_learns_to_ignore_the_env_file(
    tmp_path: Path, git: Git, command_line: CommandLine
) -> None:
    root = project(tmp_path, git, {})
    assert command_line(root, *MOVE, "--yes").code == 0
    assert (root / ".gitignore").read_text() == ".env\n"
    assert git(root, "check-ignore", ".env") == ".env\n"


def test_a_committed_env_file_gets_no_secret(
    tmp_path: Path, git: Git, command_line: CommandLine
) -> None:
    root = project(tmp_path, git, {".env": "A=1\n"})
    before = tree(root)
    done = command_line(root, *MOVE, "--yes")
    assert done.code == 0
    assert ".env is tracked by git" in done.err
    assert "git rm --cached .env" in done.err
    assert tree(root) == before


def test_a_new_service_writes_no_secret_to_a_committed_env_file(
    tmp_path: Path, git: Git, command_line: CommandLine
) -> None:
    text = (
        "services:\n  api:\n    image: shop/api\n    depends_on: [db]\n    environment:\n"
        f"      DATABASE_URL: postgresql://shop:{SECRET}@db:5432/shop\n"
    )
    root = project(tmp_path, git, {"compose.yaml": text, ".env": "A=1\n"})
    before = tree(root)
    add = ("fix", "--select", "add-missing-services", "--yes")
    done = command_line(root, *add)
    assert ".env is tracked by git" in done.err
    assert tree(root) == before
    git(root, "rm", "-q", "--cached", ".env")
    assert command_line(root, *add).code == 0
    assert SECRET in (root / ".env").read_text()


def test_it_is_asked_for(tmp_path: Path, git: Git, command_line: CommandLine) -> None:
    root = project(tmp_path, git, {})
    done = command_line(root, "fix", "--select", "move-secrets", "--check")
    assert done.code == 0, done.err
    assert "available with --unsafe: 1 change: move-secrets 1" in done.err


def test_no_format_but_the_patch_shows_a_value(
    tmp_path: Path, git: Git, command_line: CommandLine
) -> None:
    root = project(tmp_path, git, {})
    done = command_line(root, *MOVE, "--check", "--format", "json", "-v")
    assert done.code == 1
    assert SECRET not in done.err + done.out.decode()
