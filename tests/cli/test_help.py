"""Help that teaches: every command has examples, and the examples can be parsed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from composerefactor.cli.main import COMMANDS, cli
from support.commandline import CommandLine


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_commands(command_line: CommandLine, tmp_path: Path, name: str) -> None:
    text = command_line.plain(tmp_path, name, "--help").out.decode()
    found = [line.strip() for line in text.splitlines() if line.startswith("    composerefactor ")]
    if name == "completion":
        assert 'eval "$(composerefactor completion bash)"' in text
        return
    assert found
    for line in found:
        _, command, *words = shlex.split(line)
        parsed = cli.get_command(click.Context(cli), command)
        assert parsed is not None
        context = click.Context(parsed, resilient_parsing=True, help_option_names=["-h", "--help"])
        parsed.make_parser(context).parse_args(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_listed_once(command_line: CommandLine, tmp_path: Path, name: str) -> None:
    text = command_line.plain(tmp_path, name, "--help").out.decode()
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    options = [max(each.opts, key=len) for each in command.params if isinstance(each, click.Option)]
    listed = re.findall(r"^  (?:-\w, )?(--[\w-]+)(?: \S+)?(?:  |$)", text, re.MULTILINE)
    assert sorted(listed) == sorted([*options, "--help"])


def test_a_command_that_is_not_there_is_corrected(
    command_line: CommandLine, tmp_path: Path
) -> None:
    outcome = command_line.plain(tmp_path, "splt")
    assert outcome.code == 2
    assert "split" in outcome.err
