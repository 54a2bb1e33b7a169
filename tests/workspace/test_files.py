"""Listing and reading are bounded; what may not be written is refused by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from composerefactor.errors import InputError, RefusedError
from composerefactor.workspace import files as files_module
from composerefactor.workspace.files import ProjectFiles
from composerefactor.yaml.source import MAX_BYTES

Fill = Callable[[Path, Mapping[str, bytes]], None]
POSIX_USER = pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", int)() == 0, reason="permissions do not bind here"
)


def test_paths(project: Path, fill: Fill) -> None:
    wanted = ["Makefile", "a/.env", "a/b/c/d/e/last.yml", "compose.yaml"]
    skipped = [".git/config", "node_modules/x/compose.yml", "a/vendor/y.yml", "a/.venv/z"]
    fill(project, dict.fromkeys([*wanted, *skipped, "a/b/c/d/e/f/too-deep.yml"], b""))
    (project / "linked").symlink_to("a")
    (project / "link.yml").symlink_to("compose.yaml")
    (project / "dangling.yml").symlink_to("nowhere")
    os.mkfifo(project / "pipe")
    assert ProjectFiles(project).paths() == sorted([*wanted, "link.yml"])


def test_a_link_that_leads_to_itself_is_no_file(project: Path, fill: Fill) -> None:
    fill(project, {"docker-compose.yml": b"", "a/b": b""})
    for name in ("loop", "a/loop"):
        project.joinpath(name).symlink_to("loop")
    assert ProjectFiles(project).paths() == ["a/b", "docker-compose.yml"]


def test_paths_are_bounded(project: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(project, dict.fromkeys(["z1", "z2", "a/1", "a/2", "b/3"], b""))
    monkeypatch.setattr(files_module, "MAX_FILES", 4)
    assert ProjectFiles(project).paths() == ["a/1", "a/2", "z1", "z2"]


def test_names_that_are_no_utf8(project: Path) -> None:
    try:
        (project / os.fsdecode(b"\xff.yml")).write_bytes(b"")
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    assert ProjectFiles(project).paths() == []


@pytest.mark.parametrize(("name", "words"), [("none", "no such directory"), ("f", "not a direct")])
def test_root_that_is_no_directory(project: Path, name: str, words: str) -> None:
    (project / "f").write_bytes(b"")
    with pytest.raises(InputError, match=words):
        ProjectFiles(project / name)


def test_read(project: Path, fill: Fill) -> None:
    fill(project, {"compose.yaml": b"\xef\xbb\xbfname: x\r\n", "../outside.yml": b"y"})
    files = ProjectFiles(project)
    assert files.read_bytes("compose.yaml") == b"\xef\xbb\xbfname: x\r\n"
    assert files.text_of("compose.yaml") == "name: x\r\n"
    assert files.read_bytes("../outside.yml") == b"y"
    assert files.exists("compose.yaml")
    assert not files.exists("compose.yml")
    assert not files.exists("a\0b")
    assert not files.exists(".")


def test_read_errors(project: Path, fill: Fill) -> None:
    fill(project, {"dir/x": b"", "latin": b"\xe9", "large": b"x" * (MAX_BYTES + 1)})
    os.mkfifo(project / "pipe")
    files = ProjectFiles(project)
    for path, words in [
        ("none", "no such file"),
        ("dir", "a directory|not a regular"),
        ("dir/x/y", "Not a directory"),
        ("pipe", "not a regular file"),
        ("large", "larger than"),
        ("a\0b", "not a valid file name"),
        ("x" * 300, "too long"),
    ]:
        with pytest.raises(InputError, match=words) as caught:
            files.read_bytes(path)
        assert caught.value.location is not None
        assert caught.value.location.path == path
        assert files.text_of(path) is None
    assert files.text_of("latin") is None


def test_a_file_of_the_largest_size_is_read(project: Path, fill: Fill) -> None:
    fill(project, {"large": b"x" * MAX_BYTES})
    assert len(ProjectFiles(project).read_bytes("large")) == MAX_BYTES


@POSIX_USER
def test_unreadable(project: Path, fill: Fill) -> None:
    fill(project, {"x": b""})
    (project / "x").chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        ProjectFiles(project).read_bytes("x")


def test_writable(project: Path, fill: Fill) -> None:
    fill(project, {"compose.yaml": b"", "dir/x": b"", "docker-compose/.git": b""})
    files = ProjectFiles(project)
    for path in ["compose.yaml", "new.yml", "dir/x", "new/dir/x", "docker-compose/y"]:
        files.check_writable(path)


@pytest.mark.parametrize(
    ("path", "words", "named"),
    [
        ("../x", "outside", "../x"),
        ("/etc/passwd", "outside", "/etc/passwd"),
        ("dir/../../x", "outside", "dir/../../x"),
        ("", "outside", ""),
        (".git/config", ".git", ".git/config"),
        ("link", "symbolic link", "link"),
        ("dangling", "symbolic link", "dangling"),
        ("linked/sub/x", "symbolic link", "linked"),
        ("dir", "not a regular file", "dir"),
        ("pipe", "not a regular file", "pipe"),
        ("compose.yaml/x", "not a directory", "compose.yaml"),
    ],
)
def test_refused(project: Path, fill: Fill, path: str, words: str, named: str) -> None:
    fill(project, {"compose.yaml": b"", "dir/x": b""})
    (project / "link").symlink_to("compose.yaml")
    (project / "dangling").symlink_to("/nowhere")
    (project / "linked").symlink_to("dir")
    os.mkfifo(project / "pipe")
    with pytest.raises(RefusedError, match=words) as caught:
        ProjectFiles(project).check_writable(path)
    assert caught.value.location is not None
    assert caught.value.location.path == named


def test_a_root_behind_a_link_is_fine(project: Path, fill: Fill) -> None:
    fill(project, {"compose.yaml": b""})
    link = project.parent / "link"
    link.symlink_to(project)
    ProjectFiles(link).check_writable("compose.yaml")


@POSIX_USER
@pytest.mark.parametrize("path", ["dir/x", "dir/new", "dir/new/x"])
def test_directory_without_write_permission(project: Path, fill: Fill, path: str) -> None:
    fill(project, {"dir/x": b""})
    (project / "dir").chmod(0o555)
    with pytest.raises(RefusedError, match="not writable"):
        ProjectFiles(project).check_writable(path)
    (project / "dir").chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_where_a_link_leads(project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yml").write_text("services: {}\n")
    (project / "link.yml").symlink_to("compose.yaml")
    (project / "second.yml").symlink_to("link.yml")
    (project / "away.yml").symlink_to(tmp_path / "outside.yml")
    (project / "linked").symlink_to(".")
    files = ProjectFiles(project)
    assert files.link_target("compose.yaml") is None
    assert files.link_target("missing.yml") is None
    assert files.link_target("a\0b") is None
    assert files.link_target("second.yml") == "compose.yaml"
    assert files.link_target("linked/compose.yaml") == "compose.yaml"
    assert files.link_target("away.yml") == "../outside.yml"
