"""A Docker daemon of the tests' own, without network: it touches no other container."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

IMAGE = "local/busybox:1"
SECONDS_TO_START = 60
OPTIONS = ("--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false")


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon: *host* as DOCKER_HOST has it, *docker* its client."""

    host: str
    docker: str

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """Return what the client prints."""
        done = subprocess.run(
            [self.docker, "--host", self.host, *arguments],
            input=stdin,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode()

    def containers(self) -> dict[str, tuple[str, str]]:
        """Return id and start of every container, by name."""
        ids = self.run("ps", "--all", "--quiet", "--no-trunc").split()
        form = "{{.Name}} {{.Id}} {{.State.StartedAt}}"
        lines = self.run("inspect", "--format", form, *ids).splitlines() if ids else []
        return {name: (id_, start) for name, id_, start in map(str.split, lines)}


def missing() -> list[str]:
    """Return what has to be there before a daemon can be started, and is not."""
    found = [] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["the rights of root"]
    found += [
        f"{program} (Debian: docker.io)"
        for program in ("dockerd", "docker")
        if shutil.which(program, path=_search_path()) is None
    ]
    busybox = shutil.which("busybox", path=_search_path())
    # A dynamic program names its loader at its beginning.
    if busybox is None or b"/ld-" in Path(busybox).read_bytes()[:4096]:
        found.append("a static busybox (Debian: busybox-static)")
    return found


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    """A daemon with a busybox image; what is missing for one skips the test and is named."""
    if absent := missing():
        pytest.skip(f"no Docker daemon can be started: {', '.join(absent)} is missing")
    with ExitStack() as stack:
        # A short path: a socket's name has at most 107 bytes.
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crd-", dir="/tmp")))
        log = stack.enter_context(root.joinpath("log").open("wb"))
        host = f"unix://{root}/sock"
        places = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "pid"}
        process = subprocess.Popen(
            [
                _program("dockerd"),
                *OPTIONS,
                *(f"{option}={root / name}" for option, name in places.items()),
                f"--host={host}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        stack.callback(_stop, process)
        found = Daemon(host, _program("docker"))
        _wait(found, process, root / "log")
        found.run("import", "-", IMAGE, stdin=_image())
        yield found
        names = found.run("ps", "--all", "--quiet").split()
        if names:
            found.run("rm", "--force", *names)


def _search_path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _program(name: str) -> str:
    return shutil.which(name, path=_search_path()) or name


def _wait(daemon: Daemon, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        try:
            daemon.run("version")
        except subprocess.CalledProcessError:
            time.sleep(0.2)
        else:
            return
    words = log.read_text(errors="replace").splitlines()[-3:]
    pytest.skip(f"the Docker daemon does not start here: {' '.join(words)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _image() -> bytes:
    """Return a root file system with busybox as a tar."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(_program("busybox"), "bin/busybox", filter=_executable)
        for name in ("sh", "sleep", "cat"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return archive.getvalue()


def _executable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode = 0o755
    return member
