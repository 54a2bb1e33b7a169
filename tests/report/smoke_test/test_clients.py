"""The clients against real servers: what is written is there after a restart."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from composerefactor.report.smoke_test import clients
from support import servers
from support.servers import PROGRAMS, Server, free_port, program, started, stop_port_mapper

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("servers")]

READY_WITHIN = 60


def redis(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    command = ["redis-server", "--port", str(port), "--dir", str(directory)]
    return [*command, "--requirepass", "hidden word"], {}


@dataclass(frozen=True, slots=True)
class Case:
    """A server as the client of *store* meets it, with what its container would know."""

    store: str
    server: Server
    environ: Mapping[str, str] = field(default_factory=dict)
    arguments: str = ""


CASES = {
    "redis, password in the command": Case(
        "redis", Server("", "redis-server", redis),
        arguments="sh\n-c\nredis-server --port PORT --requirepass 'hidden word'",
    ),
    "redis, password as an argument": Case(
        "redis", Server("", "redis-server", redis),
        arguments="redis-server\n--port\nPORT\n--requirepass\nhidden word\n--appendonly\nno",
    ),
    "redis, password as a variable of the command": Case(
        "redis", Server("", "redis-server", redis), {"SECRET": "hidden word"},
        'sh\n-c\nredis-server --port PORT --requirepass "$SECRET" --appendonly no',
    ),
    "redis, password in a variable": Case(
        "redis", Server("", "redis-server", redis), {"REDIS_PASSWORD": "hidden word"},
        "redis-server\n--port\nPORT",
    ),
    "postgres": Case(
        "postgres", Server("", "postgres", servers.postgres, user="postgres"),
        {"PGHOST": "DIRECTORY", "PGPORT": "PORT"},
    ),
    "mariadb": Case(
        "mariadb", Server("", "mariadbd", servers.mariadb), {"MARIADB_ROOT_PASSWORD": "hidden"}
    ),
    "rabbitmq": Case("rabbitmq", Server("", "rabbitmq-server", servers.rabbitmq)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client said."""

    code: int
    out: str


def asking(
    case: Case, directory: Path, port: int, environ: Mapping[str, str]
) -> Callable[[str], Asked]:
    """Return what runs the client as in the container of *case*, to ``write`` or to ``read``."""
    own = directory / "bin"
    own.mkdir()
    socket = f"--no-defaults --socket={directory}/s"
    wrapper = own / "mariadb"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("mariadb")} {socket} "$@"\n', "utf-8")
    wrapper.chmod(0o755)

    def ask(do: str) -> Asked:
        texts = {"PORT": str(port), "DIRECTORY": str(directory)}
        given = {"ARGUMENTS": case.arguments, **case.environ}
        for name, text in texts.items():
            given = {key: value.replace(name, text) for key, value in given.items()}
        done = subprocess.run(
            ["sh", "-c", clients()[case.store].script],
            env={"PATH": f"{own}:{PROGRAMS}", "DO": do, "VALUE": "smoke1", **environ, **given},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Asked(done.returncode, done.stdout)

    return ask


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_there_after_a_restart(name: str) -> None:
    case = CASES[name]
    program(case.server.program)
    if case.server.user and case.server.user not in {each.pw_name for each in pwd.getpwall()}:
        pytest.skip(f"there is no user {case.server.user} (make healthchecks installs it)")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="smoketest-") as made:
        directory = Path(made)
        directory.chmod(0o755)
        if case.server.user and os.getuid() == 0:
            shutil.chown(directory, case.server.user)
        command, environ = case.server.start(directory, port)
        ask = asking(case, directory, port, environ)
        try:
            with started(case.server, command, environ, directory) as output:
                until(lambda: ask("write").code == 0, output)
            with started(case.server, command, environ, directory) as output:
                until(lambda: ask("read").out.splitlines()[:1] == ["smoke1"], output)
        finally:
            stop_port_mapper(environ)


def test_nobody_logs_in_without_a_password() -> None:
    program("redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="smoketest-") as made:
        directory = Path(made)
        command, environ = redis(directory, port)
        case = Case(
            "redis", Server("", "redis-server", redis), arguments="redis-server\n--port\nPORT"
        )
        ask = asking(case, directory, port, environ)
        with started(case.server, command, environ, directory) as output:
            until(lambda: ask("write").code == 77, output)


def until(done: Callable[[], bool], output: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not done():
        assert time.monotonic() < deadline, output.read_text(errors="replace")
        time.sleep(0.3)
