"""The engine's own reading of a text, for comparisons."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from composerefactor.compose.invocation import Invocation
from composerefactor.proof.engine import release

NO_GARBAGE_COLLECTION = {"GOGC": "off"}
"""Takes a quarter off a run of the engine for a small file."""


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
        env={"PATH": "", "HOME": "/home/someone", **NO_GARBAGE_COLLECTION},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


def resolved(
    engine: Path, root: Path, paths: Sequence[str] = (), *options: str, **variables: str
) -> bytes | None:
    """Return the model of *paths* below *root*; None where the engine rejects it."""
    files = [f"--file={path}" for path in paths]
    done = subprocess.run(
        [str(engine), "-p", "p", *files, "--profile", "*", "config", *options],
        cwd=root,
        env={"HOME": str(root), **NO_GARBAGE_COLLECTION, **variables},
        capture_output=True,
        check=False,
    )
    return None if done.returncode else done.stdout


def arguments_of(entry: Invocation) -> list[str]:
    """Return the options of Docker Compose for *entry*, from the directory of its command."""
    arguments = []
    for path in entry.files:
        arguments += ["-f", os.path.relpath(path, entry.directory)]
    for path in entry.env_files:
        arguments += ["--env-file", os.path.relpath(path, entry.directory)]
    if entry.project_directory:
        arguments += [
            "--project-directory",
            os.path.relpath(entry.project_directory, entry.directory),
        ]
    return arguments
