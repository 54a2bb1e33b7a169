"""No git command, and no search for a program, starts a program of the project."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from composerefactor.proof.engine import find_engine
from composerefactor.workspace.git import export, find_repository
from support.commandline import CommandLine, write

Git = Callable[..., str]

COMPOSE = "services:\n  a:\n    image: x:1\n  b:\n    image: x:2\n"
FILTERS = ("plain", "a=b")
SETTINGS = """
[core]
    fsmonitor = {0}
    hooksPath = {hooks}
    pager = {0}
    editor = {0}
    sshCommand = {0}
    gitProxy = {0}
    askPass = {0}
    alternateRefsCommand = {0}
[pager]
    log = {0}
    status = {0}
[diff]
    external = {0}
[diff "x"]
    command = {0}
    textconv = {0}
[merge "x"]
    driver = {0}
[gpg]
    program = {0}
[gpg "ssh"]
    program = {0}
    defaultKeyCommand = {0}
[log]
    showSignature = true
[credential]
    helper = {0}
[status]
    submoduleSummary = true
[alias]
    log = !{0}
    status = !{0}
[uploadpack]
    packObjectsHook = {0}
[remote "origin"]
    url = ext::{0}
    uploadpack = {0}
    promisor = true
    partialclonefilter = blob:none
[extensions]
    partialClone = origin
"""
HOOKS = ("post-index-change", "fsmonitor-watchman", "reference-transaction", "pre-commit")


@pytest.fixture
def hostile(tmp_path: Path, git: Git) -> Path:
    """A repository in which every setting starts a program that creates the file ``RAN``."""
    root = write(tmp_path / "shop", {"compose.yaml": COMPOSE, "lib.yaml": COMPOSE})
    write(root, {".gitattributes": "compose.yaml diff=x filter=a=b\nlib.yaml filter=plain\n"})
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    commit = git(root, "cat-file", "commit", "HEAD")
    head, _, message = commit.partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    write(root, {".git/signed": f"{head}\n{signature}\n\n{message}"})
    signed = git(root, "hash-object", "-t", "commit", "-w", ".git/signed").strip()
    git(root, "update-ref", "HEAD", signed)
    program = root / "run"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/RAN\ncat\n")
    program.chmod(0o755)
    for name in HOOKS:
        write(root, {f".git/evil/{name}": program.read_bytes()})
        (root / ".git/evil" / name).chmod(0o755)
    filters = "".join(
        f'[filter "{name}"]\n clean = {program}\n smudge = {program}\n process = {program}\n'
        " required = true\n"
        for name in FILTERS
    )
    with (root / ".git/config").open("a") as config:
        config.write(SETTINGS.format(program, hooks=root / ".git/evil") + filters)
    (root / "compose.yaml").write_text(COMPOSE)  # git compares the content of a newer file
    os.utime(root / "lib.yaml", (1, 1))
    return root


def test_no_command_starts_a_program(
    hostile: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    repository = find_repository(hostile)
    assert repository is not None
    assert set(repository.dirty(["compose.yaml", "lib.yaml", "run"])) == {"run"}
    assert [content for _, content in repository.earlier("compose.yaml", 5)] == [COMPOSE.encode()]
    assert not repository.is_ignored(["compose.yaml"])
    assert repository.is_tracked("compose.yaml")
    export(repository, "HEAD", tmp_path / "export")
    for command in (("split", "--check"), ("fix", "--unsafe", "--yes"), ("join", "--check")):
        assert command_line(hostile, *command).code in {0, 1, 3}
    assert command_line(hostile, "diff", "HEAD").code == 0
    assert command_line(hostile, "analyze", "--full").code == 0
    assert not (tmp_path / "RAN").exists()


def test_the_repository_would_start_it(hostile: Path, tmp_path: Path, git: Git) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        git(hostile, "status")  # the program is no filter
    assert (tmp_path / "RAN").exists()


def test_a_bare_repository_in_the_project_is_not_read(hostile: Path, git: Git) -> None:
    git(hostile, "init", "-q", "--bare", "inner")
    assert find_repository(hostile / "inner") is None


@pytest.mark.parametrize("entry", [".", "", "bin"])
def test_no_program_of_a_relative_directory(
    entry: str, tmp_path: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("git", "docker", "docker-compose"):
        for place in (name, f"bin/{name}"):
            write(tmp_path, {place: f"#!/bin/sh\ntouch {tmp_path}/RAN\necho v9.9.9\n"})
            (tmp_path / place).chmod(0o755)
    write(tmp_path, {".git/HEAD": "ref: refs/heads/main\n"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([entry, str(engine.parent), "/usr/bin", "/bin"]))
    assert find_engine("auto").version != "9.9.9"
    find_repository(tmp_path)
    assert not (tmp_path / "RAN").exists()
