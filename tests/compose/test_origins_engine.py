"""The lines of an explained service, put together again, resolve to the same service."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from composerefactor.analysis.analysis import open_for_analysis
from composerefactor.compose.interpolation import expand
from composerefactor.compose.origins import (
    Origin,
    is_list_of_scalars,
    list_texts,
    origins,
    resolved,
)
from composerefactor.compose.services import Service, start_model
from composerefactor.planning.opening import ProjectSelection
from composerefactor.yaml.nodes import MappingNode, ScalarNode
from composerefactor.yaml.values import resolve_plain
from support.commandline import CommandLine, write
from support.engine import arguments_of

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
PROJECTS = [
    *ROOT.glob("golden/split/*anchor*/before"),
    *ROOT.glob("golden/split/*environments*/before"),
    ROOT / "examples" / "legacy-shop",
]

ALL_MERGES = {
    "compose.yaml": """\
x-defaults: &defaults
  restart: "no"
  environment: {SHADOWED: 1}
  logging: {driver: json-file, options: {max-size: 10m}}
x-labels: &labels
  from.anchor: "yes"
include:
  - included.yaml
services:
  base:
    image: base:${TAG:-1}
    restart: unless-stopped
    environment: {A: 1, B: "2", C: 1.10, D: true}
    healthcheck: {test: [CMD, "true"], interval: 5s, retries: 3}
    ports: ["80:80", "8443:443"]
    cap_add: [CHOWN, KILL]
    command: one two
    dns: 1.1.1.1
    ulimits: {nofile: 1024, nproc: {soft: 1, hard: 2}}
    extra_hosts: {host.docker.internal: host-gateway}
  api:
    <<: [*defaults, {user: "1000"}]
    extends: base
    image: api:$TAG
    build: .
    environment: [A=2, E, FROM_FILE]
    labels: *labels
    networks: [front]
    depends_on: [db]
    env_file: one.env
    volumes: [data:/data, ./src:/app:ro, /anonymous]
    secrets: [token]
    profiles: [debug]
    tmpfs: /run
    scale: 2
  db:
    image: db
networks: {front: {}, back: {}}
volumes: {data: {}}
secrets: {token: {file: one.env}}
""",
    "included.yaml": """\
services:
  cache:
    image: redis:${CACHE:-7}
    command: [redis-server, --port, "6379"]
""",
    "compose.override.yaml": """\
services:
  cache:
    image: valkey
    command: !reset null
  db:
    entrypoint: ["sleep", "1"]
    logging: {driver: syslog, options: {tag: db}}
  api:
    build: {args: {V: "${TAG}"}, target: dev}
    restart: always
    environment: {A: null, F: "$$literal"}
    healthcheck: {retries: 5, test: echo ok}
    ports: !override ["81:80", {target: 443, published: "8443"}]
    cap_add: [CHOWN]
    labels: [from.override=1, from.anchor=no]
    networks: {back: {aliases: [a]}, front: {priority: 5}}
    depends_on: {cache: {condition: service_started, required: false}}
    env_file: [{path: two.env, required: false}]
    volumes: [{type: volume, source: data, target: /data, read_only: true}]
    logging: {driver: local}
    ulimits: {nofile: {soft: 5, hard: 6}}
    extra_hosts: ["other:10.0.0.1"]
    tmpfs: [/tmp]
    deploy: {resources: {limits: {memory: 1g}}, replicas: 2}
    mem_limit: 1g
""",
    ".env": "TAG=5\nFROM_FILE=env\n",
    "one.env": "ONE=1\n",
    "two.env": "TWO=2\n",
    "src/main.py": "",
    "Dockerfile": "FROM scratch\n",
}
"""Every kind of merge, with anchors, include, extends and an override file."""


def explained(service: Service, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the lines of *service* as a service again, without those of its env files."""
    lines = [line for line in origins(service) if line.place.node and not line.is_removed]
    result: dict[str, Any] = below((), lines, environ)
    return result


def below(path: tuple[str | int, ...], lines: list[Origin], environ: Mapping[str, str]) -> Any:
    """Return the value of the lines below *path*."""
    children = [line for line in lines if line.path[:-1] == path]
    values = [value_of(line, lines, environ) for line in children]
    if any(isinstance(line.path[-1], int) for line in children):
        return values
    return {line.path[-1]: value for line, value in zip(children, values, strict=True)}


def value_of(line: Origin, lines: list[Origin], environ: Mapping[str, str]) -> Any:
    node, located = line.place.yaml, line.place.node
    if any(other.path[:-1] == line.path for other in lines):
        return below(line.path, lines, environ)
    if is_list_of_scalars(node) and located is not None:
        variables = {**located.scope.variables, **environ}
        return [escaped(expand(text, variables)) for text in list_texts(line.place)]
    if isinstance(node, MappingNode):
        return {}
    if line.path[0] in {"depends_on", "networks"} and line.is_item and len(line.path) == 2:
        return {"condition": "service_started"} if line.path[0] == "depends_on" else None
    text = resolved(line, environ, {})
    is_plain = isinstance(node, ScalarNode) and not node.style and not line.is_item
    return escaped(resolve_plain(text) if is_plain and text is not None else text)


def escaped(value: Any) -> Any:
    return value.replace("$", "$$") if isinstance(value, str) else value


def config(
    command_line: CommandLine, directory: Path, arguments: list[str], text: str = ""
) -> dict[str, Any] | None:
    """Return the resolved configuration; None if Docker Compose rejects the project."""
    done = subprocess.run(
        [
            *(command_line.engine, "--profile", "*", *arguments),
            *("config", "--format", "json", "--no-env-resolution"),
        ],
        cwd=directory,
        env={**command_line.environ, "COMPOSE_PROJECT_NAME": "same"},
        input=text.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode and text:
        raise AssertionError(done.stderr.decode())
    document: dict[str, Any] | None = json.loads(done.stdout) if done.returncode == 0 else None
    return document


def compare(root: Path, command_line: CommandLine) -> int:
    """Compare the services of all start commands of the project in *root*; return their number."""
    compared = 0
    opened = open_for_analysis(ProjectSelection(root, environ=command_line.environ))
    for entry in opened.project.readable:
        directory = opened.root / entry.directory
        whole = config(command_line, directory, arguments_of(entry))
        model = start_model(opened.project, entry)
        if whole is None:
            continue
        base = model.scopes[entry.root_file].directory
        services = {
            name: explained(service, command_line.environ)
            for name, service in model.services.items()
            if all(each.scope.directory == base for each in service.definitions)
        }
        others = {n: body for n, body in whole["services"].items() if n not in services}
        text = json.dumps({**whole, "services": {**others, **services}})
        again = config(
            command_line,
            directory,
            ["-f", "-", "--project-directory", os.path.relpath(base, entry.directory)],
            text,
        )
        for name in services:
            assert again is not None
            assert again["services"].get(name) == whole["services"].get(name), (root, name)
            compared += 1
    return compared


@pytest.mark.parametrize("root", PROJECTS, ids=lambda path: path.parts[-2])
def test_lines_are_what_docker_compose_resolves(root: Path, command_line: CommandLine) -> None:
    compare(root, command_line)


def test_every_merge_is_that_of_docker_compose(tmp_path: Path, command_line: CommandLine) -> None:
    assert compare(write(tmp_path / "all", ALL_MERGES), command_line) == 8
