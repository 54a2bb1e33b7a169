"""Running Docker Compose: clean environment, limits, error messages."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from composerefactor.proof import engine as engine_module
from composerefactor.proof.engine import STOPPED, Engine, first_error, release


@pytest.fixture
def script(tmp_path: Path) -> Engine:
    """A program that runs its first argument, as a misbehaving Docker Compose."""
    path = tmp_path / "program"
    path.write_text('#!/bin/sh\neval "$1"\n')
    path.chmod(0o755)
    return Engine((str(path),), "9.9.9", "test")


def test_the_environment_is_clean(
    script: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAG", "leaked")
    monkeypatch.setenv("COMPOSE_FILE", "leaked")
    result = script.run(["env"], tmp_path, {"GIVEN": "1"})
    names = dict(line.partition("=")[::2] for line in result.stdout.decode().splitlines())
    assert "TAG" not in names
    assert "COMPOSE_FILE" not in names
    assert names["GIVEN"] == "1"
    assert names["PWD"] == str(tmp_path)
    assert names["COMPOSE_EXPERIMENTAL_GIT_REMOTE"] == "false"
    assert names["HOME"] != os.environ.get("HOME")


def test_a_timeout_kills_all_children(script: Engine, tmp_path: Path) -> None:
    result = script.run(["sleep 60 & echo $! > child; wait"], tmp_path, timeout=2)
    assert (result.code, result.error) == (STOPPED, "did not finish within 2 seconds")
    child = int((tmp_path / "child").read_text())
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_output_is_bounded(script: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "MAX_OUTPUT", 100_000)
    result = script.run(["yes"], tmp_path)
    assert (result.code, result.error) == (STOPPED, "more than 100,000 bytes of output")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process")
def test_memory_is_bounded(script: Engine, tmp_path: Path) -> None:
    assert script.run(["sleep 0.5; ulimit -d"], tmp_path).stdout == b"4194304\n"
    result = script.run(["echo 'fatal error: runtime: out of memory' >&2; exit 2"], tmp_path)
    assert (result.code, result.error) == (STOPPED, "more than 4 GiB of memory")


def test_stop_ends_runs_of_other_threads(script: Engine, tmp_path: Path) -> None:
    codes: list[int] = []
    thread = threading.Thread(
        target=lambda: codes.append(script.run(["echo > on; sleep 60"], tmp_path).code)
    )
    thread.start()
    while not (tmp_path / "on").exists():
        thread.join(0.01)
    script.stop()
    thread.join()
    assert codes != [0]


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    result = Engine((str(tmp_path / "none"),), "", "").run([], tmp_path)
    assert not result.ok
    assert "cannot start" in result.error


def test_warnings_are_no_errors(
    compose: Engine, tmp_path: Path, since: Callable[[str], None]
) -> None:
    since("2.29.7")
    (tmp_path / "compose.yaml").write_text(
        "version: '3'\nservices: {a: {image: 'a:$NONE', networks: [n]}}\n"
    )
    result = compose.run(["config"], tmp_path)
    assert "level=warning" in result.stderr
    assert result.error == 'service "a" refers to undefined network n: invalid compose project'


@pytest.mark.parametrize("address", ["https://example.invalid/x.git", "oci://example.invalid/x"])
def test_remote_includes_are_off(compose: Engine, tmp_path: Path, address: str) -> None:
    (tmp_path / "compose.yaml").write_text(f"include: ['{address}']\nservices: {{}}\n")
    assert "disabled" in compose.run(["config"], tmp_path).error


def test_words() -> None:
    assert first_error("") == ""
    assert first_error('time="x" level=warning msg="w"\nbad\nworse') == "bad worse"
    assert first_error('time="x" level=fatal msg="bad"') == "bad"
    assert len(first_error("x" * 1000)) == 300


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.24.1", (2, 24, 1)),
        ("v2.40.3-desktop.1", (2, 40, 3)),
        ("5.6", (5, 6, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_release(version: str, expected: tuple[int, int, int]) -> None:
    assert release(version) == expected
