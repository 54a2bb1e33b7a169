"""Shells complete commands, options, transforms and services."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.commandline import CommandLine

BASH = shutil.which("bash")
SCRIPT = """
eval "$(composerefactor completion bash)"
COMP_WORDS=({words})
COMP_CWORD={at}
COMPREPLY=()
_composerefactor_completion composerefactor {last} ''
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(directory: Path, *words: str) -> list[str]:
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
def test_bash_completes(shop: Path, words: tuple[str, ...], some: set[str]) -> None:
    offered = set(completed(shop, *words))
    assert some <= offered
    if words != ("",):
        assert offered == some


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_their_script(command_line: CommandLine, shop: Path, shell: str) -> None:
    outcome = command_line.plain(shop, "completion", shell)
    assert outcome.code == 0
    assert f"_COMPOSEREFACTOR_COMPLETE={shell}_complete" in outcome.out.decode()


def test_nothing_is_offered_where_there_is_no_project(tmp_path: Path) -> None:
    assert completed(tmp_path, "split", "--module", "") == []
