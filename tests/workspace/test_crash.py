"""After recovery, a run killed at any step has left the old tree or the new one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from composerefactor import errors
from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import RefusedError
from composerefactor.workspace.apply import apply
from composerefactor.workspace.journal import JournalStore, Phase
from composerefactor.workspace.undo import last_run, recover, undo

Fill = Callable[[Path, Mapping[str, bytes]], None]

CHANGESET = Changeset((FileChange("a", b"1", b"2"), FileChange("b", None, b"3")))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
@pytest.mark.parametrize(
    ("scenario", "kills"),
    [("apply", 40), ("undo", 30), pytest.param("twice", 25, marks=pytest.mark.long)],
)
def test_killed_at_every_step(tmp_path: Path, scenario: str, kills: int) -> None:
    driver = Path(__file__).with_name("crash_driver.py")
    done = subprocess.run(
        [sys.executable, str(driver), str(tmp_path), scenario],
        env={**os.environ, "PYTHONPATH": str(Path(errors.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["problems"] == []
    assert result["kills"] >= kills


@pytest.fixture
def interrupted(project: Path, fill: Fill) -> Path:
    """A project in which CHANGESET was interrupted after its first file."""
    fill(project, {"a": b"1"})
    apply(project, CHANGESET, "split")
    store = JournalStore(project.resolve())
    (record,) = store.records()
    store.advance(record, Phase.PENDING)
    (project / "b").unlink()
    return project


def test_nothing_to_repair(project: Path, state_directory: Path) -> None:
    assert recover(project) is None
    assert not state_directory.exists()


def test_rolled_back(interrupted: Path) -> None:
    recovery = recover(interrupted)
    assert recovery is not None
    assert (recovery.label, recovery.outcome, recovery.paths) == (
        "split",
        "rolled back",
        ("a", "b"),
    )
    assert (interrupted / "a").read_bytes() == b"1"
    assert recover(interrupted) is None


def test_completed(interrupted: Path, fill: Fill) -> None:
    fill(interrupted, {"b": b"3"})
    recovery = recover(interrupted)
    assert recovery is not None
    assert recovery.outcome == "completed"
    assert undo(interrupted) == ["a", "b"]


def test_undo_rolls_back_and_leaves_earlier_runs(interrupted: Path) -> None:
    summary = last_run(interrupted)
    assert summary is not None
    assert summary.label == "split"
    assert undo(interrupted) == ["a", "b"]
    with pytest.raises(RefusedError, match="nothing to undo"):
        undo(interrupted)


def test_apply_repairs_first(interrupted: Path) -> None:
    apply(interrupted, CHANGESET, "split")
    assert (interrupted / "b").read_bytes() == b"3"
    assert undo(interrupted) == ["a", "b"]


def test_an_edit_after_the_crash_is_kept(interrupted: Path, fill: Fill) -> None:
    fill(interrupted, {"a": b"edited"})
    for attempt in (recover, undo, lambda root: apply(root, CHANGESET, "split")):
        with pytest.raises(RefusedError, match="edited after the interrupted run") as caught:
            attempt(interrupted)
        assert "0001.pending.json" in caught.value.remedy
    assert (interrupted / "a").read_bytes() == b"edited"
    assert undo(interrupted, force=True) == ["a", "b"]
    assert (interrupted / "a").read_bytes() == b"1"
