"""The commands that probe a server, run against real servers."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from composerefactor.images.entries import Command
from composerefactor.images.health.probes import Probe, ProbeKind, Programs, command_for
from support.healthchecks import busybox, run

PROGRAMS = ("curl", "wget", "node", "python3", "ruby", "php", "bash", "busybox wget", "busybox nc")
STATUSES = {"/ok": 200, "/found": 302, "/missing": 404, "/broken": 500}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = STATUSES[self.path]
        self.send_response(status)
        if status == STATUSES["/found"]:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def closed() -> Iterator[int]:
    with socket.socket() as taken:  # Bound, so that no other process listens there.
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@dataclass(frozen=True, slots=True)
class ProbeCase:
    kind: ProbeKind
    path: str
    is_healthy: bool


@pytest.mark.parametrize(
    "case",
    [
        ProbeCase("ok", "/ok", is_healthy=True),
        ProbeCase("ok", "/found", is_healthy=True),
        ProbeCase("ok", "/missing", is_healthy=False),
        ProbeCase("ok", "/broken", is_healthy=False),
        ProbeCase("answer", "/ok", is_healthy=True),
        ProbeCase("answer", "/missing", is_healthy=True),
        ProbeCase("answer", "/broken", is_healthy=True),
        ProbeCase("connect", "/", is_healthy=True),
    ],
    ids=lambda case: f"{case.kind}{case.path}",
)
@pytest.mark.parametrize("program", PROGRAMS)
def test_probe(program: str, case: ProbeCase, port: int, tmp_path: Path) -> None:
    path, held = installed(program, tmp_path)
    found = command_of(case.kind, port, case.path, held)
    is_weaker = found == command_for(Probe("connect", str(port)), held)
    assert run(found[0], path=path) == (case.is_healthy or is_weaker)


@pytest.mark.parametrize("kind", ["ok", "answer", "connect"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_listens(program: str, kind: ProbeKind, closed: int, tmp_path: Path) -> None:
    path, held = installed(program, tmp_path)
    assert not run(command_of(kind, closed, "/ok", held)[0], path=path)


def installed(program: str, directory: Path) -> tuple[str | None, Programs]:
    """Return the search path for *program*, and it as what an image holds; skips without it."""
    path, name = None, program
    if program.startswith("busybox "):
        name = program.removeprefix("busybox ")
        path = str(busybox(directory))
    elif shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    return path, Programs({name: "", "grep": ""})


def command_of(kind: ProbeKind, port: int, path: str, held: Programs) -> tuple[Command, str]:
    """Return what sends the probe; skips where the program cannot."""
    found = command_for(Probe(kind, str(port), path), held)
    if found is None:
        pytest.skip("the program cannot send this probe")
    return found


def test_the_check_without_a_dockerfile(port: int, closed: int, tmp_path: Path) -> None:
    text = "nc -z 127.0.0.1 {0} || bash -c ': > /dev/tcp/127.0.0.1/{0}'"
    for path in (str(busybox(tmp_path)), None):
        assert run(("CMD-SHELL", text.format(port)), path=path)
        assert not run(("CMD-SHELL", text.format(closed)), path=path)


def test_a_missing_program_is_not_healthy(tmp_path: Path) -> None:
    assert not run(("CMD", "curl", "http://127.0.0.1"), path=str(tmp_path))
