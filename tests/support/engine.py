"""The engine's own reading of a text, for comparisons."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from composerefactor.proof.engine import release


@cache
def release_of(engine: Path) -> tuple[int, int, int]:
    """Return the version of *engine* as numbers."""
    run = subprocess.run([str(engine), "version", "--short"], capture_output=True, check=True)
    return release(run.stdout.decode().strip())


def model(engine: Path, directory: Path, text: str) -> dict[str, Any]:
    """Return the model of the Compose file *text*, put into *directory*.

    Raises AssertionError with the engine's message where it rejects the text.
    """
    (directory / "compose.yaml").write_text(text, encoding="utf-8")
    run = config(engine, directory, "--format", "json")
    assert run.returncode == 0, run.stderr
    loaded: dict[str, Any] = json.loads(run.stdout)
    return loaded


def config(engine: Path, directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``config`` in *directory*, with no variable set and all profiles on."""
    return subprocess.run(
        [str(engine), "--project-name", "p", "--profile", "*", "config", *options],
        cwd=directory,
        env={"PATH": "", "HOME": "/home/someone"},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


def resolved(engine: Path, root: Path, paths: Sequence[str], *options: str) -> bytes | None:
    """Return the model of *paths* below *root*; None where the engine rejects it."""
    files = [f"--file={path}" for path in paths]
    done = subprocess.run(
        [str(engine), "-p", "p", *files, "--profile", "*", "config", *options],
        cwd=root,
        env={"HOME": str(root)},
        capture_output=True,
        check=False,
    )
    return None if done.returncode else done.stdout
