"""No command fails, hangs or writes what it should not on a damaged project.

Each example is a project of `golden/`, or of the directory that ``COMPOSEREFACTOR_CORPUS`` names
(every directory ``*/files`` in it), with a few random changes. Some of the commands run on it, in
turn. ``COMPOSEREFACTOR_MUTATED_PROJECTS`` is the number of examples,
``COMPOSEREFACTOR_MUTATED_SEED`` the first one.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.commandline import CommandLine, tree, write
from support.examples import examples
from support.mutations import SEED, mutated, projects

EXAMPLES = int(os.environ.get("COMPOSEREFACTOR_MUTATED_PROJECTS") or examples(12, 2000))
SECONDS = 20
"""CPU time of one command."""

TURNS = 6
"""Every sixth command runs on a project."""

COMMANDS = (
    ("analyze", "--full"),
    ("fix", "--unsafe", "--dry-run", "--engine", "none"),
    ("split", "--dry-run", "--force", "--engine", "none"),
    ("join", "--dry-run", "--engine", "none"),
    ("explain", "{service}"),
    ("split", "--yes", "--force", "--granularity", "service", "--engine", "none", "--unproven"),
    *(("analyze", "--format", each) for each in ("json", "markdown", "html", "sarif", "github")),
    ("fix", "--unsafe", "--yes", "--engine", "none", "--unproven"),
    ("fix", "--unsafe", "--check", "-v", "--engine", "none", "--format", "json"),
    ("split", "--check", "--strategy", "extends", "--force", "--engine", "none", "-v"),
    ("fix", "--unsafe", "--check", "--engine", "none", "--format", "markdown"),
    ("join", "--yes", "--engine", "none", "--unproven"),
    ("explain", "{service}", "--format", "json"),
    ("split", "--dry-run", "--move-roots", "deploy", "--engine", "none"),
)


PROJECTS = projects()


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise AssertionError if the body takes more than *seconds* of CPU time."""

    def stop(number: int, frame: object) -> None:
        raise AssertionError(f"more than {seconds} s of CPU time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no timer of CPU time")
@pytest.mark.parametrize("seed", range(SEED, SEED + EXAMPLES))
def test_a_damaged_project(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)  # noqa: S311 - not cryptography
    files = mutated(tree(rng.choice(PROJECTS)), rng)
    project = write(tmp_path / "shop", files)
    names = [
        line[2:].rstrip().rstrip(b":").decode("utf-8", "replace")
        for name, content in files.items()
        if name.endswith((".yml", ".yaml"))
        for line in content.splitlines()
        if line.startswith(b"  ") and line.rstrip().endswith(b":") and line[2:3].isalpha()
    ]
    service = rng.choice(names or ["web"])
    run = CommandLine("none", {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    before = tree(project)
    for command in COMMANDS[seed % TURNS :: TURNS]:
        with limited(SECONDS):
            outcome = run.plain(project, *(word.format(service=service) for word in command))
        assert outcome.code in {0, 1, 2, 3}, (command, outcome.err)
        if outcome.code == 0 and "--yes" in command and tree(project) != before:
            with limited(SECONDS):
                assert run.plain(project, "undo", "--yes").code == 0, command
        assert tree(project) == before, command
