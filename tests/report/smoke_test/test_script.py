"""The text of the smoke-test script, and what the engine makes of the copy that it starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.compose.services import start_model
from composerefactor.report.smoke_test import (
    clients,
    endpoints,
    excluded_services,
    hosts,
    isolation,
    persistent_data,
    smoke_test,
)
from support.commandline import write
from support.memory import Memory

SHELLCHECK = Path(sys.executable).with_name("shellcheck")
SECRET = "hunter2-planted"
TEXT = """\
services:
  web:
    image: nginx:1.27
    container_name: shop-web
    ports: ["80:80", "8443:443", "53:53/udp"]
    labels: {traefik.enable: "true"}
    environment: [VIRTUAL_HOST=shop.example.com, "TOKEN=hunter2-planted", "API=http://api:8000"]
    depends_on: [api, proxy]
    healthcheck:
      test: curl -f "http://user:hunter2-planted@localhost/x" || curl localhost/?t=hunter2-planted
    networks: [front]
  api:
    build: .
    ports: ["${API_PORT:-8000}:8000", "9229:9229", "127.0.0.1:50051:50051"]
    healthcheck:
      test: [CMD, curl, -f, "http://localhost:8000/api/health?token=hunter2-planted"]
    networks:
      front: {ipv4_address: 10.0.0.7}
    volumes: ["./uploads:/uploads", "uploads:/data"]
  db:
    image: postgres:16
    container_name: shop-db
    ports: ["5432:5432"]
    environment: {POSTGRES_PASSWORD: hunter2-planted}
    volumes:
      - ./data/pg:/var/lib/postgresql/data
      - ./init.sql:/docker-entrypoint-initdb.d/init.sql
  cache:
    image: redis:7
    command: redis-server --requirepass hunter2-planted
  migrate:
    build: .
    command: alembic upgrade head
    environment: ["DATABASE_URL=postgres://db/shop"]
    restart: "no"
  backup:
    image: postgres:16
    command: pg_dump -h db
    volumes: ["backups:/backups", "old:/old:ro"]
  proxy:
    image: traefik:v3
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
    ports: ["8080:8080"]
  sidecar:
    image: local/sidecar
    network_mode: service:proxy
  "odd.name-1":
    image: local/x
    volumes: ["it's:/it's here"]
networks:
  front:
    ipam: {config: [{subnet: 10.0.0.0/24}]}
  back: {external: true}
volumes:
  uploads: {name: uploads_of_production}
  backups: {external: true}
  old:
  "it's":
"""
NO_SUCH_VOLUME = TEXT.replace("it's:/it's here", "odd:/it's here").replace('"it\'s"', "odd")


@pytest.fixture
def project() -> Any:
    entry = Invocation(("compose.yaml",))
    found = load_project([entry], Library(Memory({"compose.yaml": NO_SUCH_VOLUME})))
    assert not found.errors
    return found


@pytest.fixture
def text(project: Any) -> str:
    found = start_model(project, project.entries[0])
    return smoke_test(project, found, directory="a dir/..", name="smoke-test.sh")


def shellcheck(path: Path, *options: str) -> str:
    done = subprocess.run(
        [SHELLCHECK, "--shell=sh", *options, path], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_shellcheck_has_nothing_to_say(text: str, tmp_path: Path) -> None:
    assert shellcheck(write(tmp_path, {"smoke-test.sh": text}) / "smoke-test.sh") == ""


@pytest.mark.parametrize("store", sorted(clients()))
def test_shellcheck_has_nothing_to_say_on_clients(store: str, tmp_path: Path) -> None:
    script = clients()[store].script
    assert "\nEND\n" not in script
    path = write(tmp_path, {"client.sh": script}) / "client.sh"
    # Variables come from the environment; functions of one kind are not all needed.
    assert shellcheck(path, "--exclude=SC2154,SC2317,SC2329") == ""


def test_it_holds_no_secret(text: str) -> None:
    assert SECRET not in text


def test_endpoints_are_what_health_checks_ask_for(project: Any) -> None:
    found = endpoints(project, start_model(project, project.entries[0]))
    assert [(e.service, e.target, e.scheme, e.path, e.expects) for e in found] == [
        ("web", "80", "http", "/", "maybe"),
        ("web", "443", "https", "/", "maybe"),
        ("api", "8000", "http", "/api/health", "ok"),
        ("proxy", "8080", "http", "/", "maybe"),
    ]


def test_hosts_are_asked_for_where_services_keep_running(project: Any) -> None:
    assert hosts(start_model(project, project.entries[0])) == [
        ("web", "api"),
        ("backup", "db"),
    ]


def test_data_is_what_stores_and_named_volumes_hold(project: Any) -> None:
    found = persistent_data(project, start_model(project, project.entries[0]))
    assert [(k.service, k.path, k.client.name if k.client else "", k.lost) for k in found] == [
        ("db", "/var/lib/postgresql/data", "psql", ""),
        ("cache", "/data", "redis-cli", "no volume is mounted at /data"),
        ("api", "/data", "", ""),
        ("backup", "/backups", "", ""),
        ("odd.name-1", "/it's here", "", ""),
    ]


def test_what_cannot_run_twice_is_excluded(project: Any) -> None:
    assert list(excluded_services(start_model(project, project.entries[0]))) == ["proxy", "sidecar"]


def test_the_copy_shares_nothing(project: Any, engine: Path, tmp_path: Path) -> None:
    own = isolation(project, start_model(project, project.entries[0]))
    write(tmp_path, {"compose.yaml": NO_SUCH_VOLUME, "isolation.yml": own})
    files = ["--file", "compose.yaml", "--file", "isolation.yml"]
    done = subprocess.run(
        [engine, *files, "--project-name", "copy", "config", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if "unknown" in done.stderr and "!override" in done.stderr:
        pytest.skip("this Docker Compose knows no !override")
    assert done.returncode == 0, done.stderr
    model = json.loads(done.stdout)
    services = model["services"]
    assert set(services) == {"web", "api", "db", "cache", "migrate", "backup", "odd.name-1"}
    for service in services.values():
        assert "container_name" not in service
        assert "labels" not in service
        for port in service.get("ports", []):
            assert "published" not in port
            assert port["host_ip"] == "127.0.0.1"
    assert services["web"]["environment"]["VIRTUAL_HOST"] == ""
    assert services["web"]["networks"]["front"]["aliases"] == ["shop-web"]
    assert services["db"]["networks"]["default"]["aliases"] == ["shop-db"]
    assert (
        "proxy" not in services["web"]["depends_on"]
        or not (services["web"]["depends_on"]["proxy"]["required"])
    )
    data, script = services["db"]["volumes"]
    assert (data["type"], data["source"]) == ("volume", "smoke-test-db-1")
    assert script["type"] == "bind"
    assert not services["api"]["networks"]["front"]
    assert {each["name"].partition("_")[0] for each in model["volumes"].values()} == {"copy"}
    assert not any("external" in each for each in model["volumes"].values())
    assert model["networks"]["front"] == {"name": "copy_front", "ipam": {}}
