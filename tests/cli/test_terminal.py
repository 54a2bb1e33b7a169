"""The prompt, colours and Ctrl-C, on a real (pseudo) terminal."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from composerefactor.report.text import wrapped
from support.commandline import SINGLY, CommandLine, tree, write

pty = pytest.importorskip("pty", reason="there are no pseudo terminals on Windows")

ROOT = Path(__file__).parents[2]
SPLIT = ("split", *SINGLY, "--engine", "none", "--unproven")
PROMPT = b"Write 4 files? [y]es / [d]iff / [n]o"


@dataclass
class Session:
    """A command that runs on a terminal of its own."""

    process: subprocess.Popen[bytes]
    terminal: int
    seen: bytes = b""
    read_to: int = field(default=0)

    def expect(self, words: bytes) -> Self:
        """Read until *words* come after what was expected before."""
        while words not in self.seen[self.read_to :]:
            if not self._read():
                pytest.fail(f"{words!r} did not come; the output is {self.seen!r}")
        self.read_to = self.seen.index(words, self.read_to) + len(words)
        return self

    def send(self, text: str) -> Self:
        os.write(self.terminal, text.encode())
        return self

    def end(self) -> int:
        """Read all and return the exit code."""
        while self._read():
            pass
        return self.process.wait(60)

    def _read(self) -> bool:
        if not select.select([self.terminal], [], [], 60)[0]:
            pytest.fail(f"nothing more came; the output is {self.seen!r}")
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # Linux says so when the other side has gone
            return False
        self.seen += data
        return bool(data)


class Terminal:
    """Starts commands."""

    def __init__(self, command_line: CommandLine) -> None:
        self.environ = {**command_line.environ, "PYTHONPATH": str(ROOT), "PAGER": "cat"}
        self.sessions: list[Session] = []

    def __call__(self, directory: Path, *arguments: str, **environ: str) -> Session:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "composerefactor", *arguments],
            cwd=directory,
            env={"TERM": "xterm", **self.environ, **environ},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.sessions.append(Session(process, ours))
        return self.sessions[-1]


@pytest.fixture
def terminal(command_line: CommandLine) -> Iterator[Terminal]:
    """Starts commands on a terminal; ends those that are left.

    What runs the tests in the background may ignore interrupts, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    starter = Terminal(command_line)
    yield starter
    for session in starter.sessions:
        session.process.kill()
        session.process.wait()
        os.close(session.terminal)


def test_yes(shop: Path, terminal: Terminal) -> None:
    session = terminal(shop, *SPLIT).expect(PROMPT).send("y\n")
    assert session.end() == 0
    assert b"wrote 4 files" in session.seen
    assert (shop / "docker-compose").is_dir()


def test_no_is_the_default(shop: Path, terminal: Terminal) -> None:
    before = tree(shop)
    session = terminal(shop, *SPLIT).expect(PROMPT).send("\n")
    assert session.end() == 0
    assert b"nothing was written" in session.seen
    assert tree(shop) == before


def test_a_file_that_is_only_read_changes_before_the_answer(shop: Path, terminal: Terminal) -> None:
    session = terminal(shop, *SPLIT).expect(PROMPT)
    (shop / ".env").write_text("TAG=another\n")
    before = tree(shop)
    assert session.send("y\n").end() == 3
    assert b".env: has changed since it was read; no file was written" in session.seen
    assert tree(shop) == before


def test_it_says_from_the_start_what_is_verified_and_the_time_left(
    shop: Path, terminal: Terminal
) -> None:
    session = terminal(shop, "split", *SINGLY, "--check", "--no-cache")
    session.expect(b"reading the project").expect(b"verifying the present project")
    session.expect(b" left").expect(b"verifying the changed project")
    assert session.end() == 1


def test_a_key_pressed_before_the_question_does_not_answer_it(
    shop: Path, terminal: Terminal
) -> None:
    before = tree(shop)
    session = terminal(shop, *SPLIT).send("y\n")
    session.expect(PROMPT).send("n\n")
    assert session.end() == 0
    assert tree(shop) == before


def test_data_left_behind_is_said_right_above_the_prompt(
    tmp_path: Path, terminal: Terminal
) -> None:
    project = write(tmp_path / "db", {"compose.yaml": "services:\n  db:\n    image: postgres:16\n"})
    unproven = ("--engine", "none", "--unproven")
    session = terminal(project, "fix", "--unsafe", "--select", "declare-volumes", *unproven)
    session.expect(b"Write 1 file?")
    warning, prompt = session.seen.decode().rsplit("\r\n", 1)[0].rsplit("\r\n", 1)[-1], "Write"
    assert "\x1b[31;1m! 1 change leaves data behind: db (declare-volumes)" in warning
    assert prompt in session.seen.decode().rsplit("\r\n", 1)[-1]
    session.send("n\n").end()


def test_the_last_column_of_a_table_is_wrapped_below_itself() -> None:
    assert wrapped("Found      a.yml  its services override those of b.yml", 50) == [
        "Found      a.yml  its services override those of",
        "                  b.yml",
    ]
    assert wrapped("Found      a-long-name.yml  its services override those", 50) == [
        "Found      a-long-name.yml  its services override",
        "           those",
    ]


def test_long_lines_are_wrapped_between_words(shop: Path, terminal: Terminal) -> None:
    session = terminal(shop, "fix", "--unsafe", "--check", "--engine", "none", "-v", COLUMNS="60")
    session.end()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", session.seen.decode()).splitlines()
    assert len(lines) > 10
    assert [line for line in lines if len(line) > 60 and " " in line.strip()] == []


@pytest.mark.engine
@pytest.mark.parametrize("command", ["diff", "verify"])
def test_results_are_wrapped_between_words(
    command: str, tmp_path: Path, terminal: Terminal
) -> None:
    text = "services:\n  web:\n    image: nginx:1.27\n"
    project = write(
        tmp_path / "now", {"docker-compose.yml": text + "    ports: ['443:443', '80:80']\n"}
    )
    write(tmp_path / "before", {"docker-compose.yml": text})
    session = terminal(project, command, "../before", ".", COLUMNS="60")
    session.end()
    lines = re.sub(r"\x1b\[[0-9;]*[mKA]", "", session.seen.decode()).splitlines()
    shown = lines[next(n for n, line in enumerate(lines) if line.startswith("Engine")) :]
    assert any("docker-compose.yml:4" in line for line in shown)
    assert [line for line in shown if len(line) > 60 and " " in line.strip()] == []
    assert max(map(len, shown)) > 50


def test_errors_are_wrapped_between_words(tmp_path: Path, terminal: Terminal) -> None:
    files = {"compose.yaml": "services:\n  db:\n    image: [postgres]\n"}
    project = write(tmp_path / "db", files)
    session = terminal(project, "fix", "--check", COLUMNS="40")
    session.end()
    text = re.sub(r"\x1b\[[0-9;]*[mK]", "", session.seen.decode())
    lines = text[text.index("error  ") :].splitlines()
    assert "rejects" in "".join(lines)
    assert len(lines) > 4
    assert [line for line in lines if len(line) > 40 and " " in line.strip()] == []


def test_the_whole_report_is_shown_in_a_pager(shop: Path, terminal: Terminal) -> None:
    session = terminal(shop, "analyze", "--full", PAGER="sed s/^/paged:/")
    assert session.end() == 0
    assert b"paged:" in session.seen
    assert (
        b"paged:" not in terminal(shop, "analyze", PAGER="sed s/^/paged:/").expect(b"--full").seen
    )


@pytest.mark.parametrize(("program", "is_linked"), [("vscode", True), ("Apple_Terminal", False)])
def test_places_are_links_where_the_terminal_has_links(
    shop: Path, terminal: Terminal, program: str, *, is_linked: bool
) -> None:
    session = terminal(shop, "analyze", TERM_PROGRAM=program)
    assert session.end() == 0
    address = f"file://{shop}/docker-compose.yml#".encode()
    assert (b"\x1b]8;;" + address in session.seen) == is_linked


def test_another_answer_is_asked_again_and_then_the_diff_and_no(
    shop: Path, terminal: Terminal
) -> None:
    before = tree(shop)
    session = terminal(shop, *SPLIT).expect(PROMPT).send("what\n").expect(PROMPT).send("d\n")
    session.expect(b"+++ b/docker-compose/services/docker-compose.api.yml").expect(PROMPT)
    assert session.send("n\n").end() == 0
    assert b"nothing was written" in session.seen
    assert tree(shop) == before


def test_ctrl_c_at_the_prompt(shop: Path, terminal: Terminal) -> None:
    before = tree(shop)
    session = terminal(shop, *SPLIT).expect(PROMPT)
    time.sleep(0.5)  # the prompt is shown just before the command waits for the answer
    session.process.send_signal(signal.SIGINT)
    assert session.end() == 130
    assert b"interrupted, nothing was written" in session.seen
    assert b"Traceback" not in session.seen
    assert tree(shop) == before


def test_ctrl_c_during_the_proof(
    shop: Path, terminal: Terminal, tmp_path: Path, engine: Path
) -> None:
    before = tree(shop)
    slow, started = tmp_path / "docker-compose", tmp_path / "started"
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *version*) exec {engine} "$@";; esac\n'
        f"touch {started}\nexec sleep 600\n"
    )
    slow.chmod(0o755)
    session = terminal(shop, "split", *SINGLY, "--yes", "--engine", str(slow))
    while not started.exists():
        assert session.process.poll() is None
        time.sleep(0.02)
    session.process.send_signal(signal.SIGINT)
    assert session.end() == 130
    assert b"Traceback" not in session.seen
    assert tree(shop) == before


def test_undo_asks(shop: Path, terminal: Terminal, command_line: CommandLine) -> None:
    before = tree(shop)
    command_line(shop, *SPLIT, "--yes")
    after = tree(shop)
    refused = terminal(shop, "undo").expect(b"Undo composerefactor split").send("n\n")
    assert refused.end() == 0
    assert tree(shop) == after
    agreed = terminal(shop, "undo").expect(b"Undo composerefactor split").send("y\n")
    assert agreed.end() == 0
    assert tree(shop) == before


@pytest.mark.parametrize(
    ("arguments", "environ", "coloured"),
    [
        ((), {}, True),
        (("--no-color",), {}, False),
        ((), {"NO_COLOR": ""}, False),
        ((), {"TERM": "dumb"}, False),
    ],
)
def test_colours(
    shop: Path,
    terminal: Terminal,
    arguments: tuple[str, ...],
    environ: dict[str, str],
    coloured: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    session = terminal(shop, *SPLIT, "--check", *arguments, **environ)
    assert session.end() == 1
    is_coloured = re.search(rb"\x1b\[(1;)?3[0-9](;1)?m", session.seen) is not None
    assert is_coloured is coloured
