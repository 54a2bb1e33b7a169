"""Where the tool keeps its own files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from composerefactor.errors import RefusedError
from composerefactor.workspace.state import project_directory, project_lock, state_home


def test_own_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COMPOSEREFACTOR_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert state_home() == tmp_path


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="other places there")
def test_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COMPOSEREFACTOR_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_home() == tmp_path / "xdg/composerefactor"
    monkeypatch.setenv("XDG_STATE_HOME", "relative/does/not/count")
    assert state_home() == tmp_path / ".local/state/composerefactor"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert state_home() == tmp_path / ".local/state/composerefactor"


def test_projects_do_not_share_a_directory(tmp_path: Path) -> None:
    first, second = project_directory(tmp_path / "a/shop"), project_directory(tmp_path / "b/shop")
    assert first != second
    assert first.name.startswith("shop-")
    assert "/" not in project_directory(Path("/")).name


def test_a_name_with_strange_characters(tmp_path: Path) -> None:
    name = project_directory(tmp_path / ("ü x\n" + "y" * 200)).name
    assert name.isascii()
    assert len(name) < 60


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    (directory / "lock").write_text("99999999\n")
    with project_lock(directory), pytest.raises(RefusedError), project_lock(directory):
        pass
    with project_lock(directory):
        pass
