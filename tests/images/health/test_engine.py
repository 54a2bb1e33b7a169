"""Docker Compose resolves every health check that could be written to what it means."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from composerefactor.edit.rendering import Flow, Value, YamlStyle, entry_lines
from composerefactor.images.catalog import load_catalog
from composerefactor.images.entries import Command
from composerefactor.images.health.probes import Probe, ProbeKind, Programs, command_for

PROGRAMS = ("curl", "wget", "node", "python", "ruby", "php", "bash", "nc")


def checks() -> Iterator[tuple[str, Command]]:
    """Yield every command of the image catalog, and one for each program that can probe."""
    for each in load_catalog().entries:
        tests = [each.healthcheck.test] if each.healthcheck else []
        tests += [variant.test for variant in each.variants if variant.test]
        tests += [other.test for other in each.alternatives]
        yield from ((f"{each.id}-{n}", test) for n, test in enumerate(tests))
    for kind in get_args(ProbeKind):
        for program in PROGRAMS:
            held = Programs({program: "", "grep": ""})
            found = command_for(Probe(kind, "${PORT:-80}", "/x"), held)
            if found is not None:
                yield f"{kind}-{program}", found[0]


@pytest.mark.parametrize("quote", ['"', "'"])
def test_the_engine_accepts_every_check(engine: Path, tmp_path: Path, quote: str) -> None:
    expected = dict(checks())
    style = YamlStyle(2, 2, quote)
    lines = ["services:"]
    for name, test in expected.items():
        body: Value = {"image": "x", "healthcheck": {"test": Flow(test), "interval": "30s"}}
        lines += entry_lines(name, body, 2, style)
    (tmp_path / "compose.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = subprocess.run(
        [engine, "config", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env={"PORT": "8080"},
    )
    assert run.returncode == 0, run.stderr.decode()
    services = json.loads(run.stdout)["services"]
    found = {name: tuple(body["healthcheck"]["test"]) for name, body in services.items()}
    assert len(expected) > 120
    assert found == {
        name: tuple(word.replace("${PORT:-80}", "8080") for word in test)
        for name, test in expected.items()
    }
