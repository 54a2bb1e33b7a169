"""Shells complete commands, options, transforms and services."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from support.commandline import CommandLine

Completed: TypeAlias = Callable[..., set[str]]

BASH = shutil.which("bash")
SCRIPT = """
eval "$(composerefactor completion bash)"
COMP_WORDS=({words})
COMP_CWORD={at}
COMPREPLY=()
_composerefactor_completion composerefactor {last} ''
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def in_bash(directory: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of *words*."""
    if BASH is None:
        pytest.skip("there is no bash")
    quoted = [shlex.quote(word) for word in ("composerefactor", *words)]
    script = SCRIPT.format(words=" ".join(quoted), at=len(words), last=quoted[-1])
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [BASH, "-c", script],
        cwd=directory,
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.fixture
def completed(command_line: CommandLine) -> Completed:
    """Answer in this process what the script of bash asks: the last of the words, completed."""

    def offered(directory: Path, *words: str) -> set[str]:
        question = {
            "_COMPOSEREFACTOR_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["composerefactor", *words]),
            "COMP_CWORD": str(len(words)),
        }
        line = CommandLine(command_line.engine, {**command_line.environ, **question})
        outcome = line.plain(directory)
        assert outcome.code == 0, outcome.err
        return {answer.partition(",")[2] for answer in outcome.out.decode().split()}

    return offered


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("",), {"split", "fix", "wizard", "undo"}),
        (("w",), {"wizard"}),
        (("split", "--st"), {"--strategy"}),
        (("split", "--strategy", ""), {"auto", "include", "extends"}),
        (("split", "--module", ""), {"api=", "db=", "web="}),
        (("fix", "--select", "add-l"), {"add-logging"}),
        (("fix", "--select", "harden,add-l"), {"harden,add-logging"}),
        (("fix", "--set", "add-logging.max-f"), {"add-logging.max-file="}),
        (("transforms", "spl"), {"split"}),
        (("explain", "a"), {"api"}),
        (("explain", "api", "health"), {"healthcheck", "healthcheck.test"}),
    ],
)
def test_what_is_offered(
    completed: Completed, shop: Path, words: tuple[str, ...], some: set[str]
) -> None:
    offered = completed(shop, *words)
    assert some <= offered
    if words != ("",):
        assert offered == some


def test_bash_completes(shop: Path) -> None:
    assert in_bash(shop, "split", "--module", "") == ["api=", "db=", "web="]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_their_script(command_line: CommandLine, shop: Path, shell: str) -> None:
    outcome = command_line.plain(shop, "completion", shell)
    assert outcome.code == 0
    assert f"_COMPOSEREFACTOR_COMPLETE={shell}_complete" in outcome.out.decode()


def test_nothing_is_offered_where_there_is_no_project(completed: Completed, tmp_path: Path) -> None:
    assert completed(tmp_path, "split", "--module", "") == set()
