"""Two signals at any step of a run leave the old tree or the new one, and the message is true."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.workspace import interrupts
from composerefactor.workspace.apply import apply
from composerefactor.workspace.journal import JournalStore
from composerefactor.workspace.undo import undo

Tree = dict[str, tuple[int, bytes | None]]

STEPS = ("fsync", "replace", "unlink", "mkdir", "rmdir", "chmod", "ftruncate")
CHANGESET = Changeset(
    (
        FileChange("a.yml", b"old\n", b"new\n"),
        FileChange("modules/b.yml", None, b"b\n"),
        FileChange("parts/gone.yml", b"gone\n", None),
    )
)


@pytest.fixture(autouse=True)
def _handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    monkeypatch.setattr(interrupts, "_outcomes", [])
    yield
    signal.signal(signal.SIGTERM, before)


def interrupted_at(step: int, action: Callable[[], object]) -> bool:
    """Run *action* with signals from its *step*-th step on; return whether it had so many."""
    calls = 0

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def run(*args: Any, **options: Any) -> object:
            nonlocal calls
            calls += 1
            if calls in {step, step + 1}:
                os.kill(os.getpid(), signal.SIGTERM)
            return call(*args, **options)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, counted(getattr(os, name)))
        try:
            action()
        except KeyboardInterrupt:
            return True
    return False


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no such signals")
@pytest.mark.parametrize("command", ["apply", "undo"])
def test_a_signal_at_every_step(
    command: str, tmp_path: Path, tree: Callable[[Path], Tree], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    for step in range(1, 60):
        root = tmp_path / str(step)
        (root / "parts").mkdir(parents=True)
        (root / "a.yml").write_bytes(b"old\n")
        (root / "parts/gone.yml").write_bytes(b"gone\n")
        action: Callable[[], object] = partial(apply, root, CHANGESET, "split")
        old, new = b"old\n", b"new\n"
        if command == "undo":
            action()
            action, old, new = partial(undo, root), new, old
        before = tree(root)
        monkeypatch.setattr(interrupts, "_outcomes", [])
        if not interrupted_at(step, action):
            break
        is_written = interrupts.message() != "interrupted, nothing was written"
        seen.add(is_written)
        assert is_written is (tree(root) != before)
        assert (root / "a.yml").read_bytes() == (new if is_written else old)
        assert (root / "modules").exists() is ((command == "apply") is is_written)
        assert JournalStore(root.resolve()).interrupted() is None
    else:
        pytest.fail("the action never ended")
    assert seen == {False, True}
