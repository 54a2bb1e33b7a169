"""Every command in the documentation runs, in the order of its page, on the example project."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.engine
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_the_commands_run(page: str, tmp_path: Path, command_line: CommandLine) -> None:
    project = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "legacy-shop", project)
    environ = command_line.environ
    env = {**environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"}

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command],
            cwd=project,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    for command in (
        "git init -q -b main && git add -A",
        "git -c user.name=a -c user.email=a@b commit -qm before",
        "git config user.name a && git config user.email a@b",
        "git tag v1.4 && git tag v1.5",
    ):
        assert run(command).returncode == 0
    for command in commands(page):
        if is_elsewhere(command):
            continue
        done = run(command)
        assert done.returncode == CODES.get(command, 0), f"{command}\n{done.stderr}"
        if done.returncode == 2:
            assert "terminal" in done.stderr, f"{command}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_the_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    found = _LINK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in found if not (folder / link).exists()] == []


def test_quoted_commands_are_words() -> None:
    for page in PAGES:
        for command in commands(page):
            assert shlex.split(command)
