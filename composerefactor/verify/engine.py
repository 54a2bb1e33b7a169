"""The real Docker Compose as a function, arguments in, output out; only this module starts it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from composerefactor.patterns import regex

DEFAULT_TIMEOUT = 60.0
"""Seconds that one run may take."""

MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes that are read from one run; what prints more is stopped."""

STOPPED = 124
"""The code of a run that was stopped, as ``timeout`` has it."""

_MAX_WORDS = 300
_VERSION = regex(r"(\d+)\.(\d+)(?:\.(\d+))?")
_LOG_LINE = regex(r'^time="[^"]*" level=(\w+) msg="(.*)"$')
_SYSTEM_NAMES = ("PATH", "LANG", "SYSTEMROOT", "SystemRoot", "TEMP", "TMP", "PATHEXT")
_QUICK = {"GOGC": "400"}
"""Compose collects its garbage less often: 10 to 16 % less time (observed: v5.6.1)."""

_REMOTE_OFF = {
    "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false",
    "COMPOSE_EXPERIMENTAL_OCI_REMOTE": "false",
}
"""Observed: v5.6.1 then refuses ``include`` of git and OCI addresses, and does not connect."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one run printed; *code* 0 is success, :data:`STOPPED` out of time or bounds."""

    code: int
    stdout: bytes = field(repr=False)
    stderr: str = field(repr=False)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the engine accepted its input."""
        return self.code == 0

    @property
    def error(self) -> str:
        """The engine's words for what is wrong, or ``""``."""
        if self.ok:
            return ""
        return first_error(self.stderr) or f"exit code {self.code} without a message"


@dataclass(frozen=True, slots=True)
class Engine:
    """One Docker Compose: *command* starts it, *origin* says in words where it was found."""

    command: tuple[str, ...]
    version: str
    origin: str
    settings: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    _running: set[subprocess.Popen[bytes]] = field(
        default_factory=set, init=False, compare=False, repr=False
    )

    @property
    def path(self) -> str:
        """The command as a user would type it."""
        return " ".join(self.command)

    @property
    def release(self) -> tuple[int, int, int]:
        """The version as numbers."""
        return release(self.version)

    def run(
        self,
        args: Sequence[str],
        cwd: Path,
        env: Mapping[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Result:
        """Run the engine with *args* in *cwd* and return what it printed.

        The environment is clean: what the system needs, an empty HOME unless *env* has one, and
        *env*. Remote includes are off. After *timeout* seconds the process and all that it
        started are killed. Nothing is raised for a run that fails.
        """
        if env is not None and "HOME" in env:
            return self._run(args, cwd, self._environment(cwd, env), timeout)
        with tempfile.TemporaryDirectory(prefix="composerefactor-home-") as home:
            return self._run(
                args, cwd, self._environment(cwd, {"HOME": home, **(env or {})}), timeout
            )

    def stop(self) -> None:
        """Kill every run that is under way in other threads."""
        for process in list(self._running):
            _kill(process)

    def _environment(self, cwd: Path, env: Mapping[str, str]) -> dict[str, str]:
        system = {name: os.environ[name] for name in _SYSTEM_NAMES if name in os.environ}
        system.setdefault("LANG", "C.UTF-8")
        # Projects use ${PWD}; every shell sets it.
        return {**system, **_QUICK, "PWD": str(cwd), **self.settings, **env, **_REMOTE_OFF}

    def _run(
        self, args: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
    ) -> Result:
        begin = time.perf_counter()
        try:
            process = subprocess.Popen(
                [*self.command, *args],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            return Result(127, b"", f"cannot start {self.path}: {error.strerror or error}")
        self._running.add(process)
        try:
            out = _Reader(process, process.stdout)
            err = _Reader(process, process.stderr)
            stopped = _wait(process, (out, err), begin + timeout)
        finally:
            # Also after an interrupt: nothing that was started may stay behind.
            if process.poll() is None:
                _kill(process)
            process.wait()
            self._running.discard(process)
        seconds = time.perf_counter() - begin
        if stopped:
            return Result(STOPPED, b"", f"no answer within {timeout:g} seconds", seconds)
        if out.is_over or err.is_over:
            return Result(STOPPED, b"", f"more than {MAX_OUTPUT:,} bytes of output", seconds)
        stderr = bytes(err.data).decode("utf-8", "replace")
        return Result(process.returncode, bytes(out.data), stderr, seconds)


class _Reader(threading.Thread):
    """Reads a pipe to its end, and kills the process that prints too much."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: IO[bytes] | None) -> None:
        super().__init__(daemon=True)
        assert pipe is not None  # noqa: S101 - both pipes were asked for
        self.process, self.pipe = process, pipe
        self.data = bytearray()
        self.is_over = False
        self.start()

    def run(self) -> None:
        with self.pipe:
            while chunk := self.pipe.read1(1 << 16):  # type: ignore[attr-defined]
                self.data += chunk
                if len(self.data) > MAX_OUTPUT:
                    self.is_over = True
                    _kill(self.process)
                    return


def _wait(process: subprocess.Popen[bytes], readers: Sequence[_Reader], deadline: float) -> bool:
    """Wait for the end of the output; return whether the time ran out first.

    Waiting for the pipes is exact; ``Popen.wait`` with a timeout polls, which costs up to 50 ms.
    """
    for reader in readers:
        reader.join(max(deadline - time.perf_counter(), 0))
    if not any(reader.is_alive() for reader in readers):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(deadline - time.perf_counter(), 0.1))
            return False
    _kill(process)
    for reader in readers:
        reader.join(1)
    return True


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill *process* with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def first_error(stderr: str) -> str:
    """Return the engine's error in *stderr* as one line without its warnings, or ``""``."""
    words: list[str] = []
    for line in stderr.splitlines():
        log = _LOG_LINE.match(line)
        if log is None and "level=warning" not in line:
            words.append(line.strip())
        elif log is not None and log[1] in {"error", "fatal"}:
            words.append(log[2])
        if line.startswith(("goroutine ", "panic: ")):
            break
    text = " ".join(word for word in words if word)
    return text if len(text) <= _MAX_WORDS else f"{text[: _MAX_WORDS - 3]}..."


def release(version: str) -> tuple[int, int, int]:
    """Return the numbers of *version*, as ``v2.24.1-desktop.1``; zeros where there are none."""
    match = _VERSION.search(version)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else (0, 0, 0)
