"""Every command in the documentation runs, in the order of its page, on the example project.

`make test` runs those of two pages, in its own process and without proofs, and sees that the
others are understood.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from support.commandline import CommandLine

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
CODES = {
    "composerefactor split": 2,  # there is no terminal to ask on
    "composerefactor fix --unsafe --select add-healthchecks,wait-for-healthy": 2,
    "composerefactor wizard": 2,
    "composerefactor undo": 3,  # nothing was written that could be taken back
}
"""Exit codes of commands that do not end with 0; ``split`` and the like ask first."""

ELSEWHERE = {
    "make": "the targets that this suite is part of",
    "pip": "what the packages' tests do",
    "pipx": "as pip",
    "uv": "as pip",
    "uvx": "as pip",
    "docker": "tests/cli/test_plugin.py runs the plugin",
    "composerefactor plugin install": "as docker",
    "composerefactor plugin remove": "as docker",
    "./smoke.sh": "tests/daemon runs it",
    "composerefactor verify --live": "tests/daemon runs it",
    "composerefactor split --move-roots docker-compose --dry-run": "golden/split has cases",
    "composerefactor wizard path/to": "as the command without a path",
    "composerefactor wizard --answers answers.yml": "tests/cli/wizard replays answers",
}
"""Commands that need more than the example project, and why they are not run here."""


def commands(page: str) -> list[str]:
    """Return the commands in the console blocks of *page*, without the remarks behind them."""
    blocks = _CONSOLE.findall((ROOT / page).read_text(encoding="utf-8"))
    lines = [line[2:] for block in blocks for line in block.splitlines() if line[:2] == "$ "]
    return [re.sub(r"\s+# .*", "", line).strip() for line in lines]


def is_elsewhere(command: str) -> bool:
    return any(command == known or command.split(maxsplit=1)[0] == known for known in ELSEWHERE)


UNPROVEN = {
    **dict.fromkeys(("fix", "join", "split"), ("--engine", "none", "--unproven")),
    "verify": ("--help",),
}
"""What is added to a command so that it proves nothing, which takes most of the time."""

Run: TypeAlias = Callable[[str], tuple[int, str]]
"""Runs a command, and returns its exit code and what it says on stderr."""


@pytest.mark.long
@pytest.mark.engine
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_the_commands_run(page: str, tmp_path: Path, command_line: CommandLine) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{command_line.environ['PATH']}"
    shell = in_shell(tmp_path / "shop", {**command_line.environ, "PATH": programs})
    run_commands(page, tmp_path / "shop", shell, shell)


@pytest.mark.engine
@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_the_commands_run_without_proofs(
    page: str, tmp_path: Path, command_line: CommandLine
) -> None:
    project = tmp_path / "shop"
    shell = in_shell(project, command_line.environ)

    def run(command: str) -> tuple[int, str]:
        words, _, output = command.partition(" > ")
        program, *arguments = shlex.split(words)
        if program != "composerefactor":
            return shell(command)
        done = command_line.plain(project, *arguments, *UNPROVEN.get(arguments[0], ()))
        if output:
            (project / output).write_bytes(done.out)
        return done.code, done.err

    run_commands(page, project, run, shell)


def in_shell(directory: Path, environ: Mapping[str, str]) -> Run:
    """Return what runs a command in *directory* as a user does."""

    def run(command: str) -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    return run


def run_commands(page: str, project: Path, run: Run, shell: Run) -> None:
    """Make *project* a copy of the example in git, with *shell*, and run the commands of *page*."""
    shutil.copytree(ROOT / "examples" / "legacy-shop", project)
    for command in (
        "git init -q -b main && git add -A",
        "git -c user.name=a -c user.email=a@b commit -qm before",
        "git config user.name a && git config user.email a@b",
        "git tag v1.4 && git tag v1.5",
    ):
        assert shell(command)[0] == 0
    for command in commands(page):
        if is_elsewhere(command):
            continue
        code, words = run(command)
        assert code == CODES.get(command, 0), f"{command}\n{words}"
        if code == 2:
            assert "terminal" in words, f"{command}\n{words}"


@pytest.mark.engine
def test_the_readme_shows_what_a_split_of_the_example_writes(
    tmp_path: Path, command_line: CommandLine
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Before and after\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```yaml\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    project = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "legacy-shop", project)
    outcome = command_line.plain(project, "split", "--yes", *UNPROVEN["split"])
    assert outcome.code == 0, outcome.err
    written = [path.read_text(encoding="utf-8") for path in sorted(project.rglob("*.yml"))]
    assert [block for block in blocks if not any(block in each for each in written)] == []
    assert len(blocks) == 2
    assert "376 -> 47 lines" in outcome.err


@pytest.mark.parametrize("page", PAGES)
def test_the_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    found = _LINK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in found if not (folder / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_options_of_the_commands_are_known(
    page: str, tmp_path: Path, command_line: CommandLine
) -> None:
    for command in commands(page):
        program, *arguments = shlex.split(command.partition(" > ")[0])
        if program == "composerefactor":
            outcome = command_line.plain(tmp_path, *arguments, "--help")
            assert outcome.code == 0, f"{command}\n{outcome.err}"
