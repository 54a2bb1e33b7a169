"""The state directory, its lock, and the form of a journal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from composerefactor.errors import RefusedError
from composerefactor.workspace.journal import (
    Attributes,
    Journal,
    JournalEntry,
    JournalStore,
    Phase,
    Record,
    RunId,
    project_directory,
    project_lock,
    state_home,
)

JOURNAL = r"""{
 "format": 1,
 "run": 3,
 "label": "split",
 "time": "2026-11-29T20:00:00+00:00",
 "entries": [
  {
   "path": "compose.yaml",
   "temporary": ".compose.yaml.tmp",
   "before": "c2VydmljZXM6IHt9/wo=",
   "attributes": [
    420,
    1000,
    1000
   ],
   "after": null
  },
  {
   "path": "a\udc80/b.yml",
   "temporary": "a\udc80/.b.tmp",
   "before": null,
   "attributes": null,
   "after": "abab"
  }
 ],
 "created_directories": [
  "a\udc80"
 ],
 "removed_directories": [
  [
   "old",
   493
  ]
 ]
}"""
"""A journal of format 1; one of its paths is not UTF-8."""


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


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="other rules there")
def test_no_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPOSEREFACTOR_STATE_HOME")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 4242424)
    with pytest.raises(RefusedError, match="no home directory") as caught:
        state_home()
    assert "COMPOSEREFACTOR_STATE_HOME" in caught.value.remedy


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


def test_the_form_of_a_journal_does_not_change(tmp_path: Path) -> None:
    entries = (
        JournalEntry(
            "compose.yaml",
            ".compose.yaml.tmp",
            b"services: {}\xff\n",
            Attributes(0o644, 1000, 1000),
            None,
        ),
        JournalEntry("a\udc80/b.yml", "a\udc80/.b.tmp", None, None, "abab"),
    )
    time = "2026-11-29T20:00:00+00:00"
    journal = Journal(RunId(3), "split", time, entries, ("a\udc80",), (("old", 0o755),))
    store = JournalStore(tmp_path)
    store.directory.mkdir(parents=True)
    path = store.path(store.begin(journal))
    assert path.read_text("ascii") == JOURNAL
    assert store.read(Record(RunId(3), Phase.PENDING)) == journal
