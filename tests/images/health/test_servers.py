"""Health checks of the image catalog against real servers: unhealthy, healthy, unhealthy again.

Nothing is installed here; ``make healthchecks`` installs the servers from Debian's packages. A
missing server is skipped.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from composerefactor.images.catalog import load_catalog
from composerefactor.images.entries import Command, ImageUse, parse_tag
from composerefactor.images.lookup import HealthCheckChoice, choose_check
from support.healthchecks import busybox, run
from support.servers import (
    PROGRAMS,
    Server,
    free_port,
    mariadb,
    postgres,
    program,
    rabbitmq,
    redis,
    redis_with_password,
    started,
    stop_port_mapper,
)

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("servers")]

CATALOG = load_catalog()
READY_WITHIN = 60
LISTEN = ("--web.listen-address=:PORT",)


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
    """Return the command of the image catalog for *server* on *port*."""
    entry = CATALOG.match(server.image)
    assert entry is not None
    name, _, tag = server.image.partition(":")
    words = tuple(word.replace("PORT", str(port)) for word in server.options)
    used = ImageUse(name, parse_tag(tag), server.environ, command=words)
    found = choose_check(entry, used, [str(port)] if server.published else [])
    assert isinstance(found, HealthCheckChoice)
    return found.test
