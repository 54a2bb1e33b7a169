"""What `undo` restores, and what it does not touch."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import InputError, RefusedError
from composerefactor.workspace.apply import apply
from composerefactor.workspace.undo import last_run, undo

Fill = Callable[[Path, Mapping[str, bytes]], None]
Tree = Callable[[Path], dict[str, tuple[int, bytes | None]]]

CHANGESET = Changeset(
    (
        FileChange("compose.yaml", b"old", b"new"),
        FileChange("docker-compose/api.yml", None, b"api"),
        FileChange("gone.yml", b"gone", None),
    )
)


@pytest.fixture
def shop(project: Path, fill: Fill) -> Path:
    """A project to which CHANGESET has been applied."""
    fill(project, {"compose.yaml": b"old", "gone.yml": b"gone"})
    apply(project, CHANGESET, "split")
    return project


def test_nothing_to_undo(project: Path, state_directory: Path) -> None:
    assert last_run(project) is None
    with pytest.raises(RefusedError, match="nothing to undo"):
        undo(project)
    assert not state_directory.exists()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("compose.yaml", b"edited"),
        ("compose.yaml", None),
        ("docker-compose/api.yml", b"edited"),
        ("gone.yml", b"back, but otherwise"),
    ],
)
def test_edited_files_are_named(
    shop: Path, fill: Fill, tree: Tree, path: str, content: bytes | None
) -> None:
    if content is None:
        (shop / path).unlink()
    else:
        fill(shop, {path: content})
    was = tree(shop)
    with pytest.raises(RefusedError, match="edited after the run `split`") as caught:
        undo(shop)
    assert caught.value.location is not None
    assert caught.value.location.path == path
    assert "--force" in caught.value.remedy
    assert tree(shop) == was
    undo(shop, force=True)
    assert {name: content for name, (_, content) in tree(shop).items()} == {
        "compose.yaml": b"old",
        "gone.yml": b"gone",
    }


def test_several_edited_files(shop: Path, fill: Fill) -> None:
    fill(shop, {"compose.yaml": b"1", "gone.yml": b"2"})
    with pytest.raises(RefusedError, match=r"1 more: gone\.yml"):
        undo(shop)


def test_unrelated_edits_do_not_matter(shop: Path, fill: Fill) -> None:
    fill(shop, {"README.md": b"new", "docker-compose/notes.txt": b"mine"})
    assert len(undo(shop)) == 3
    assert (shop / "docker-compose/notes.txt").read_bytes() == b"mine"


def test_files_that_are_back_already(shop: Path, fill: Fill) -> None:
    fill(shop, {"compose.yaml": b"old"})
    assert undo(shop) == ["docker-compose/api.yml", "gone.yml"]


def test_directories_that_are_gone(shop: Path) -> None:
    (shop / "docker-compose/api.yml").unlink()
    (shop / "docker-compose").rmdir()
    assert undo(shop) == ["compose.yaml", "gone.yml"]


def test_a_mode_that_was_changed_since_stays(shop: Path) -> None:
    (shop / "compose.yaml").chmod(0o600)
    undo(shop)
    assert stat.S_IMODE((shop / "compose.yaml").stat().st_mode) == 0o600


def test_links_are_not_written_through_even_by_force(shop: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"not ours")
    (shop / "compose.yaml").unlink()
    (shop / "compose.yaml").symlink_to(outside)
    with pytest.raises(RefusedError, match="symbolic link"):
        undo(shop, force=True)
    assert outside.read_bytes() == b"not ours"


def test_a_full_disk_gets_no_fuller(
    shop: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = tree(shop)

    def full(path: Path, content: bytes, new_attributes: object) -> None:
        path.write_bytes(content[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("composerefactor.workspace.undo.write_new", full)
        with pytest.raises(RefusedError, match="cannot be undone: No space left on device"):
            undo(shop)
    assert tree(shop) == was
    assert len(undo(shop)) == 3


def test_the_project_under_another_name(shop: Path) -> None:
    link = shop.parent / "link"
    link.symlink_to(shop)
    assert len(undo(link)) == 3


def test_the_record_is_private(shop: Path, state_directory: Path) -> None:
    (directory,) = state_directory.iterdir()
    assert directory.name.startswith("shop-")
    assert sorted(path.name for path in directory.iterdir()) == ["0001.applied.json", "lock"]
    if os.name != "nt":
        for path in (state_directory, directory):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for path in directory.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    undo(shop)
    assert [path.name for path in directory.iterdir()] == ["lock"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": 99}', b"\xff"])
def test_a_damaged_record(shop: Path, state_directory: Path, content: bytes) -> None:
    (directory,) = state_directory.iterdir()
    (directory / "0001.applied.json").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        undo(shop)


def test_a_state_directory_that_cannot_be_written(
    project: Path, fill: Fill, tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(project, {"compose.yaml": b"old", "gone.yml": b"gone"})
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("COMPOSEREFACTOR_STATE_HOME", str(tmp_path / "file/state"))
    was = tree(project)
    with pytest.raises(RefusedError, match="cannot write the undo record") as caught:
        apply(project, CHANGESET, "split")
    assert "COMPOSEREFACTOR_STATE_HOME" in caught.value.remedy
    assert tree(project) == was
