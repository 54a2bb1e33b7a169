"""All files of a changeset are written, or none."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import RefusedError
from composerefactor.workspace.apply import apply
from composerefactor.workspace.journal import project_lock
from composerefactor.workspace.undo import last_run, undo

Fill = Callable[[Path, Mapping[str, bytes]], None]
Tree = Callable[[Path], dict[str, tuple[int, bytes | None]]]

CHANGESET = Changeset(
    (
        FileChange("compose.yaml", b"old\r\n", b"new\n"),
        FileChange("docker-compose/services/api.yml", None, b"api\n"),
        FileChange("parts/one.yml", b"1", None),
        FileChange("parts/deep/two.yml", b"2", None),
    )
)
BEFORE = {"compose.yaml": b"old\r\n", "parts/one.yml": b"1", "parts/deep/two.yml": b"2", "x": b""}


@pytest.fixture
def shop(project: Path, fill: Fill) -> Path:
    """A project as CHANGESET has it before, with modes that are not the usual ones."""
    fill(project, BEFORE)
    (project / "compose.yaml").chmod(0o755)
    (project / "parts/one.yml").chmod(0o640)
    (project / "parts/deep").chmod(0o711)
    return project


def test_apply_and_undo(shop: Path, tree: Tree) -> None:
    before = tree(shop)
    assert apply(shop, CHANGESET, "split") == 1
    after = tree(shop)
    assert {name: content for name, (_, content) in after.items()} == {
        "compose.yaml": b"new\n",
        "docker-compose": None,
        "docker-compose/services": None,
        "docker-compose/services/api.yml": b"api\n",
        "x": b"",
    }
    assert after["compose.yaml"][0] == 0o755
    summary = last_run(shop)
    assert summary is not None
    assert (summary.run, summary.label, len(summary.paths)) == (1, "split", 4)
    assert undo(shop) == [change.path for change in CHANGESET.changes]
    assert tree(shop) == before
    assert last_run(shop) is None


def test_new_files_have_the_mode_of_any_new_file(shop: Path) -> None:
    for umask, mode in ((0o022, 0o644), (0o002, 0o664), (0o077, 0o600)):
        previous = os.umask(umask)
        try:
            apply(shop, CHANGESET, "split")
        finally:
            os.umask(previous)
        path = shop / "docker-compose/services/api.yml"
        assert stat.S_IMODE(path.stat().st_mode) == mode
        undo(shop)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_the_owner_stays(shop: Path) -> None:
    os.chown(shop / "compose.yaml", 1234, 2345)
    os.chown(shop / "parts/one.yml", 1234, -1)
    apply(shop, CHANGESET, "split")
    status = (shop / "compose.yaml").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o755)
    undo(shop)
    assert (shop / "compose.yaml").stat().st_gid == 2345
    assert (shop / "parts/one.yml").stat().st_uid == 1234


def test_runs_stack(shop: Path, tree: Tree) -> None:
    trees = [tree(shop)]
    for run in range(1, 4):
        change = FileChange("x", b"%d" % (run - 1) if run > 1 else b"", b"%d" % run)
        assert apply(shop, Changeset((change,)), f"fix {run}") == run
        trees.append(tree(shop))
    while trees[1:]:
        assert tree(shop) == trees.pop()
        assert undo(shop) == ["x"]
    assert tree(shop) == trees[0]
    with pytest.raises(RefusedError, match="nothing to undo"):
        undo(shop)


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("compose.yaml", b"edited", "has changed since"),
        ("compose.yaml", None, "has changed since"),
        ("parts/deep/two.yml", b"", "has changed since"),
        ("docker-compose/services/api.yml", b"", "already exists"),
        ("docker-compose", b"", "not a directory"),
    ],
)
def test_files_that_are_not_as_before(
    shop: Path, fill: Fill, tree: Tree, path: str, content: bytes | None, words: str
) -> None:
    if content is None:
        (shop / path).unlink()
    else:
        fill(shop, {path: content})
    was = tree(shop)
    with pytest.raises(RefusedError, match=words) as caught:
        apply(shop, CHANGESET, "split")
    assert caught.value.location is not None
    assert caught.value.location.path == path
    assert tree(shop) == was
    assert last_run(shop) is None


def test_links_are_not_written_through(shop: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (shop / "docker-compose").symlink_to(outside)
    with pytest.raises(RefusedError, match="symbolic link"):
        apply(shop, CHANGESET, "split")
    assert list(outside.iterdir()) == []


def test_temporary_files_are_never_more_open_than_the_file(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "compose.yaml").chmod(0o600)
    chmod = os.chmod
    modes: list[int] = []

    def recording(path: Path, mode: int, **options: bool) -> None:
        modes.append(stat.S_IMODE(path.stat().st_mode))
        chmod(path, mode, **options)

    monkeypatch.setattr(os, "chmod", recording)
    apply(shop, CHANGESET, "split")
    assert set(modes) == {0o600}


def test_a_disk_that_fails_half_way(
    shop: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = tree(shop)
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == "api.yml":
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RefusedError, match="No space left on device"):
        apply(shop, CHANGESET, "split")
    assert tree(shop) == was
    assert last_run(shop) is None


def test_an_interrupted_run(shop: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    was = tree(shop)
    rmdir = os.rmdir

    def interrupted(path: Path) -> None:
        monkeypatch.setattr(os, "rmdir", rmdir)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rmdir", interrupted)
    with pytest.raises(KeyboardInterrupt):
        apply(shop, CHANGESET, "split")
    assert tree(shop) == was


def test_nothing_to_apply(shop: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        apply(shop, Changeset(), "split")


def test_two_runs_at_once(shop: Path, state_directory: Path) -> None:
    apply(shop, CHANGESET, "split")
    (directory,) = state_directory.iterdir()
    with project_lock(directory):
        for attempt in (lambda: undo(shop), lambda: apply(shop, CHANGESET, "split")):
            with pytest.raises(RefusedError, match=f"another run .*process {os.getpid()}"):
                attempt()
    assert len(undo(shop)) == 4


def test_files_put_into_a_directory_meanwhile_stay(shop: Path, fill: Fill) -> None:
    apply(shop, CHANGESET, "split")
    fill(shop, {"docker-compose/services/mine.yml": b"mine"})
    undo(shop)
    assert [path.name for path in (shop / "docker-compose/services").iterdir()] == ["mine.yml"]


def test_a_directory_with_other_files_stays(shop: Path, fill: Fill) -> None:
    fill(shop, {"parts/other.txt": b""})
    apply(shop, CHANGESET, "split")
    assert [path.name for path in (shop / "parts").iterdir()] == ["other.txt"]
