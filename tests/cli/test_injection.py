"""Names in a project control neither the terminal nor the CI service that shows an output."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from composerefactor.report.text import Style, json_text, shown_line, shown_text
from support.commandline import CommandLine, write

EVIL = r"\x1b]0;t\x07\x1b[31m\x9b2J\u202e\u2066\u2028\n::error::pwned\r##[add-mask]a`<img>`` |"
PROJECT = f"""\
services:
  "web{EVIL}":
    image: "nginx{EVIL}:1"
    ports: ["80:80", "{EVIL}:81"]
    depends_on: ["db{EVIL}"]
    command: ["run", "{EVIL}"]
    environment: {{"A{EVIL}": "b{EVIL}", HOST: "${{X:-{EVIL}}}"}}
    volumes: ["v{EVIL}:/data"]
  "db{EVIL}":
    image: "postgres:16{EVIL}"
    profiles: ["{EVIL}"]
  cache:
    image: redis:7
    networks: ["n{EVIL}"]
"""
ODD_FILE = "compose.x\n::error::pwned\x1b[31m\u202e.yml"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
COMMANDS = re.compile(r"^\s*::|##\[", re.MULTILINE)
RUNS = (
    *(("analyze", "--full", "--format", f) for f in ("text", "markdown", "html", "json", "sarif")),
    *(("analyze", "--format", f) for f in ("github", "junit", "svg")),
    *(("analyze", "-r", "--format", f) for f in ("text", "markdown", "json")),
    *(
        (command, *options, "-v", "--engine", "none", "--format", form)
        for command, *options in (
            ("split", "--check"),
            ("fix", "--unsafe", "--check"),
            ("join", "--check"),
        )
        for form in ("text", "json", "markdown")
    ),
    ("fix", "--unsafe", "--check"),
    ("verify", "."),
    ("diff", "."),
)


@pytest.mark.parametrize("command", RUNS, ids=" ".join)
def test_no_output_contains_a_control(
    command: tuple[str, ...], tmp_path: Path, command_line: CommandLine
) -> None:
    write(tmp_path, {"compose.yml": PROJECT, ODD_FILE: PROJECT, "Makefile": "up:\n\tdocker\x1b[2J"})
    run = command_line.plain if "--engine" in command else command_line
    done = run(tmp_path, *command)
    assert done.code in {0, 1, 3}, done.err
    text = done.out.decode() + done.err
    assert not CONTROLS.search(text)
    if command[-1] == "github":
        assert all(line.startswith("::") for line in text.splitlines())
        assert "::error::pwned" not in text.splitlines()
    else:
        assert not COMMANDS.search(text)
    if command[-1] in {"junit", "svg"}:
        ET.fromstring(done.out)  # noqa: S314 - made by the command


def test_the_colours_of_the_tool_are_shown_and_others_are_not() -> None:
    line = Style(colour=True)("a\x1b[31mb", "bold")
    assert shown_line(line) == "\x1b[1ma\ufffd[31mb\x1b[0m"


def test_a_line_stays_one_line() -> None:
    assert shown_line("a\r\nb\u2028c\n::x") == "a b c ::x"
    assert shown_text("a\r\n  ::x") == "a\n  :\u200b:x"


def test_json_loses_nothing() -> None:
    assert json_text("\x9b\u202e##[") == '"\\u009b\\u202e#\\u0023["\n'
