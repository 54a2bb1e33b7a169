"""The staged copy: complete, private, the same path before and after, removed at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composerefactor.errors import RefusedError
from composerefactor.proof.staging import StagedCopy


def tree(root: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


def test_places_are_kept(project: Callable[..., Path], tmp_path: Path) -> None:
    root = project({"compose.yaml": "a", "x/y.env": "b", "other": "no", "../up.env": "c"})
    with StagedCopy(root, ["compose.yaml", "x/y.env", "../up.env", "missing"]) as stage:
        assert stage.path.name == "shop"
        assert tree(stage.base) == {
            "shop": None,
            "shop/compose.yaml": b"a",
            "shop/x": None,
            "shop/x/y.env": b"b",
            "up.env": b"c",
        }
        assert stage.base.parent.stat().st_mode & 0o777 == 0o700
        kept = stage.base.parent
    assert not kept.exists()


def test_two_levels_up_keep_the_names_between(project: Callable[..., Path]) -> None:
    root = project({"deep/er/compose.yaml": "a", "top.env": "b"})
    with StagedCopy(root / "deep/er", ["compose.yaml", "../../top.env"]) as stage:
        assert stage.path.relative_to(stage.base) == Path("deep/er")
        assert stage.place("../../top.env").read_text() == "b"
        assert stage.hide(str(stage.place("../../top.env"))) == str(root / "top.env")
        assert stage.hide(f"open {stage.path}/x.env") == "open x.env"
        assert stage.relative(str(stage.place("../../top.env"))) == "../../top.env"
        assert stage.relative("../../top.env") == "../../top.env"
        assert stage.relative(str(stage.home / "x.env")) == "~/x.env"


def test_apply_and_reset(project: Callable[..., Path]) -> None:
    root = project({"a": "1", "d/b": "2"})
    with StagedCopy(root, ["a", "d/b"]) as stage:
        before = tree(stage.base)
        stage.apply({"a": b"changed", "d/b": None, "new/deep/c": b"3"})
        assert tree(stage.path) == {
            "a": b"changed",
            "new": None,
            "new/deep": None,
            "new/deep/c": b"3",
        }
        stage.apply({"a": None})
        assert tree(stage.path) == {"d": None, "d/b": b"2"}
        stage.reset()
        assert tree(stage.base) == before
    assert (root / "a").read_text() == "1"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "d/b", "d/c", "n/e/w", "n/f", "../u"]),
            st.none() | st.binary(max_size=3),
        ),
        max_size=4,
    )
)
def test_any_changes_are_reset(
    project: Callable[..., Path], changes: list[dict[str, bytes | None]]
) -> None:
    root = project({"a": "1", "d/b": "2", "../u": "3"})
    with StagedCopy(root, ["a", "d/b", "empty", "../u"]) as stage:
        before = tree(stage.base)
        for each in changes:
            stage.apply(each)
        stage.reset()
        assert tree(stage.base) == before


def test_links_are_copied_as_content(project: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    root = project({"real/x": "1"})
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "dir").symlink_to(root / "real")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    with StagedCopy(root, ["link", "dir/x", "loop", "pipe", "real"]) as stage:
        assert tree(stage.path) == {
            "link": b"s",
            "dir": None,
            "dir/x": b"1",
            "real": None,
        }
        assert not any(path.is_symlink() for path in stage.base.rglob("*"))
        stage.apply({"link": b"changed"})
    assert (tmp_path / "secret").read_text() == "s"


def test_supply_only_inside(project: Callable[..., Path], tmp_path: Path) -> None:
    with StagedCopy(project({"a": "1"}), ["a"]) as stage:
        assert stage.supply("conf/x.env")
        assert stage.supply(stage.path / "y.env")
        assert stage.supply(stage.home / "z.env")
        assert not stage.supply(tmp_path / "outside.env")
        assert not stage.supply("../../../outside.env")
        stage.apply({"a": b"2"})
        assert (stage.path / "conf/x.env").read_bytes() == b""
    assert not (tmp_path / "outside.env").exists()


@pytest.mark.parametrize("path", ["../../x", "/etc/passwd", "a/../../../../x"])
def test_changes_stay_inside(project: Callable[..., Path], path: str) -> None:
    with StagedCopy(project({"a": "1"}), ["a"]) as stage, pytest.raises(RefusedError):
        stage.apply({path: b""})


def test_a_path_above_everything(project: Callable[..., Path]) -> None:
    with pytest.raises(RefusedError, match="leads above"):
        StagedCopy(project({"a": "1"}), ["../" * 50 + "x"])
