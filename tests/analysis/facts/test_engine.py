"""The facts that are read from the text are those that Docker Compose resolves."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from composerefactor.analysis.analysis import open_for_analysis
from composerefactor.analysis.facts.architecture import InvocationFacts, survey
from composerefactor.planning.opening import ProjectSelection
from support.commandline import CommandLine, write

FILES = {
    "compose.yaml": """\
x-common: &common
  restart: unless-stopped
  networks: [back]
services:
  web:
    <<: *common
    build: {context: ./web}
    ports: ["${WEB_PORT:-8080}:80", "127.0.0.1:9229:9229/udp", "7000-7001:70-71"]
    depends_on: {api: {condition: service_healthy}}
  api:
    extends: {file: base.yaml, service: base}
    image: ghcr.io/acme/api:${TAG}
    depends_on: [db]
    healthcheck: {test: "true", interval: 5s}
  db:
    <<: *common
    image: postgres:16
    volumes: ["data:/var/lib/postgresql/data", "${MOUNT:-./init:/init}", "/cache"]
    mem_limit: 1g
networks: {back: {}}
volumes: {data: {}}
""",
    "compose.override.yaml": """\
services:
  web:
    ports: ["81:81"]
    depends_on: [db]
  db:
    volumes: ["other:/var/lib/postgresql/data"]
volumes: {other: {}}
""",
    "base.yaml": "services: {base: {image: x, ports: ['90:90'], deploy: {replicas: 2}}}\n",
    ".env": "TAG=3\n",
    "web/Dockerfile": "FROM nginx\n",
}


def resolved(root: Path, command_line: CommandLine) -> dict[str, Any]:
    command = [command_line.engine, "config", "--format", "json"]
    done = subprocess.run(
        command, cwd=root, env=dict(command_line.environ), capture_output=True, check=True
    )
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


def facts(root: Path) -> InvocationFacts:
    opened = open_for_analysis(ProjectSelection(root))
    found = survey(opened.project, "shop").main
    assert found is not None
    assert found.invocation.files == ("compose.yaml", "compose.override.yaml")
    return found


@pytest.mark.engine
def test_facts_are_those_of_the_engine(tmp_path: Path, command_line: CommandLine) -> None:
    root = write(tmp_path / "shop", FILES)
    engine, found = resolved(root, command_line), facts(root)
    assert {each.name for each in found.services} == set(engine)
    for service in found.services:
        model = engine[service.name]
        assert (service.image or None) == model.get("image")
        assert service.restart == model.get("restart", "")
        assert set(service.networks or ()) == set(model["networks"])
        assert sorted((p.target, p.published, p.host_ip, p.protocol) for p in service.ports) == (
            sorted(
                (str(p["target"]), p.get("published", ""), p.get("host_ip", ""), p["protocol"])
                for p in model.get("ports", ())
            )
        )
        kinds = {"anonymous": "volume"}
        assert {(kinds.get(m.kind, m.kind), m.target) for m in service.mounts} == {
            (volume["type"], volume["target"]) for volume in model.get("volumes", ())
        }
        conditions = {e.callee: e.condition for e in found.edges if e.caller == service.name}
        assert conditions == {
            name: each["condition"] for name, each in model.get("depends_on", {}).items()
        }
    totals = found.totals
    assert (totals.containers, totals.memory_limit) == (4, 1024**3)
