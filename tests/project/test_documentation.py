"""Every command in the documentation runs, in the order of its page, on the example project.

`make test` runs those of two pages, without proofs, and sees that the others are understood.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
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


PROGRAMS = Path(sys.executable).parent
UNPROVEN = f"""\
#!/bin/sh
case "$1" in
fix | join | split) exec {PROGRAMS}/composerefactor "$@" --engine none --unproven ;;
verify) exec {PROGRAMS}/composerefactor "$@" --help ;;
*) exec {PROGRAMS}/composerefactor "$@" ;;
esac
"""
"""Stands in for the command without the proofs, which take most of the time."""


@pytest.mark.long
@pytest.mark.engine
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_the_commands_run(page: str, tmp_path: Path, command_line: CommandLine) -> None:
    run_commands(page, tmp_path / "shop", command_line.environ, PROGRAMS)


@pytest.mark.engine
@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_the_commands_run_without_proofs(
    page: str, tmp_path: Path, command_line: CommandLine
) -> None:
    (tmp_path / "composerefactor").write_text(UNPROVEN, encoding="utf-8")
    (tmp_path / "composerefactor").chmod(0o755)
    run_commands(page, tmp_path / "shop", command_line.environ, tmp_path, PROGRAMS)


def run_commands(page: str, project: Path, environ: Mapping[str, str], *programs: Path) -> None:
    """Run the commands of *page* on a copy of the example, with *programs* first in PATH."""
    shutil.copytree(ROOT / "examples" / "legacy-shop", project)
    env = {**environ, "PATH": os.pathsep.join([*map(str, programs), environ["PATH"]])}

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


@pytest.mark.parametrize("page", PAGES)
def test_the_options_of_the_commands_are_known(
    page: str, tmp_path: Path, command_line: CommandLine
) -> None:
    for command in commands(page):
        program, *arguments = shlex.split(command.partition(" > ")[0])
        if program == "composerefactor":
            outcome = command_line.plain(tmp_path, *arguments, "--help")
            assert outcome.code == 0, f"{command}\n{outcome.err}"
