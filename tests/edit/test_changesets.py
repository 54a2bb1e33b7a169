"""A changeset is ordered, contains no no-ops, and has stable ids."""

from __future__ import annotations

import pytest

from composerefactor.edit.planned_files import Changeset, FileChange


def test_order_and_no_ops() -> None:
    changeset = Changeset(
        (
            FileChange("b.yml", b"1", b"2"),
            FileChange("same.yml", b"1", b"1"),
            FileChange("never.yml", None, None),
            FileChange("a/new.yml", None, b""),
            FileChange("c.yml", b"", None),
        )
    )
    assert [change.path for change in changeset.changes] == ["a/new.yml", "b.yml", "c.yml"]
    assert [change.path for change in changeset.created] == ["a/new.yml"]
    assert [change.path for change in changeset.changed] == ["b.yml"]
    assert [change.path for change in changeset.deleted] == ["c.yml"]
    assert changeset.as_mapping() == {"a/new.yml": b"", "b.yml": b"2", "c.yml": None}
    assert not changeset.is_empty
    assert Changeset((FileChange("same.yml", b"1", b"1"),)).is_empty


def test_id_depends_only_on_path_and_content() -> None:
    change = FileChange("a.yml", b"1", b"2")
    assert change.id == FileChange("a.yml", b"1", b"2").id
    others = [
        FileChange("b.yml", b"1", b"2"),
        FileChange("a.yml", b"12", b""),
        FileChange("a.yml", b"", b"2"),
        FileChange("a.yml", None, b"2"),
        FileChange("a.yml", b"1", None),
        FileChange("a.yml", b"1", b""),
    ]
    assert len({change.id, *(other.id for other in others)}) == len(others) + 1


def test_id_is_stable() -> None:
    assert FileChange("compose.yaml", None, b"services: {}\n").id == "c704f618"


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../a", "a/../b", "./a", "a//b", "a/", "a\0"])
def test_paths_that_are_not_below_the_root(path: str) -> None:
    with pytest.raises(ValueError, match="not a path below"):
        FileChange(path, None, b"")


@pytest.mark.parametrize(
    ("first", "second"),
    [("a", "a"), ("a", "a/b"), ("a/b/c", "a")],
)
def test_changes_that_contradict_each_other(first: str, second: str) -> None:
    with pytest.raises(ValueError, match=r"two changes|is a file in one"):
        Changeset((FileChange(first, None, b""), FileChange(second, b"", None)))


def test_content_is_not_in_the_representation() -> None:
    assert "secret" not in repr(FileChange("a.yml", b"secret", b"secret2"))
