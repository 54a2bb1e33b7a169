"""Health checks of the catalogue against real servers: unhealthy, healthy, unhealthy again.

Nothing is installed here; ``make healthchecks`` installs the servers from Debian's packages. A
server that is not there is skipped.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from composerefactor.catalog.catalog import load
from composerefactor.catalog.choice import Choice, choose
from composerefactor.catalog.conditions import Use
from composerefactor.catalog.facts import Command
from composerefactor.catalog.tags import parse_tag
from support.healthchecks import busybox, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("servers")]

CATALOG = load()
PROGRAMS = os.pathsep.join(
    [
        # The programs themselves; what Debian has on PATH for RabbitMQ changes the user.
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))),
        "/usr/lib/rabbitmq/bin",
        os.environ["PATH"],
        "/usr/sbin",
    ]
)
READY_WITHIN = 60
LISTEN = ("--web.listen-address=:PORT",)


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


def nginx(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    (directory / "nginx.conf").write_text(
        f"pid {directory}/pid; error_log {directory}/error.log; daemon off; master_process off;\n"
        "events {}\n"
        f"http {{ access_log off; client_body_temp_path {directory}/b; "
        f"proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f; "
        f"uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;\n"
        f"  server {{ listen 127.0.0.1:{port}; return 404; }} }}\n",
        encoding="utf-8",
    )
    return ["nginx", "-p", str(directory), "-c", "nginx.conf", "-e", f"{directory}/error.log"], {}


def memcached(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    return ["memcached", "-l", "127.0.0.1", "-p", str(port), "-u", "root", "-U", "0"], {}


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


def haproxy(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    config = directory / "haproxy.cfg"
    config.write_text(
        "defaults\n  mode http\n  timeout client 5s\n  timeout connect 5s\n  timeout server 5s\n"
        f"frontend all\n  bind 127.0.0.1:{port}\n  http-request return status 200\n",
        encoding="utf-8",
    )
    return ["haproxy", "-db", "-f", str(config)], {}


def prometheus(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    config = directory / "prometheus.yml"
    config.write_text("scrape_configs: []\n", encoding="utf-8")
    return [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ], {}


def mosquitto(directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    config = directory / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous false\n", encoding="utf-8")
    return ["mosquitto", "-c", str(config)], {}


SERVERS = {
    "redis": Server("redis:7", "redis-server", redis, ("redis-server", "--port", "PORT")),
    "redis with a password": Server(
        "redis:7-alpine", "redis-server", redis_with_password, ("redis-server", "--port", "PORT")
    ),
    "postgres": Server(
        "postgres:16", "postgres", postgres, ("postgres", "-p", "PORT"), user="postgres",
        environ={"POSTGRES_USER": "nobody", "POSTGRES_DB": "nothing"},
    ),
    "mariadb with a password": Server("mariadb:11", "mariadbd", mariadb, ("--port=PORT",)),
    "mariadb 10.3": Server("mariadb:10.3", "mariadbd", mariadb, ("--port=PORT",)),
    "nginx": Server("nginx:1.27", "nginx", nginx, published=True),
    "nginx on Alpine": Server("nginx:1.27-alpine", "nginx", nginx, published=True),
    "nginx before 1.21": Server("nginx:1.19", "nginx", nginx, published=True),
    "memcached": Server("memcached:1.6", "memcached", memcached, ("-p", "PORT")),
    "memcached on Alpine": Server("memcached:1.6-alpine", "memcached", memcached, ("-p", "PORT")),
    "rabbitmq": Server("rabbitmq:3", "rabbitmq-server", rabbitmq),
    "haproxy": Server("haproxy:2.9", "haproxy", haproxy, published=True),
    "haproxy on Alpine": Server("haproxy:2.9-alpine", "haproxy", haproxy, published=True),
    "prometheus": Server("prom/prometheus:v3", "prometheus", prometheus, LISTEN),
    "mosquitto": Server("eclipse-mosquitto:2", "mosquitto", mosquitto, published=True),
}  # fmt: skip
BUSYBOX = {"nginx on Alpine", "memcached on Alpine", "haproxy on Alpine", "prometheus", "mosquitto"}


@pytest.mark.parametrize("name", SERVERS)
def test_check_against_a_real_server(name: str, tmp_path: Path) -> None:
    server = SERVERS[name]
    program(server.program)
    if server.user and server.user not in {each.pw_name for each in pwd.getpwall()}:
        pytest.skip(f"there is no user {server.user} (make healthchecks installs it)")
    path = str(busybox(tmp_path)) if name in BUSYBOX else PROGRAMS
    port = free_port()
    test = check(server, port)
    with tempfile.TemporaryDirectory(prefix="healthcheck-") as made:
        directory = Path(made)
        if server.user and os.getuid() == 0:
            shutil.chown(directory, server.user)
        command, environ = server.start(directory, port)
        try:
            goes_through_its_states(server, command, environ, directory, test, path)
        finally:
            stop_port_mapper(environ)


def goes_through_its_states(
    server: Server,
    command: list[str],
    environ: dict[str, str],
    directory: Path,
    test: Command,
    path: str,
) -> None:
    seen = {**server.environ, **environ}
    assert not run(test, path=path, environ=seen), "healthy before it is started"
    with started(server, command, environ, directory) as output:
        deadline = time.monotonic() + READY_WITHIN
        while not run(test, path=path, environ=seen):
            assert time.monotonic() < deadline, output.read_text(errors="replace")
            time.sleep(0.3)
    assert not run(test, path=path, environ=seen), "healthy after it is stopped"


def check(server: Server, port: int) -> Command:
    """Return what the catalogue has for *server* on *port*."""
    entry = CATALOG.match(server.image)
    assert entry is not None
    name, _, tag = server.image.partition(":")
    words = tuple(word.replace("PORT", str(port)) for word in server.options)
    used = Use(name, parse_tag(tag), server.environ, command=words)
    found = choose(entry, used, [str(port)] if server.published else [])
    assert isinstance(found, Choice)
    return found.check.test


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
