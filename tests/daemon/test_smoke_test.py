"""The smoke-test script with a real daemon: what it says, and that all stays as it was."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from composerefactor.compose.services import start_models
from composerefactor.planning.opening import ProjectSelection, open_project
from composerefactor.report.smoke_test import smoke_test
from support.commandline import write

if TYPE_CHECKING:
    from daemon.conftest import Daemon

pytestmark = pytest.mark.daemon

SECRET = "hunter2-planted"  # what nobody may read in the script or its output
SHOP = """\
x-program: &program
  image: local/busybox:1
  stop_grace_period: 1s

services:
  web:
    <<: *program
    container_name: the-web
    command: [busybox, httpd, -f, -p, "8080", -h, /www]
    ports: ["18080:8080"]
    volumes: ["./www:/www:ro"]
    environment: {TOKEN: "${TOKEN}"}
    depends_on:
      migrate: {condition: service_completed_successfully}
      notes: {condition: service_healthy}
    healthcheck:
      test: [CMD, busybox, wget, -q, -O, "-", "http://127.0.0.1:8080/index.html"]
      interval: 1s
  migrate:
    <<: *program
    command: [sh, -c, "exit 0"]
    restart: "no"
  notes:
    <<: *program
    command: [sleep, "1000"]
    volumes: [notes:/notes]
    healthcheck: {test: [CMD, cat, /proc/1/stat], interval: 1s}
  agent:
    <<: *program
    command: [sleep, "1000"]
    volumes: [/var/run/docker.sock:/var/run/docker.sock]

volumes:
  notes: {name: notes_of_production}
networks:
  default: {ipam: {config: [{subnet: 10.213.77.0/24}]}}
"""
FILES = {
    "compose.yaml": SHOP,
    "www/index.html": "hello\n",
    ".env": f"TOKEN={SECRET}\nPASSWORD={SECRET}\n",
}
STORE = """\
services:
  cache:
    image: redis:7
    command: [redis-server, --requirepass, "${PASSWORD}", --dir, /data OPTIONS]
    stop_grace_period: 5s
    volumes: [cache:/data]
volumes:
  cache:
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """The output of the script: exit code, and the lines by their outcomes."""

    code: int
    text: str

    def lines(self, proof: str) -> list[str]:
        return re.findall(rf"^{proof}  (.*)", self.text, re.MULTILINE)


Script = Callable[..., Finding]


@pytest.fixture
def script(engine: Path, daemon: Daemon, tmp_path: Path) -> Iterator[Script]:
    """Writes the script of the project in ``shop``, runs it and returns what it says."""
    environ = {
        "PATH": f"{engine.parent}:{Path(daemon.docker).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "DOCKER_HOST": daemon.host,
    }

    def run(*arguments: str) -> Finding:
        root = tmp_path / "shop"
        project = open_project(ProjectSelection(root, (), (), (), {})).project
        text = smoke_test(
            project,
            start_models(project)[0],
            directory="../shop",
            name="smoke-test.sh",
        )
        assert SECRET not in text
        path = write(tmp_path / "scripts", {"smoke-test.sh": text}) / "smoke-test.sh"
        done = subprocess.run(
            ["sh", str(path), *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.stderr == ""
        assert SECRET not in done.stdout
        return Finding(done.returncode, done.stdout)

    yield run
    subprocess.run(
        [str(engine), "down", "--volumes", "--timeout", "0"],
        cwd=tmp_path / "shop",
        env=environ,
        check=False,
        capture_output=True,
    )


@pytest.fixture
def running(engine: Path, daemon: Daemon, tmp_path: Path) -> None:
    """The shop, up and running as in production."""
    write(tmp_path / "shop", FILES)
    done = subprocess.run(
        [str(engine), "up", "--detach", "web", "notes"],
        cwd=tmp_path / "shop",
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOCKER_HOST": daemon.host},
        capture_output=True,
        text=True,
        check=False,
    )
    if "network" in done.stderr and "fail" in done.stderr.lower():
        pytest.skip(f"the daemon can make no network here: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def redis(daemon: Daemon) -> None:
    """An image redis:7, made of Debian's programs and the libraries that they need."""
    found = [shutil.which(name) for name in ("redis-server", "redis-cli")]
    if None in found:
        pytest.skip("no redis-server and redis-cli are here (Debian: redis-server)")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
        wanted = [str(program) for program in found]
        listed = subprocess.run(["ldd", *wanted], capture_output=True, text=True, check=True)
        libraries = re.findall(r"(/\S+) \(0x", listed.stdout)
        for path in {*wanted, *libraries}:
            tar.add(path, path.lstrip("/"))
        busybox = str(shutil.which("busybox"))
        for name in ("sh", "sed", "tr", "cat", "grep"):
            tar.add(busybox, f"bin/{name}")
    daemon.run("import", "--change", "VOLUME /data", "-", "redis:7", stdin=archive.getvalue())


def everything(daemon: Daemon) -> tuple[object, ...]:
    """Return all containers with their starts, and the names of volumes and networks."""
    names = [daemon.run(kind, "ls", "--format", "{{.Name}}") for kind in ("volume", "network")]
    return daemon.containers(), *(sorted(text.split()) for text in names)


def test_a_copy_is_checked_and_what_runs_is_left_alone(
    daemon: Daemon, script: Script, running: None
) -> None:
    before = everything(daemon)
    found = script()
    assert found.lines("FAIL") == [], found.text
    assert found.code == 0
    passed = "\n".join(found.lines("PASS"))
    assert "web: it is healthy" in passed
    assert "migrate: it exited with code 0" in passed
    assert "web answers on port 8080: /index.html returned 200" in passed
    assert "notes keeps /notes" in passed
    assert found.lines("SKIP") == [
        "agent: it controls the Docker daemon, so it would act on other containers"
    ]
    assert everything(daemon) == before


def test_the_running_stack_is_only_looked_at(daemon: Daemon, script: Script, running: None) -> None:
    before = everything(daemon)
    found = script("--running", "--timeout", "3")
    assert found.lines("FAIL") == ["agent: it has no container after 3 s"], found.text
    assert "web answers on port 8080: /index.html returned 200" in found.lines("PASS")
    assert everything(daemon) == before


@pytest.mark.parametrize(
    ("old", "new", "fails"),
    [
        ("exit 0", "exit 3", "migrate: it exited with code 3"),
        ("/proc/1/stat", "/nowhere", "notes: its health check reports unhealthy"),
        ('-p, "8080"', '-p, "8081"', "web answers on port 8080: no HTTP answer"),
        ("notes:/notes", "./www:/notes", ""),
    ],
    ids=["one-off", "unhealthy", "port", "nothing"],
)
def test_what_is_wrong_is_found(
    daemon: Daemon, script: Script, tmp_path: Path, old: str, new: str, fails: str
) -> None:
    text = SHOP.replace(old, new).replace("busybox, wget, -q", 'busybox, "true", -q')
    assert old not in text
    write(tmp_path / "shop", {**FILES, "compose.yaml": text})
    before = everything(daemon)
    found = script("--timeout", "8")
    assert bool(found.code) is bool(fails), found.text
    assert (fails == "") or [line for line in found.lines("FAIL") if line.startswith(fails)]
    assert everything(daemon) == before


def test_bad_files_are_one_failure(daemon: Daemon, script: Script, tmp_path: Path) -> None:
    bad = SHOP.replace('restart: "no"', "restart: [1]")
    write(tmp_path / "shop", {**FILES, "compose.yaml": bad})
    found = script()
    assert found.code == 1
    assert found.lines("FAIL") == [
        "the Compose files are valid: run docker compose config --quiet for details"
    ]


@pytest.mark.parametrize(("options", "proof"), [("", "PASS"), (', --save, ""', "FAIL")])
def test_a_store_is_asked_with_its_own_client(
    daemon: Daemon, script: Script, tmp_path: Path, redis: None, options: str, proof: str
) -> None:
    text = STORE.replace(" OPTIONS", options)
    write(tmp_path / "shop", {**FILES, "compose.yaml": text})
    before = everything(daemon)
    found = script()
    data = [line for line in found.lines(proof) if "redis-cli" in line]
    assert len(data) == 1, found.text
    assert found.code == (proof == "FAIL")
    assert everything(daemon) == before


def test_wrong_usage(script: Script, tmp_path: Path) -> None:
    write(tmp_path / "shop", FILES)
    with pytest.raises(AssertionError, match="usage:"):
        script("--nonsense")
