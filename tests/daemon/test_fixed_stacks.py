"""With a real daemon: after ``fix --unsafe`` what was up is up, and finds its data."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from daemon.official import (
    MARIADB,
    MEMCACHED,
    NGINX,
    NODE,
    POSTGRES,
    RABBITMQ,
    REDIS,
    Image,
    archive,
    missing_programs,
    on_alpine,
)
from support.commandline import CommandLine, write

if TYPE_CHECKING:
    from daemon.conftest import Daemon

pytestmark = pytest.mark.daemon

UP_WITHIN = 150
DOCKERFILE = """\
FROM node:20-bookworm-slim
WORKDIR /app
COPY . .
EXPOSE 3000
CMD ["node", "server.js"]
"""
SITE = "server {\n  listen 80;\n  location / { proxy_pass http://app:3000; }\n}\n"


@dataclass(frozen=True, slots=True)
class Stack:
    """A project and its images.

    Attributes:
        files: Its files.
        images: Its images by name; a service that is built has ``stack-SERVICE``.
        stores: For each data store, commands that write a value and that read it.
        starts: Whether it starts before it is fixed.
    """

    files: dict[str, str]
    images: dict[str, Image]
    stores: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    starts: bool = True


def cli(*options: str) -> tuple[list[str], list[str]]:
    client = ["redis-cli", *options]
    return [*client, "SET", "kept", "42"], [*client, "GET", "kept"]


POSTGRES_STORE = (
    ["psql", "-U", "postgres", "-d", "app", "-c", "CREATE TABLE kept AS SELECT 42 AS n"],
    ["psql", "-U", "postgres", "-d", "app", "-c", "SELECT n FROM kept"],
)

MINIAPP = """\
services:
  app:
    build: ./app
    ports: ["28300:3000"]
    environment:
      - NODE_ENV=production
      - REDIS_URL=redis://redis:6379
      - NEEDS=ml-api:3000
    depends_on: [ml-api]
    networks: [aurum-network]
    restart: unless-stopped
  ml-api:
    build: ./app
    ports: ["28301:3000"]
    environment: [NODE_ENV=production, NEEDS=redis:6379]
    depends_on: [redis]
    volumes: [./models:/app/models]
    networks: [aurum-network]
    restart: unless-stopped
  nginx:
    image: nginx:alpine
    ports: ["28380:80"]
    volumes: [./nginx:/etc/nginx/conf.d]
    depends_on: [app, ml-api]
    networks: [aurum-network]
    restart: unless-stopped
"""
CIRCLE = """\
services:
  app:
    build: .
    ports: ["28300:3000"]
    environment: [NODE_ENV=production, "REDIS_URL=redis://redis:6379", PORT=3000, NEEDS=redis:6379]
    depends_on:
      redis: {condition: service_healthy}
    restart: unless-stopped
  redis:
    image: redis:7-alpine
    ports: ["28379:6379"]
    volumes: [redis_data:/data, redis_config:/etc/redis]
    command: redis-server --appendonly yes --requirepass ${REDIS_PASSWORD:-}
    restart: unless-stopped
    healthcheck:
      test: ["CMD", "redis-cli", "ping"]
      interval: 2s
  nginx:
    image: nginx:alpine
    ports: ["28380:80"]
    volumes:
      - ./nginx:/etc/nginx/conf.d:ro
      - nginx_logs:/var/log/nginx
    depends_on: [app]
    restart: unless-stopped
volumes:
  redis_data:
  redis_config:
  nginx_logs:
"""
RECOMMEND = """\
version: '3.8'
services:
  redis:
    image: redis:7-alpine
    container_name: stack_redis
    ports: ["${REDIS_PORT:-28379}:6379"]
    volumes: [redis_data:/data]
    networks: [stack_network]
    restart: unless-stopped
    command: redis-server --appendonly yes
  api_server:
    build: .
    ports: ["${API_SERVER_PORT:-28030}:${API_SERVER_PORT:-28030}"]
    environment:
      - PORT=${API_SERVER_PORT:-28030}
      - REDIS_HOST=${REDIS_HOST:-redis}
      - REDIS_PASSWORD=${REDIS_PASSWORD:-}
      - NEEDS=redis:6379
    volumes: [./logs:/app/logs]
    networks: [stack_network]
    depends_on: [redis]
    restart: unless-stopped
networks:
  stack_network:
    driver: bridge
volumes:
  redis_data:
"""
RECONCILIATION = """\
services:
  postgres:
    image: postgres:15-alpine
    environment:
      POSTGRES_DB: ${POSTGRES_DB:-app}
      POSTGRES_USER: ${POSTGRES_USER:-postgres}
      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres_pass}
    volumes:
      - postgres_data:/var/lib/postgresql/data
      - ./postgresql.conf:/etc/postgresql/postgresql.conf:ro
    ports: ["${POSTGRES_PORT:-28432}:5432"]
    restart: unless-stopped
  redis:
    image: redis:7-alpine
    volumes:
      - redis_data:/data
      - ./redis.conf:/usr/local/etc/redis/redis.conf:ro
    command: [redis-server, /usr/local/etc/redis/redis.conf]
    ports: ["${REDIS_PORT:-28379}:6379"]
    restart: unless-stopped
  backend:
    build: .
    environment:
      DATABASE_URL: postgresql://${POSTGRES_USER:-postgres}:${POSTGRES_PASSWORD:-postgres_pass}@postgres:5432/${POSTGRES_DB:-app}
      REDIS_URL: redis://redis:6379
      JWT_SECRET: ${JWT_SECRET:-change-this-in-production}
      NEEDS: postgres:5432 redis:6379
    depends_on: [postgres, redis]
    restart: unless-stopped
volumes:
  postgres_data:
  redis_data:
"""
SERVICES = """\
services:
  mysql:
    image: mariadb:10.11
    environment:
      MARIADB_ROOT_PASSWORD: password123
      MARIADB_DATABASE: app
    volumes: [mysql_data:/var/lib/mysql]
    ports: ["28306:3306"]
  redis:
    image: redis:7.2-alpine
    command: redis-server --appendonly yes --requirepass redis123
    volumes: [redis_data:/data]
  queue:
    image: rabbitmq:3
    hostname: queue
    environment: {RABBITMQ_DEFAULT_USER: app, RABBITMQ_DEFAULT_PASS: rabbit123}
    volumes: [queue_data:/var/lib/rabbitmq]
  cache:
    image: memcached:1.6
    command: -m 32
  database:
    image: postgres:16
    environment:
      POSTGRES_PASSWORD: password123
      POSTGRES_DB: app
    volumes: [database_data:/var/lib/postgresql/data]
  gateway:
    build: .
    environment:
      - NODE_ENV=production
      - REDIS_URL=redis://:redis123@redis:6379
      - AMQP_URL=amqp://app:rabbit123@queue:5672
      - MYSQL_URL=mysql://root:password123@mysql:3306/app
      - NEEDS=mysql:3306 redis:6379 queue:5672 cache:11211
    depends_on: [mysql, redis, queue, cache, database]
    restart: unless-stopped
  nginx:
    image: nginx:1.27
    ports: ["28380:80"]
    volumes: [./nginx.conf:/etc/nginx/nginx.conf:ro]
    depends_on: [gateway]
volumes:
  mysql_data:
  redis_data:
  queue_data:
  database_data:
"""
STACKS = {
    "undefined network": Stack(
        {"docker-compose.yml": MINIAPP, "app/Dockerfile": DOCKERFILE, "nginx/default.conf": SITE},
        {
            "stack-app": NODE, "stack-ml-api": NODE, "nginx:alpine": on_alpine(NGINX),
            "redis:7-alpine": on_alpine(REDIS), "redis:8-alpine": on_alpine(REDIS),
        },
        starts=False,
    ),
    "circle": Stack(
        {
            "docker-compose.yml": CIRCLE, "Dockerfile": DOCKERFILE, "nginx/default.conf": SITE,
            ".env": "REDIS_PASSWORD=hidden\n",
        },
        {"stack-app": NODE, "nginx:alpine": on_alpine(NGINX), "redis:7-alpine": on_alpine(REDIS)},
        {"redis": cli("-a", "hidden")},
    ),
    "recommend": Stack(
        {"docker-compose.yml": RECOMMEND, "Dockerfile": DOCKERFILE},
        {"stack-api_server": NODE, "redis:7-alpine": on_alpine(REDIS)},
        {"redis": cli()},
    ),
    "reconciliation": Stack(
        {
            "docker-compose.yml": RECONCILIATION, "Dockerfile": DOCKERFILE, "postgresql.conf": "",
            "redis.conf": "appendonly yes\nprotected-mode no\n",
        },
        {
            "stack-backend": NODE, "postgres:15-alpine": on_alpine(POSTGRES),
            "redis:7-alpine": on_alpine(REDIS),
        },
        {"redis": cli(), "postgres": POSTGRES_STORE},
    ),
    "services": Stack(
        {
            "docker-compose.yml": SERVICES, "Dockerfile": DOCKERFILE,
            "nginx.conf": f"events {{}}\nhttp {{\n{SITE.replace('app', 'gateway')}}}\n",
        },
        {
            "stack-gateway": NODE, "mariadb:10.11": MARIADB, "redis:7.2-alpine": on_alpine(REDIS),
            "rabbitmq:3": RABBITMQ, "memcached:1.6": MEMCACHED, "postgres:16": POSTGRES,
            "nginx:1.27": NGINX,
        },
        {"redis": cli("-a", "redis123"), "database": POSTGRES_STORE},
    ),
}  # fmt: skip


class Project:
    """The project of a stack in *directory*, with its containers."""

    def __init__(self, engine: Path, daemon: Daemon, directory: Path) -> None:
        self._engine, self._daemon, self.directory = engine, daemon, directory

    def compose(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [str(self._engine), *arguments],
            cwd=self.directory,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.directory.parent),
                "DOCKER_HOST": self._daemon.host,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"{done.stderr}\n{self.compose('logs', '--tail', '15', check=False)}")
        return done.stdout

    def states(self) -> dict[str, str]:
        """Return the state of each container by service, and how often Docker restarted it."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found: list[dict[str, Any]] = json.loads(self._daemon.run("inspect", *ids)) if ids else []
        states = {}
        for each in found:
            state = each["State"]
            health = state.get("Health", {}).get("Status", "running")
            words = (
                health if state["Status"] == "running" else f"{state['Status']} {state['ExitCode']}"
            )
            states[each["Config"]["Labels"]["com.docker.compose.service"]] = words
        return states

    def wait(self) -> dict[str, str]:
        """Return the states once all services are up, and stay so for two seconds."""
        deadline = time.monotonic() + UP_WITHIN
        is_up = 0
        while is_up < 3:
            states = self.states()
            is_up = is_up + 1 if set(states.values()) <= {"running", "healthy"} else 0
            if time.monotonic() > deadline:
                log = self.compose("logs", "--tail", "15")
                pytest.fail(f"{states}\n{log}")
            time.sleep(1)
        return states


@pytest.fixture
def project(engine: Path, daemon: Daemon, tmp_path: Path) -> Iterator[Project]:
    made = Project(engine, daemon, tmp_path / "stack")
    yield made
    if made.directory.exists():  # else the test was skipped
        made.compose("down", "--volumes", "--timeout", "1", check=False)


@pytest.fixture(scope="session")
def imported(daemon: Daemon) -> Callable[[str, Image], None]:
    archives: dict[Image, bytes] = {}

    def run(name: str, image: Image) -> None:
        if absent := missing_programs(image):
            pytest.skip(f"{', '.join(absent)} is missing (make healthchecks installs it)")
        if image not in archives:
            archives[image] = archive(image)
        changes = ('ENTRYPOINT ["/docker-entrypoint.sh"]', *image.changes)
        options = [word for change in changes for word in ("--change", change)]
        daemon.run("import", *options, "-", name, stdin=archives[image])

    return run


@pytest.mark.parametrize("name", STACKS)
def test_what_was_up_is_up_after_all_fixes(
    name: str, project: Project, command_line: CommandLine, imported: Callable[[str, Image], None]
) -> None:
    stack = STACKS[name]
    for image, made in stack.images.items():
        imported(image, made)
    write(project.directory, stack.files)
    if stack.starts:
        project.compose("up", "--detach")
        project.wait()
        for service, (put, _) in stack.stores.items():
            project.compose("exec", "--no-TTY", service, *put)
    done = command_line(project.directory, "fix", "--unsafe", "--yes")
    assert done.code == 0, done.err
    project.compose("up", "--detach")
    states = project.wait()
    assert "healthy" in states.values()
    # New containers for the same data, as an update of the images makes them.
    project.compose("down", "--timeout", "10")
    project.compose("up", "--detach")
    assert project.wait() == states
    for service, (_, get) in stack.stores.items():
        assert "42" in project.compose("exec", "--no-TTY", service, *get), service
