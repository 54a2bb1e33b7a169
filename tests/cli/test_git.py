"""Projects in git: what it could not bring back, what it ignores, and patches for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.commandline import SINGLY, CommandLine, tree, write

Git = Callable[..., str]
UNPROVEN = ("--engine", "none", "--unproven")
# That the context is no path shows only where the variable has a value.
NOT_MOVABLE = """\
services:
  fetched:
    build: http${S:-s}://example.com/fetched.git
"""


def test_a_file_with_uncommitted_changes_is_refused(
    committed: Path, command_line: CommandLine
) -> None:
    path = committed / "docker-compose.yml"
    path.write_text(path.read_text() + "# edited\n")
    before = tree(committed)
    done = command_line(committed, "split", *SINGLY, "--yes", *UNPROVEN)
    assert done.code == 3
    assert "error  docker-compose.yml: " in done.err
    assert "git could not restore it" in done.err
    assert "--allow-dirty" in done.err
    assert tree(committed) == before
    allowed = command_line(committed, "split", *SINGLY, "--yes", "--allow-dirty", *UNPROVEN)
    assert allowed.code == 0
    assert tree(committed) != before


def test_what_can_refuse_does_so_before_the_proof(
    committed: Path, command_line: CommandLine
) -> None:
    path = committed / "docker-compose.yml"
    path.write_text(path.read_text() + "no_such_key: 1\n")  # Docker Compose rejects this
    done = command_line(committed, "split", *SINGLY, "--yes")
    assert done.code == 3
    assert "git could not restore it" in done.err


def test_a_second_split_before_the_commit_is_empty(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    """What the proof does not let move stays in a file that the first run changed."""
    path = committed / "docker-compose.yml"
    path.write_text(path.read_text().replace("services:\n", NOT_MOVABLE, 1))
    git(committed, "commit", "-qam", "a service that cannot move")
    first = command_line(committed, "split", *SINGLY, "--yes")
    assert first.code == 0, first.err
    assert "fetched:" in path.read_text()
    again = command_line(committed, "split", *SINGLY, "--yes")
    assert again.code == 0, again.err
    assert "nothing to do" in again.err
    path.write_text(path.read_text() + "# mine\n")
    edited = command_line(committed, "split", *SINGLY, "--yes")
    assert edited.code == 3, "without the proof, the plan is not empty"
    assert "git could not restore it" in edited.err


def test_other_uncommitted_changes_do_not_matter(
    committed: Path, command_line: CommandLine
) -> None:
    write(committed, {"notes.txt": "mine\n"})
    assert command_line(committed, "split", *SINGLY, "--yes", *UNPROVEN).code == 0


def test_an_untracked_base_is_refused(committed: Path, git: Git, command_line: CommandLine) -> None:
    git(committed, "rm", "-q", "--cached", "docker-compose.yml")
    done = command_line(committed, "split", *SINGLY, "--yes", *UNPROVEN)
    assert done.code == 3
    assert "git could not restore it" in done.err


def test_ignored_new_files_are_refused(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    write(committed, {".gitignore": "*.log\ndocker-compose/\n"})
    before = tree(committed)
    for option in ("--yes", "--dry-run"):
        done = command_line(committed, "split", *SINGLY, option, *UNPROVEN)
        assert done.code == 3
        assert "docker-compose/infrastructure/docker-compose." in done.err
        assert ".gitignore:2:docker-compose/" in done.err
        assert "--into" in done.err
        assert tree(committed) == before


def test_a_directory_that_git_ignores_is_called_otherwise(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    write(committed, {".gitignore": "**/services/\n"})
    done = command_line(committed, "split", *SINGLY, "--yes", *UNPROVEN)
    assert done.code == 0
    assert (committed / "docker-compose/services-modules").is_dir()
    assert not (committed / "docker-compose/services").exists()


def test_an_ignored_base_stays_whole(committed: Path, git: Git, command_line: CommandLine) -> None:
    git(committed, "rm", "-q", "--cached", "docker-compose.yml")
    write(committed, {".gitignore": "docker-compose.yml\n"})
    done = command_line(committed, "split", *SINGLY, "--yes", *UNPROVEN)
    assert (done.code, done.out) == (0, b"")
    assert "nothing to do" in done.err
    assert "git ignores it (.gitignore:1:docker-compose.yml)" in done.err


def test_git_apply_of_the_dry_run_equals_the_run(
    shop: Path, git: Git, command_line: CommandLine
) -> None:
    """The project is a subdirectory; the patch is applied at the top level."""
    top = shop.parent
    git(top, "init", "-q")
    (shop / "docker-compose.yml").chmod(0o755)
    write(shop, {"docker-compose.override.yml": b"services:\r\n  api:\r\n    tty: true"})
    git(top, "add", "-A")
    git(top, "commit", "-qm", "start")
    preview = command_line(top, "split", *SINGLY, "shop", "--dry-run")
    assert preview.code == 0, preview.err
    copy = top.parent / "copy"
    shutil.copytree(top, copy)
    (copy / "split.patch").write_bytes(preview.out)
    git(copy, "apply", "split.patch")
    (copy / "split.patch").unlink()
    run = command_line(top, "split", *SINGLY, "shop", "--yes")
    assert run.code == 0, run.err
    assert tree(copy) == tree(top)
    assert git(copy, "diff", "--summary") == git(top, "diff", "--summary") == ""


def test_without_git(shop: Path, command_line: CommandLine) -> None:
    before = tree(shop)
    assert command_line(shop, "split", *SINGLY, "--yes", *UNPROVEN).code == 0
    assert command_line(shop, "undo", "--yes").code == 0
    assert tree(shop) == before


def test_files_that_a_partial_clone_lacks_are_not_taken_for_empty(
    committed: Path, tmp_path: Path, git: Git, command_line: CommandLine
) -> None:
    write(committed, {"app.env": "A=1\n"})
    edited = (committed / "docker-compose.yml").read_text() + "    env_file: app.env\n"
    write(committed, {"docker-compose.yml": edited})
    git(committed, "add", "-A")
    git(committed, "commit", "-qm", "env")
    write(committed, {"app.env": "A=2\n"})
    git(committed, "commit", "-qam", "changed")
    git(committed, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", committed.as_uri(), "partial")
    for command in (("diff", "HEAD~1"), ("verify", "HEAD~1"), ("diff", "HEAD~2")):
        done = command_line(tmp_path / "partial", *command)
        assert done.code == 3, done.err
        assert "this partial clone has not fetched " in done.err
    git(tmp_path / "partial", "archive", "HEAD~1", "-o", "../x.tar")
    done = command_line(tmp_path / "partial", "diff", "HEAD~1")
    assert (done.code, "environment: A 1 -> 2" in done.out.decode()) == (0, True), done


def test_a_partial_clone_that_lacks_the_compose_file_but_not_its_override(
    committed: Path, tmp_path: Path, git: Git, command_line: CommandLine
) -> None:
    write(committed, {"docker-compose.override.yml": "services: {web: {image: nginx:1.27}}\n"})
    git(committed, "add", "-A")
    git(committed, "commit", "-qm", "override")
    write(committed, {"docker-compose.yml": "services: {web: {image: nginx:1.28}}\n"})
    git(committed, "commit", "-qam", "changed")
    git(committed, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", committed.as_uri(), "partial")
    done = command_line(tmp_path / "partial", "diff", "HEAD~1")
    assert done.code == 3, done.out
    assert "this partial clone has not fetched docker-compose.yml" in done.err


LIBRARY = {
    "compose.yml": """\
version: "3"
services:
  mail:
    image: axllent/mailpit:v1.20
  store:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: gNv81xq0Zk}
""",
    "base.yml": "services:\n  node:\n    image: node:22\n    command: node server.js\n",
    "context/Dockerfile": "FROM node:22\nCOPY . .\n",
}
USER = """\
include: [lib/compose.yml]
services:
  api:
    image: node:22
    command: node api.js
    environment: {DATABASE_URL: "postgres://postgres:gNv81xq0Zk@store/postgres"}
  worker:
    extends: {file: lib/base.yml, service: node}
  built:
    build: lib/context
"""
OWN_REPOSITORY = "lib is a git repository of its own: run composerefactor there"


@pytest.fixture
def with_submodule(tmp_path: Path, git: Git) -> Path:
    """A project that uses the files of the submodule ``lib``, and repeats a password of it."""
    library = write(tmp_path / "library", LIBRARY)
    user = write(tmp_path / "user", {"compose.yml": USER})
    for directory in (library, user):
        git(directory, "init", "-q")
        git(directory, "add", "-A")
        git(directory, "commit", "-qm", "start")
    local = ("-c", "protocol.file.allow=always")
    git(user, *local, "submodule", "--quiet", "add", library.as_uri(), "lib")
    git(user, "commit", "-qm", "lib")
    return user


@pytest.mark.parametrize(
    ("command", "named_and_changed"),
    [
        (("split", *SINGLY), (False, True)),
        (("split", *SINGLY, "-f", "lib/compose.yml"), (True, False)),
        (("fix", "--unsafe"), (True, True)),
        (("fix", "--select", "add-dockerignore"), (True, False)),
        (("join",), (True, False)),
    ],
)
def test_the_files_of_a_submodule_stay_as_they_are(
    with_submodule: Path,
    command: tuple[str, ...],
    named_and_changed: tuple[bool, bool],
    command_line: CommandLine,
) -> None:
    lib = with_submodule / "lib"
    before, user = tree(lib), tree(with_submodule)
    done = command_line(with_submodule, *command, "--yes", *UNPROVEN)
    assert done.code == 0, done.err
    assert tree(lib) == before
    is_changed = tree(with_submodule) != user
    assert (OWN_REPOSITORY in done.err, is_changed) == named_and_changed
    if command == ("fix", "--unsafe"):  # what a service inherits from there is set here
        assert "service: node}\n    restart:" in (with_submodule / "compose.yml").read_text()


def test_no_file_is_created_in_a_submodule(with_submodule: Path, command_line: CommandLine) -> None:
    before = tree(with_submodule)
    done = command_line(with_submodule, "split", *SINGLY, "--into", "lib/parts", "--yes", *UNPROVEN)
    assert done.code == 3
    assert "lib is a git repository of its own" in done.err
    assert tree(with_submodule) == before


def test_a_project_in_a_submodule_is_changed_from_there_only(
    with_submodule: Path, command_line: CommandLine
) -> None:
    (with_submodule / "compose.yml").unlink()
    before = tree(with_submodule)
    above = command_line(with_submodule, "fix", "--yes", *UNPROVEN)
    assert (above.code, OWN_REPOSITORY in above.err) == (0, True), above.err
    assert tree(with_submodule) == before
    there = command_line(with_submodule / "lib", "fix", "--yes", *UNPROVEN)
    assert (there.code, OWN_REPOSITORY in there.err) == (0, False), there.err
    assert tree(with_submodule) != before
