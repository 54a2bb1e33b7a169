"""A project, its state directory, and git as on a fresh machine."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

# Mode and content of a file; mode and None of a directory.
Tree = dict[str, tuple[int, bytes | None]]


@pytest.fixture(autouse=True)
def state_directory(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The tool's state directory of this test, which does not exist yet."""
    path = tmp_path_factory.mktemp("state") / "composerefactor"
    monkeypatch.setenv("COMPOSEREFACTOR_STATE_HOME", str(path))
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project directory."""
    path = tmp_path / "shop"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def fill() -> Callable[[Path, Mapping[str, bytes]], None]:
    """Write files, by path, below a directory."""

    def run(root: Path, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return run


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], Tree]:
    """Read all that is below a directory: modes, bytes, directories."""

    def run(root: Path) -> Tree:
        return {
            path.relative_to(root).as_posix(): (
                stat.S_IMODE(path.lstat().st_mode),
                None if path.is_dir() else path.read_bytes(),
            )
            for path in root.rglob("*")
        }

    return run


@pytest.fixture
def git(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run git in the project, without the settings of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)

    def run(*args: str) -> str:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *args]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
        return done.stdout

    return run
