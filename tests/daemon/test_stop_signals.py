"""With a real daemon: the programs that are said to get no stop signal are killed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.compose.services import start_model
from composerefactor.images.stop_signals import lost_signal
from daemon import official
from support.memory import Memory

if TYPE_CHECKING:
    from daemon.conftest import Daemon

pytestmark = pytest.mark.daemon

APP = "busybox sh /app.sh"
KILLED = 137
IMAGE = official.Image(
    "nginx",
    ("dash",),
    (),
    files=(("app.sh", "trap 'exit 0' TERM\nwhile :; do busybox sleep 0.1; done\n"),),
    links=(("bin/ash", "/bin/busybox"),),
)
TEXTS = (
    *(APP, f"exec {APP}", f"true && {APP}", f"true && exec {APP}", f"true; {APP}"),
    *(f"{APP} | cat", f"{APP} || true", f"while true; do {APP}; sleep 1; done"),
)


def test_a_program_is_killed_exactly_if_it_is_said_to_get_no_signal(daemon: Daemon) -> None:
    if absent := official.missing_programs(IMAGE):
        pytest.skip(f"{', '.join(absent)} is missing")
    daemon.run("import", "-", "local/shells:1", stdin=official.archive(IMAGE))
    commands = [(shell, "-c", text) for shell in ("dash", "bash", "ash") for text in TEXTS]
    options = ("--detach", "--network=none", "--entrypoint=")
    ids = [daemon.run("run", *options, "local/shells:1", *c).strip() for c in commands]
    daemon.run("stop", "--timeout=2", *ids)
    states = daemon.run("inspect", "--format={{.State.ExitCode}}", *ids).split()
    killed = {c for c, state in zip(commands, states, strict=True) if int(state) == KILLED}
    assert killed == set(filter(_is_lost, commands))


def _is_lost(command: tuple[str, ...]) -> bool:
    services = {"a": {"image": "a", "entrypoint": list(command)}}
    entry = Invocation(("compose.yaml",))
    text = json.dumps({"services": services})
    project = load_project([entry], Library(Memory({"compose.yaml": text})))
    return lost_signal(project, start_model(project, entry).services["a"]) is not None
