"""Real servers, started for a while. Nothing is installed; what is missing skips the test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAMS = os.pathsep.join(
    [
        # The programs themselves; what Debian has on PATH for RabbitMQ changes the user.
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))),
        "/usr/lib/rabbitmq/bin",
        os.environ["PATH"],
        "/usr/sbin",
    ]
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server as the service of *image*: *options* is its command, PORT its port.

    *start* prepares a directory and returns the command line and its environment.
    """

    image: str
    program: str
    start: Callable[[Path, int], tuple[list[str], dict[str, str]]]
    options: tuple[str, ...] = ()
    published: bool = False
    user: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)


def redis(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    return ["redis-server", "--port", str(port), "--dir", str(directory), "--save", ""], {}


def redis_with_password(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    command, environ = redis(directory, port)
    return [*command, "--requirepass", "hidden"], environ


def postgres(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    data = directory / "data"
    initdb = program("initdb")
    user = {"user": "postgres"} if os.getuid() == 0 else {}
    subprocess.run(
        [initdb, "-D", data, "-U", "postgres", "-A", "trust"],
        check=True,
        capture_output=True,
        **user,  # type: ignore[call-overload]
    )
    return ["postgres", "-D", str(data), "-p", str(port), "-k", str(directory)], {}


def mariadb(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    data = directory / "data"
    common = ["--no-defaults", f"--datadir={data}", "--user=root"]
    subprocess.run(
        [program("mariadb-install-db"), *common, "--auth-root-authentication-method=normal"],
        check=True,
        capture_output=True,
    )
    secret = directory / "init.sql"
    secret.write_text("ALTER USER root@localhost IDENTIFIED BY 'hidden';\n", encoding="utf-8")
    command = [
        "mariadbd",
        *common,
        f"--port={port}",
        f"--socket={directory}/s",
        "--bind-address=127.0.0.1",
    ]
    return [*command, f"--init-file={secret}"], {}


def rabbitmq(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    environ = {
        "HOME": str(directory),
        "RABBITMQ_NODENAME": f"composerefactor{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
        "RABBITMQ_PID_FILE": str(directory / "pid"),
        "RABBITMQ_FEATURE_FLAGS_FILE": str(directory / "feature_flags"),
        "ERL_EPMD_PORT": str(free_port()),  # a port mapper of its own,
        "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",  # which may be stopped while a node is still ending
    }
    return ["rabbitmq-server"], environ


@contextmanager
def started(
    server: Server, command: list[str], environ: dict[str, str], directory: Path
) -> Iterator[Path]:
    """Run *command* for a while, and end it with all its children; gives the file it prints to."""
    user = {"user": server.user} if server.user and os.getuid() == 0 else {}
    printed = directory / "output"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            [program(command[0]), *command[1:]],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=directory,
            env={"PATH": PROGRAMS, "HOME": str(directory), **environ},
            start_new_session=True,
            **user,  # type: ignore[call-overload]
        )
    try:
        yield printed
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def stop_port_mapper(environ: Mapping[str, str]) -> None:
    """End the port mapper of Erlang, which servers and checks start and leave running."""
    if "ERL_EPMD_PORT" in environ:
        subprocess.run(
            [program("epmd"), "-kill"],
            check=False,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "ERL_EPMD_PORT": environ["ERL_EPMD_PORT"]},
        )


def program(name: str) -> str:
    """Return the path of the program *name*; skips the test where it is not installed."""
    found = shutil.which(name, path=PROGRAMS)
    if found is None:
        pytest.skip(f"{name} is not installed (make healthchecks installs it)")
    return found


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
