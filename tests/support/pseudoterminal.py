"""A program on a real terminal: a pseudo-terminal, and a model of its screen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pexpect
import pyte

KEYS = {
    "enter": "\r",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "esc": "\x1b",
    "ctrl-a": "\x01",
    "ctrl-b": "\x02",
    "ctrl-c": "\x03",
    "ctrl-d": "\x04",
    "backspace": "\x7f",
}
SETTLED = 0.12
"""So many seconds without output count as waiting for input."""

TIMEOUT = 120.0
"""So many seconds may pass until a program shows something, on a slow machine."""


class _Screen(pyte.HistoryScreen):
    """A screen that answers the terminal's queries, as real ones do."""

    answer: Any = None

    def write_process_input(self, data: str) -> None:
        if self.answer is not None:
            self.answer(data)


class Terminal:
    """Runs *arguments* in *directory* on a terminal of *columns* by *lines*."""

    def __init__(
        self,
        arguments: Sequence[str],
        directory: Path,
        environ: Mapping[str, str],
        *,
        columns: int = 80,
        lines: int = 24,
    ) -> None:
        self.screen = _Screen(columns, lines, history=5000, ratio=0.5)
        self.stream = pyte.ByteStream(self.screen)
        self.bytes = b""
        self.pressed = 0
        self.child: pexpect.spawn[bytes] = pexpect.spawn(
            arguments[0],
            list(arguments[1:]),
            cwd=str(directory),
            env={"TERM": "xterm-256color", **environ},
            dimensions=(lines, columns),
            timeout=TIMEOUT,
        )
        self.child.delaybeforesend = None
        self.screen.answer = self.child.send

    def read(self, seconds: float = 0.05) -> bool:
        """Take in what comes within *seconds*; return whether anything did."""
        try:
            data = self.child.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            return False
        self.bytes += data
        self.stream.feed(data)
        return True

    def wait_for_text(self, text: str, timeout: float = TIMEOUT) -> None:
        """Read until *text* is on the screen."""
        end = time.monotonic() + timeout
        while text not in self.text():
            while not self.read():  # to render a screen takes long, so only after a change
                if time.monotonic() > end or (not self.child.isalive() and not self.read()):
                    raise AssertionError(f"{text!r} is not on the screen:\n{self.text()}")

    def wait_for(self, text: str, timeout: float = TIMEOUT) -> str:
        """Read until *text* is on the screen and nothing more comes; return the screen."""
        self.wait_for_text(text, timeout)
        while self.read(SETTLED):
            pass
        return self.text()

    def wait_for_new(self, text: str, timeout: float = TIMEOUT) -> None:
        """Read until *text* is written after the keys that were pressed last."""
        end = time.monotonic() + timeout
        while text.encode() not in self.bytes[self.pressed :]:
            self.read()
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} is not written again:\n{self.text()}")
        while self.read(SETTLED):
            pass

    def press(self, *keys: str) -> None:
        """Press *keys*: names as in :data:`KEYS`, other text as it is."""
        self.pressed = len(self.bytes)
        for key in keys:
            self.child.send(KEYS.get(key, key))
            if key == "esc":  # else it begins a sequence with the next key
                time.sleep(0.6)

    def text(self) -> str:
        """Return the screen without the spaces at line ends."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip() + "\n"

    def history(self) -> str:
        """Return what was scrolled off the screen, and the screen."""
        above = [
            "".join(line[x].data for x in range(self.screen.columns)).rstrip()
            for line in self.screen.history.top
        ]
        return "\n".join([*above, self.text()])

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal another size, as a person does who drags its corner."""
        self.screen.resize(lines, columns)
        self.child.setwinsize(lines, columns)

    def end(self, timeout: float = TIMEOUT) -> int:
        """Wait for the program to end; return its exit code."""
        end = time.monotonic() + timeout
        while self.child.isalive() and time.monotonic() < end:
            self.read()
        while self.read():
            pass
        if self.child.isalive():
            raise AssertionError(f"it does not end:\n{self.text()}")
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -1)

    def close(self) -> None:
        """End the program, if it is still there."""
        self.child.close(force=True)
